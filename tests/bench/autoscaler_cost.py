"""What the running autoscaler costs at 10 Hz by number of workloads: CPU of one core and resident memory.

Budgets it defends, in mode auto with 1,000 workloads: under 1 % of one core and under 64 MB resident. Real collector, real
cgroups with one task each below a prefix of their own; a share of the tasks wakes 20 times a second and uses a little CPU.
CPU time is the kernel's count for all threads of both processes of the autoscaler.
"""
import argparse
import os
import re
import subprocess
import sys
import time
import urllib.request

import cgroups
from collector_cost import cpu_seconds, resident_mb
from stack import Failed, Stack

PREFIX = "/ballast-cost"
# From no limit to the one that stands in one step; the budget of a hundred changes a second stays.
FALL_AT_ONCE = "[guard]\nshrink_step = 1.0\n"
BUSY = "while :; do i=0; while [ $i -lt 300 ]; do i=$((i+1)); done; usleep 50000; done"


def make_workload(number, is_active):
    task = subprocess.Popen(["/bin/busybox", "sh", "-c", BUSY] if is_active else ["/bin/busybox", "sleep", "3600"])
    for mount, controllers in cgroups.mounts():
        # The cgroup2 group, and of v1 what is measured and limited.
        if controllers is not None and not controllers & {"cpu", "cpuacct", "memory"}:
            continue
        folder = f"{mount}{PREFIX}/w{number}"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/cgroup.procs", "w") as procs:
            procs.write(str(task.pid))
    return task


def autoscaler_pids(stack):
    watcher = stack.processes["autoscaler"].pid
    children = subprocess.run(["pgrep", "-P", str(watcher)], capture_output=True, text=True).stdout.split()
    return [watcher, *map(int, children)]


def counted(stack):
    """{name: what the autoscaler counted of it since it began}"""
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.autoscaler_port}/metrics") as page:
        text = page.read().decode()
    total = lambda pattern: sum(float(value) for value in re.findall(rf"^{pattern} (\S+)$", text, re.M))
    return {"limits written": total(r'ballast_autoscaler_actuations_total\{outcome="applied"\}'),
            "records": total(r"ballast_autoscaler_records_total\{.*\}")}


def measure(options, workloads, active_share):
    with Stack(os.environ["BALLAST_BUILD"], prefix=PREFIX, autoscaler_settings=FALL_AT_ONCE) as stack:
        active = int(workloads * active_share)
        tasks = [make_workload(number, number < active) for number in range(workloads)]
        try:
            stack.start_collector("")
            stack.start_autoscaler("auto")
            pids = autoscaler_pids(stack)
            time.sleep(options.settle)
            counted_before = counted(stack)
            before, start = sum(map(cpu_seconds, pids)), time.monotonic()
            time.sleep(options.seconds)
            share = (sum(map(cpu_seconds, pids)) - before) / (time.monotonic() - start)
            counts = {name: (count - counted_before[name]) / options.seconds for name, count in counted(stack).items()}
            if options.perf:
                subprocess.run(["perf", "record", "-g", "-F", "2000", "-o", options.perf, "-p", str(pids[-1]), "--", "sleep", "10"], check=False)
            resident = sum(map(resident_mb, pids))
        finally:
            for task in tasks:
                task.kill()
                task.wait()
    print(f"{workloads:5} workloads, {active:3} active: {100 * share:5.2f} % of one core, {resident:5.1f} MB resident (both processes); "
          + ", ".join(f"{count:.1f} {name}" for name, count in counts.items()) + " a second", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench autoscaler_cost", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settle", type=float, default=25, help="seconds until limits have come down: a thousand, a hundred changes a second")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--perf", help="file of a profile that is recorded as well")
    parser.add_argument("--only", type=float, help="this share of active workloads only")
    options = parser.parse_args()
    try:
        for workloads, active_share in ((100, 0.0), (1000, 0.0), (1000, 0.05)):
            if options.only is None or (workloads == 1000 and active_share == options.only):
                measure(options, workloads, active_share)
    except Failed as error:
        print(f"autoscaler_cost: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
