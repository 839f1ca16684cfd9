"""What the running collector costs at 10 Hz, by number of workloads: CPU of one core and resident memory.

Budget it defends: under 2 % of one core at 100 workloads. Each workload is an idle cgroup with one task, below a
prefix of its own, as most agents are most of the time; CPU time is the kernel's count for the process, threads included.
"""
import os
import subprocess
import time

import cgroups
from stack import Stack

PREFIX = "/ballast-bench"
SETTLE_SECONDS, MEASURE_SECONDS = 3, 10


def make_workload(number):
    task = subprocess.Popen(["/bin/busybox", "sleep", "3600"])
    for mount, _ in cgroups.mounts():
        folder = f"{mount}{PREFIX}/w{number}"
        os.makedirs(folder, exist_ok=True)
        # A v1 cpuset takes no task before it has CPUs; it limits nothing that is measured here.
        try:
            with open(f"{folder}/cgroup.procs", "w") as procs:
                procs.write(str(task.pid))
        except OSError:
            pass
    return task


def cpu_seconds(pid):
    """Exact, from the scheduler's account: utime and stime are sampled by the very timer that wakes the collector."""
    total_ns = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as schedstat:
            total_ns += int(schedstat.read().split()[0])
    return total_ns / 1e9


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def measure(workloads):
    with Stack(os.environ["BALLAST_BUILD"], prefix=PREFIX) as stack:
        tasks = [make_workload(number) for number in range(workloads)]
        try:
            stack.start_collector(stack.folder / "records")
            pid = stack.processes["collector"].pid
            time.sleep(SETTLE_SECONDS)
            before, start = cpu_seconds(pid), time.monotonic()
            time.sleep(MEASURE_SECONDS)
            share = (cpu_seconds(pid) - before) / (time.monotonic() - start)
            return share, resident_mib(pid)
        finally:
            for task in tasks:
                task.kill()
                task.wait()


def main():
    for workloads in (0, 100, 1000):
        share, resident = measure(workloads)
        print(f"{workloads:5} workloads: {100 * share:5.2f} % of one core, {resident:5.1f} MiB resident", flush=True)


if __name__ == "__main__":
    main()
