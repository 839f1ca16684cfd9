#!/usr/bin/env bash
# Runs one program as init's only work in a guest with its own kernel, under
# QEMU's TCG (no KVM needed), pure cgroup2, and exits with its status.
#
#   tests/vm/run_in_guest.sh VMLINUZ PROGRAM [ARGUMENT...]
#   tests/vm/run_in_guest.sh k61/boot/vmlinuz-6.1.0-56-cloud-amd64 \
#       build/release/tests/kernel/kernel_source_bpf_test --gtest_filter=-Verifier*
#
# VMLINUZ: from a Debian cloud kernel package, unpacked with dpkg -x, never
# installed. Needs qemu-system-x86 and busybox-static. GUEST_TIMEOUT: seconds, 300.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
kernel=$1 program=$2
shift 2
for tool in qemu-system-x86_64 /bin/busybox ldd; do
  command -v "$tool" >/dev/null || { echo "run_in_guest: no $tool; apt-get install qemu-system-x86 busybox-static" >&2; exit 2; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{bin,proc,sys,dev,tmp}
cp /bin/busybox "$root/bin/"
cp "$program" "$root/program"
# The loader and every library, at the paths the program asks for.
ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
{
  echo '#!/bin/busybox sh'
  echo '/bin/busybox --install -s /bin'
  echo 'export PATH=/bin'
  echo 'mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp'
  echo 'mount -t cgroup2 none /sys/fs/cgroup'
  printf '/program'
  [ $# -eq 0 ] || printf " '%s'" "$@"
  printf '\necho "guest-exit: $?"\npoweroff -f\n'
} >"$root/init"
chmod +x "$root/init"
(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initramfs"
# One vCPU: with more, QEMU 7.2's TCG has hung while BPF attached.
timeout "${GUEST_TIMEOUT:-300}" qemu-system-x86_64 -accel tcg -cpu max -smp 1 -m 512 -nographic -no-reboot \
  -kernel "$kernel" -initrd "$work/initramfs" -append 'console=ttyS0 quiet panic=-1 psi=1' </dev/null \
  | tr -d '\r' | tee "$work/console" || true
status=$(sed -n 's/^guest-exit: //p' "$work/console" | tail -1)
[ -n "$status" ] || { echo "run_in_guest: the guest ended without a result" >&2; exit 3; }
exit "$status"
