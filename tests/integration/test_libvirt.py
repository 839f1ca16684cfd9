"""A domain of a real libvirtd: its own sockets, state and configuration in a mount namespace of its own, QEMU under TCG."""
import os
import signal
import subprocess

from harness import StackTest

UUID = "b1a5b1a5-0000-4000-8000-000000000009"
NAMESPACE = """set -e
mount --make-rprivate /
for where in /run/libvirt /var/lib/libvirt /var/cache/libvirt /etc/libvirt; do
  mkdir -p {0}$where $where
  mount --bind {0}$where $where
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


class LibvirtTest(StackTest):
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
