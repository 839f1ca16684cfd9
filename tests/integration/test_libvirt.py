"""A domain of a real libvirtd: its own sockets, state and configuration in a mount namespace of its own, QEMU under TCG."""
import os
import re
import signal
import subprocess
import time
import urllib.request

import cgroups
import guest
from harness import StackTest

UUID = "b1a5b1a5-0000-4000-8000-000000000009"
NAMESPACE = """set -e
mount --make-rprivate /
for where in /run/libvirt /var/lib/libvirt /var/cache/libvirt /etc/libvirt; do
  mkdir -p {0}$where $where
  mount --bind {0}$where $where
done
# Its driver looks for the user and groups of Debian's package before it reads that it needs none.
for file in passwd group; do
  cp /etc/$file {0}/$file
  case $file in
    passwd) grep -q ^libvirt-qemu: /etc/$file || echo libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin ;;
    group) for name in kvm libvirt-qemu; do grep -q ^$name: /etc/group || echo $name:x:6405${{#name}}: ; done ;;
  esac >>{0}/$file
  mount --bind {0}/$file /etc/$file
done
mkdir -p /etc/libvirt/qemu
printf '%s\\n' 'user="root"' 'group="root"' 'security_driver="none"' 'namespaces=[]' 'stdio_handler="file"' 'remember_owner=0' >/etc/libvirt/qemu.conf
printf '%s\\n' 'host_uuid="ba11a571-0000-4000-8000-0000000000aa"' 'unix_sock_group="root"' 'auth_unix_rw="none"' 'auth_unix_ro="none"' >/etc/libvirt/libvirtd.conf
exec libvirtd --config /etc/libvirt/libvirtd.conf
"""
DOMAIN = f"""<domain type='qemu'><name>guest-9</name><title>Ninth guest</title><uuid>{UUID}</uuid>
<memory unit='MiB'>128</memory><vcpu current='1'>2</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator><memballoon model='virtio'/></devices></domain>
"""
# One that Linux runs in, so that its balloon moves and it says what it needs.
LINUX_DOMAIN = f"""<domain type='qemu'><name>guest-9</name><uuid>{UUID}</uuid>
<memory unit='MiB'>384</memory><vcpu current='1'>2</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><kernel>{{kernel}}</kernel><initrd>{{initrd}}</initrd><cmdline>{guest.KERNEL_ARGUMENTS}</cmdline></os>
<features><acpi/></features><cpu mode='maximum'/>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator><memballoon model='virtio'/>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{{disk}}'/><target dev='vda' bus='virtio'/></disk>
<serial type='file'><source path='{{console}}'/></serial></devices></domain>
"""
GUEST = """load virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_balloon
echo the guest is up; while :; do i=0; while [ $i -lt 500 ]; do i=$((i+1)); done; sleep 1; done
"""


class LibvirtdTest(StackTest):
    def start_libvirtd(self):
        self.folder = self.stack.folder / "libvirt"
        self.folder.mkdir()
        self.new_groups = [path for path in self.machine_groups() if not os.path.isdir(path)]
        log = open(self.folder / "log", "wb")
        self.addCleanup(log.close)
        self.daemon = subprocess.Popen(["unshare", "--mount", "bash", "-c", NAMESPACE.format(self.folder)], stdout=log, stderr=log)
        self.addCleanup(self.stop_libvirtd)
        # Read-only, as the collector asks; where the namespace's /run/libvirt lies outside.
        self.uri = f"qemu+unix:///system?socket={self.folder}/run/libvirt/libvirt-sock-ro"
        self.wait_until("libvirtd answers", lambda: self.virsh("list").returncode == 0, 30)

    @staticmethod
    def machine_groups():
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            return [line.split()[4] + "/machine" for line in mounts if " - cgroup" in line]

    def stop_libvirtd(self):
        self.daemon.terminate()
        self.daemon.wait()
        for group in self.new_groups:  # libvirt leaves its parent group behind
            if os.path.isdir(group):
                os.rmdir(group)

    def virsh(self, *words):
        uri = f"qemu+unix:///system?socket={self.folder}/run/libvirt/libvirt-sock"
        return subprocess.run(["virsh", "-c", uri, *words], capture_output=True, text=True, timeout=60)

    def start_domain(self):
        (self.folder / "domain.xml").write_text(DOMAIN)
        done = self.virsh("create", str(self.folder / "domain.xml"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.addCleanup(lambda: self.virsh("destroy", "guest-9"))


class LibvirtTest(LibvirtdTest):
    def domain(self):
        found = [w["fields"] for w in self.get_json("/api/v1/workloads")["workloads"] if w["fields"].get("guest_uuid") == UUID]
        return found[0] if found else {}

    def test_domain_is_named_by_libvirt_and_its_process_and_cgroup_found(self):
        self.start_libvirtd()
        self.stack.collector_settings = f'[vms]\nlibvirt = "{self.uri}"'
        self.stack.start_collector(self.recording)
        self.start_domain()

        told = self.wait_until("libvirt's title and memory are there", lambda: (f := self.domain()).get("guest_title")
                               and f.get("vm_balloon_bytes") and f, 30)

        self.assertEqual((told["guest_title"], told["guest_name"], told["vm_memory_max_bytes"], told["vm_balloon_bytes"]),
                         ("Ninth guest", "guest-9", 128 << 20, 128 << 20))
        with open(f"/proc/{told['pid']}/cgroup", encoding="utf-8") as groups:
            self.assertIn(told["path"], groups.read())
        self.assertEqual(self.wait_until("its vCPUs are counted", lambda: self.domain().get("vm_vcpus"), 30), 1)

    def test_libvirtd_that_hangs_delays_nothing(self):
        self.start_libvirtd()
        self.stack.collector_settings = f'[vms]\nlibvirt = "{self.uri}"'
        self.stack.start_collector(self.recording)
        self.start_domain()
        self.wait_until("libvirt is asked", lambda: self.domain().get("guest_title"), 30)

        # Goes on before the domain is ended.
        self.addCleanup(lambda: os.kill(self.daemon.pid, signal.SIGCONT))
        os.kill(self.daemon.pid, signal.SIGSTOP)

        before = self.get_json("/api/v1/status")["sequence"]
        self.wait_until("ticks go on", lambda: self.get_json("/api/v1/status")["sequence"] > before + 20, 30)
        resident = self.domain().get("vm_resident_bytes")
        self.assertGreater(resident, 0)


class LibvirtActuationTest(LibvirtdTest):
    """The autoscaler resizes the domain; virsh is the witness."""

    def start_all(self):
        self.start_libvirtd()
        self.stack.start_collector(self.recording)
        self.boot_linux()
        self.stack.autoscaler_settings = f"""
[vms]
libvirt = "qemu+unix:///system?socket={self.folder}/run/libvirt/libvirt-sock"
[policy]
cpu_headroom_shared = false
[defaults]
max_io_bytes_per_second = 8388608
"""
        prefix, self.stack.prefix = self.stack.prefix, "/machine"
        self.stack.start_autoscaler("auto")
        self.stack.prefix = prefix
        self.original = self.sizes()
        self.assertEqual((self.original["balloon"], self.original["disk"]), (384 << 20, 0))

    def boot_linux(self):
        kernel = guest.find_kernel("6.1")
        self.assertTrue(kernel and (kernel / "modules/virtio_balloon.ko").exists(), "run: tests/vm/fetch_kernels.sh 6.1")
        image = guest.Image(self.folder / "initrd")
        image.add_modules(kernel)
        image.write(GUEST)
        (self.folder / "disk").write_bytes(bytes(1 << 20))
        (self.folder / "domain.xml").write_text(LINUX_DOMAIN.format(
            kernel=kernel / "vmlinuz", initrd=image.path, disk=self.folder / "disk", console=self.folder / "console"))
        done = self.virsh("create", str(self.folder / "domain.xml"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.addCleanup(lambda: self.virsh("destroy", "guest-9"))
        self.wait_until("the guest is up", lambda: "the guest is up" in (self.folder / "console").read_text(errors="replace"), 90)

    def sizes(self):
        stats = dict(re.findall(r"^ +(\S+)=(\S+)$", self.virsh("domstats", "guest-9", "--balloon", "--vcpu").stdout, re.M))
        schedule = dict(re.findall(r"^(\w+) +: (\S+)$", self.virsh("schedinfo", "guest-9").stdout, re.M))
        tune = dict(re.findall(r"^(\w+) *: (\d+)$", self.virsh("blkdeviotune", "guest-9", "vda").stdout, re.M))
        quota = int(schedule["global_quota"])
        return {"balloon": int(stats["balloon.current"]) << 10, "vcpus": int(stats["vcpu.current"]),
                "quota": None if quota < 0 or quota >= 1 << 50 else quota, "disk": int(tune["total_bytes_sec"]),
                "usable": int(stats.get("balloon.usable", 0)) << 10}

    def wait_until_resized(self):
        def resized():
            sizes = self.sizes()
            return sizes["balloon"] < 384 << 20 and sizes["quota"] and sizes["disk"] == 8 << 20 and sizes
        return self.wait_until("balloon, quota and disk follow", resized, 40)

    def assert_original(self):
        """But for vCPUs: a guest may hold on to one that was plugged in."""
        end = time.monotonic() + 20
        while (different := {key: (self.original[key], now) for key, now in self.sizes().items()
                             if key not in ("usable", "vcpus") and now != self.original[key]}) and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(different, {}, "(before, now)")

    def test_domain_is_resized_through_libvirt_alone_and_put_back_after_a_kill(self):
        self.start_all()
        sizes = self.wait_until_resized()

        self.assertGreater(sizes["usable"], 0, "the guest says what it needs, and has more")
        path = self.wait_until("an actuation is told", lambda: [
            event["fields"]["file"] for event in self.events("actuation") if event["fields"].get("text") == "through libvirt"])[0]
        self.assertIn(UUID, path)
        group = [workload["fields"]["path"] for workload in self.get_json("/api/v1/workloads")["workloads"]
                 if workload["fields"].get("guest_uuid") == UUID or "guest-9" in workload["fields"].get("path", "")][0]
        self.assertIsNone(cgroups.memory_limit_bytes(group), "a limit was written behind libvirt's back")

        watcher = self.stack.processes["autoscaler"].pid
        child = int(subprocess.run(["pgrep", "-P", str(watcher)], capture_output=True, text=True).stdout)
        os.kill(child, signal.SIGSTOP)
        os.kill(watcher, signal.SIGKILL)
        os.kill(child, signal.SIGKILL)
        self.stack.stop("autoscaler", signal.SIGKILL)
        time.sleep(0.5)
        self.assertEqual(self.sizes()["disk"], 8 << 20, "nobody was left to restore anything")
        done = subprocess.run([self.stack.ballast, "release", "--state-dir", self.stack.state_folder], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_original()

    def test_somebody_elses_setmem_is_held_said_and_what_a_release_puts_back(self):
        self.start_all()
        self.wait_until_resized()
        # While it moves, a size between the two could be anybody's.
        seen = [0] * 3
        while len(set(seen)) > 1:
            time.sleep(0.6)
            seen = [*seen[1:], self.sizes()["balloon"]]
        done = self.virsh("setmem", "guest-9", "370M", "--live")
        self.assertEqual(done.returncode, 0, done.stderr)

        self.wait_until("it is said", lambda: any("somebody else changed it" in event["fields"].get("text", "")
                                                 for event in self.events("autoscaler")), 30)
        self.assertEqual(self.sizes()["balloon"], 370 << 20)
        self.assertEqual(self.stack.stop("autoscaler", signal.SIGTERM), 0)
        self.original["balloon"] = 370 << 20
        self.assert_original()

    def test_libvirtd_that_hangs_stops_nothing_else_and_is_said_once(self):
        self.start_all()
        self.wait_until_resized()
        self.addCleanup(lambda: os.kill(self.daemon.pid, signal.SIGCONT))
        os.kill(self.daemon.pid, signal.SIGSTOP)

        slowest, end = 0, time.monotonic() + 8
        while time.monotonic() < end:
            begin = time.monotonic()
            with urllib.request.urlopen(f"http://127.0.0.1:{self.stack.autoscaler_port}/metrics", timeout=10) as page:
                page.read()
            slowest = max(slowest, time.monotonic() - begin)
            time.sleep(0.02)
        self.assertLess(slowest, 0.5)
        said = self.wait_until("it is said", lambda: [event for event in self.events("autoscaler")
                                                      if "does not answer" in event["fields"].get("text", "")], 20)
        self.assertEqual(len(said), 1)
        os.kill(self.daemon.pid, signal.SIGCONT)
        self.wait_until("its return is said", lambda: any("answers again" in event["fields"].get("text", "")
                                                         for event in self.events("autoscaler")), 40)
        self.assertEqual(self.stack.stop("autoscaler", signal.SIGTERM), 0)
        self.assert_original()
