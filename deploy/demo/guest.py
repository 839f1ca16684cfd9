"""A virtual machine of one initramfs and one of Debian's kernels, under QEMU's TCG: no KVM, no disk, nothing installed.

    image = Image(folder / "initramfs")
    image.add_program(build / "collector/ballast-collector")   # with its libraries, at the same path
    image.write(script)                                        # what its init runs; then it powers off
    subprocess.run(command(find_kernel("6.1"), image.path))

The demo's VM and tests/vm's guests are both made here. Needs qemu-system-x86 and busybox-static; kernels come from
tests/vm/fetch_kernels.sh.
"""
import os
import pathlib
import shutil
import stat
import subprocess

# psi=1: Debian's kernels have pressure accounting compiled in and switched off.
KERNEL_ARGUMENTS = "console=ttyS0 quiet panic=-1 psi=1"
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev 2>/dev/null
mount -t tmpfs run /run; mount -t cgroup2 none /sys/fs/cgroup
ifconfig lo up
# Those of the modules that this kernel has; which needs which changes with its version. The last round complains.
load() {
  for errors in /dev/null /dev/null /dev/console; do
    for module; do
      [ ! -f /modules/$module.ko ] || grep -q "^$(echo $module | tr - _) " /proc/modules || insmod /modules/$module.ko 2>$errors
    done
  done
}
"""


def find_kernel(series):
    """The folder with vmlinuz, release and modules/ of a fetched series; None where it was not fetched."""
    cache = os.environ.get("BALLAST_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ballast")
    folder = pathlib.Path(cache) / "kernels" / series
    return folder if (folder / "vmlinuz").is_file() else None


def command(kernel, initramfs, memory_mb=768, extra=()):
    """QEMU's command line. One vCPU: with more, QEMU 7.2's TCG has hung while BPF attached."""
    return ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", str(memory_mb), "-nographic",
            "-no-reboot", "-nodefaults", "-serial", "stdio", "-kernel", str(kernel / "vmlinuz"), "-initrd", str(initramfs),
            "-append", KERNEL_ARGUMENTS, *extra]


class Image:
    """The guest's only file system, as an uncompressed newc archive: unpacking gzip under TCG costs seconds."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.files = {"bin/busybox": pathlib.Path("/bin/busybox")}  # path inside, file outside

    def add_file(self, outside, inside=None):
        self.files[str(inside or outside).lstrip("/")] = pathlib.Path(outside)

    def add_program(self, program, inside=None):
        """With its loader and every library at the paths it asks for."""
        self.add_file(program, inside)
        told = subprocess.run(["ldd", str(program)], capture_output=True, text=True)
        for word in told.stdout.split():
            if word.startswith("/"):
                self.add_file(word)

    def add_modules(self, kernel):
        for module in sorted((kernel / "modules").glob("*.ko")):
            self.add_file(module, f"modules/{module.name}")

    def write(self, script):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        folders = {"proc", "sys", "dev", "tmp", "run", "root", "etc"}
        for inside in self.files:
            folders.update(str(parent) for parent in pathlib.PurePosixPath(inside).parents if str(parent) != ".")
        with open(self.path, "wb") as out:
            for folder in sorted(folders):
                append(out, folder, stat.S_IFDIR | 0o755, b"")
            for inside, outside in sorted(self.files.items()):
                append(out, inside, stat.S_IFREG | 0o755, outside.read_bytes())
            append(out, "init", stat.S_IFREG | 0o755, f"{INIT}{script}\npoweroff -f\n".encode())
            append(out, "TRAILER!!!", 0, b"")


def append(out, name, mode, content):
    """One entry of a newc archive (cpio(5)): a header of hexadecimal fields, the name, the content, each padded to 4."""
    encoded = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
    out.write(header + b"\0" * (-len(header) % 4) + content + b"\0" * (-len(content) % 4))


def missing_tools():
    return [tool for tool in ("qemu-system-x86_64", "ldd") if shutil.which(tool) is None] + \
        [path for path in ("/bin/busybox",) if not os.path.exists(path)]
