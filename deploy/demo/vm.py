"""One virtual machine under QEMU's TCG in a cgroup of its own, so that it is a workload like the containers."""
import os
import subprocess

import cgroups
import guest

# Joins every hierarchy that is measured, then becomes the VMM: no moment of its life is booked elsewhere.
JOIN = 'for group in $GROUPS_TO_JOIN; do echo $$ >"$group/cgroup.procs" || exit 1; done; exec "$@"'
# What the demo's guest does: wakes now and then, as an agent in a VM would.
AGENT = "echo ready; while :; do i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; sleep 2; done\n"


class Vm:
    """`with Vm(...) as vm`, or start() and stop(); what `command` names is a whole QEMU command line."""

    def __init__(self, name, cgroup_path, command, log):
        self.name = name
        self.cgroup_path = cgroup_path
        # debug-threads: without it QEMU's vCPU threads have no names to be told by.
        self.command = [*command, "-name", f"guest={name},debug-threads=on"]
        self.log = log
        self.process = None
        self.groups = []

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        for mount, controllers in cgroups.mounts():
            if controllers is None or controllers & {"cpu", "cpuacct", "memory"}:
                os.makedirs(mount + self.cgroup_path, exist_ok=True)
                self.groups.append(mount + self.cgroup_path)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["/bin/sh", "-c", JOIN, "sh", *self.command], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True,
                                            env={**os.environ, "GROUPS_TO_JOIN": " ".join(self.groups)})
        return self

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        for group in reversed(self.groups):
            try:
                os.rmdir(group)
            except OSError:
                pass  # Stack removes the tree
        self.groups = []


def demo_vm(folder, prefix):
    """The demo's VM, not started; None where QEMU or the kernel is missing: the demo goes on without."""
    kernel = guest.find_kernel("6.1")
    if guest.missing_tools() or kernel is None:
        return None
    image = guest.Image(folder / "vm.initramfs")
    image.write(AGENT)
    command = ["nice", "-n", "19", *guest.command(kernel, image.path, memory_mb=256)]
    return Vm("demo-vm", f"{prefix}-vms/demo-vm", command, folder / "vm.log")
