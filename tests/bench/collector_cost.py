"""What the running collector costs at 10 Hz, by number of workloads: CPU of one core, resident memory, and how often a tick
was late while /metrics was scraped; beside it what merely reading the workloads' files as often would cost, in the same run.

Budget it defends: with 1,000 workloads at most 5 % (aim 3 %) of one core on hybrid v1, asleep or with 5 % of them active, and
64 MB resident; a scrape delays no tick. Each workload is a cgroup with one task that sleeps, as most agents are most of the
time; an active one wakes 20 times a second. CPU time is the kernel's count for the process, threads included.
"""
import os
import pathlib
import re
import subprocess
import time
import urllib.request

import cgroups
from stack import Stack

PREFIX = "/ballast-bench"
SETTLE_SECONDS, MEASURE_SECONDS = 3, 10
SCRAPES = 20
ACTIVE = "while :; do read -t 0.05 x; i=0; while [ $i -lt 200 ]; do i=$((i+1)); done; done"


def make_workload(number, is_active=False):
    command = ["/bin/busybox", *(["sh", "-c", ACTIVE] if is_active else ["sleep", "3600"])]
    task = subprocess.Popen(command, stdin=subprocess.PIPE if is_active else None)
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


def resident_mb(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024 / 1e6


def read_files(build, rounds=5):
    """(files, CPU seconds for each round) of the pure file reader."""
    said = subprocess.run([pathlib.Path(build) / "tests/bench/file_reader", PREFIX, str(rounds)], check=True,
                          capture_output=True, text=True).stdout.split()
    return int(said[3]), int(said[5]) / 1e6


def metrics_page(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        return page.read().decode()


def late_ticks(page):
    return int(float(re.search(r"^ballast_collector_ticks_late_total (\S+)", page, re.M).group(1)))


def measure(workloads, active):
    build = os.environ["BALLAST_BUILD"]
    with Stack(build, prefix=PREFIX) as stack:
        tasks = [make_workload(number, number < active) for number in range(workloads)]
        try:
            stack.start_collector(stack.folder / "records")
            pid = stack.processes["collector"].pid
            time.sleep(SETTLE_SECONDS)
            before, start = cpu_seconds(pid), time.monotonic()
            time.sleep(MEASURE_SECONDS)
            share = (cpu_seconds(pid) - before) / (time.monotonic() - start)
            said = f"{workloads:5} workloads, {active:3} active: {100 * share:5.2f} % of one core"
            if workloads:
                files, seconds = read_files(build)
                reader = seconds * 10
                said += f"; reading {files} files {100 * reader:.0f} %: ratio {share / reader:.3f}"
            late = late_ticks(metrics_page(stack.http_port))
            for _ in range(SCRAPES):
                page = metrics_page(stack.http_port)
            print(f"{said}; {resident_mb(pid):.1f} MB resident; {late_ticks(page) - late} late ticks in {SCRAPES} scrapes of "
                  f"{len(page) / 1e6:.1f} MB, {late} before", flush=True)
        finally:
            for task in tasks:
                task.kill()
                task.wait()


def main():
    for workloads, active in ((0, 0), (100, 0), (1000, 0), (1000, 50)):
        measure(workloads, active)


if __name__ == "__main__":
    main()
