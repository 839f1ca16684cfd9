"""A real QEMU guest (TCG) on this host: what is told of it against its threads' own schedstat."""
import os
import pathlib
import signal
import subprocess

import records
from harness import StackTest
from vm import Vm

# A boot sector that spins: `jmp $`, padding, the BIOS's signature. No kernel, no modules, a busy vCPU at once.
BOOT_SECTOR = b"\xeb\xfe" + b"\0" * 508 + b"\x55\xaa"
CPU = 0  # shared by the vCPU and the spinner, so that one waits for the other


def vcpu_threads(pid):
    """{index: thread id}, by the names that QEMU gives."""
    threads = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        if name.startswith("CPU "):
            threads[int(name.split()[1].split("/")[0])] = task.name
    return threads


class VmTest(StackTest):
    def start_vm(self, *more):
        disk = self.stack.folder / "disk"
        disk.write_bytes(BOOT_SECTOR)
        command = ["taskset", "-c", str(CPU), "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-smp", "2", "-m", "128M",
                   "-nodefaults", "-display", "none", "-drive", f"file={disk},format=raw,if=ide,snapshot=on", *more]
        return self.stack.start_vm(Vm("guest-7", f"{self.prefix}-vms/guest-7", command, self.stack.folder / "vm.log"))

    def workload(self, vm):
        found = [w for w in self.get_json("/api/v1/workloads")["workloads"] if w.get("path") == vm.cgroup_path]
        return found[0] if found else None

    def recorded_vcpus(self):
        """{index: last values} of the recording so far."""
        names, values = {}, {}
        for record in records.read(self.stack.ballast, self.recording):
            for row in record.get("rows", record.get("entities", [])):
                if row.get("kind") == "vcpu":
                    names[row["ref"]] = row["fields"]["vcpu_index"]
                if row["ref"] in names:
                    values.setdefault(names[row["ref"]], {}).update(row["fields"])
        return values

    def test_steal_and_time_agree_with_the_threads_schedstat(self):
        self.stack.start_collector(self.recording)
        vm = self.start_vm()
        spinner = subprocess.Popen(["taskset", "-c", str(CPU), "sh", "-c", "while :; do :; done"])
        self.addCleanup(lambda: (spinner.kill(), spinner.wait()))
        threads = self.wait_until("QEMU has two vCPU threads", lambda: (t := vcpu_threads(vm.process.pid)) and len(t) == 2 and t, 30)

        def schedstat(index):
            text = pathlib.Path(f"/proc/{vm.process.pid}/task/{threads[index]}/schedstat").read_text()
            return [int(word) for word in text.split()[:2]]

        self.wait_until("the vCPU waited for a second", lambda: schedstat(0)[1] > 1e9, 90)
        # Stopped, its account stands still and two readers must agree.
        os.kill(vm.process.pid, signal.SIGSTOP)

        def agrees():
            told = self.recorded_vcpus().get(0, {})
            ran, waited = schedstat(0)
            return abs(told.get("vcpu_steal_ns", 0) / waited - 1) < 0.05 and abs(told.get("vcpu_time_ns", 0) / ran - 1) < 0.05

        self.wait_until("steal and time within 5 % of schedstat", agrees, 15)
        self.assertEqual(set(self.recorded_vcpus()), {0, 1})

    def test_guest_is_named_and_measured(self):
        self.stack.start_collector(self.recording)
        vm = self.start_vm("-uuid", "b1a5b1a5-0000-4000-8000-000000000007")

        told = self.wait_until("it is a VM with its vCPUs counted", lambda: (w := self.workload(vm)) and w["kind"] == "vm"
                               and w["fields"].get("vm_vcpus") and w["fields"].get("vm_overhead_ns") is not None and w, 30)

        fields = told["fields"]
        self.assertEqual((told["name"], fields["runtime"], fields["guest_name"]), ("guest-7", "qemu", "guest-7"))
        self.assertEqual(fields["guest_uuid"], "b1a5b1a5-0000-4000-8000-000000000007")
        self.assertEqual((fields["vm_vcpus"], fields["vm_memory_max_bytes"]), (2, 128 << 20))
        resident = int(pathlib.Path(f"/proc/{vm.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
        self.assertAlmostEqual(fields["vm_resident_bytes"] / resident, 1, delta=0.2)

    def test_balloon_is_asked_for_by_qmp_where_configured(self):
        self.stack.collector_settings = f'[vms]\nqmp_sockets = ["{self.stack.folder}/%n.qmp"]'
        self.stack.start_collector(self.recording)
        vm = self.start_vm("-device", "virtio-balloon-pci", "-qmp", f"unix:{self.stack.folder}/guest-7.qmp,server=on,wait=off")

        told = self.wait_until("the balloon is known", lambda: (w := self.workload(vm)) and w["fields"].get("vm_balloon_bytes"), 30)

        self.assertEqual(told, 128 << 20)

    def test_ended_vm_takes_its_vcpus_along(self):
        self.stack.start_collector(self.recording)
        vm = self.start_vm()
        self.wait_until("its vCPUs are told", lambda: len(self.recorded_vcpus()) == 2, 30)

        vm.stop()

        self.wait_until("the VM is gone", lambda: self.workload(vm) is None)
