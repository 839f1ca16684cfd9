"""What the scheduler and block programs cost beside libbpf-tools' runqlat and biolatency, on the same load in the same run.

Budget it defends: at most half (aim 0.35) of the two tools on a mixed load, and at most 1 % of wall x CPUs on `perf bench
sched messaging`; `sched pipe` is reported beside it. Times are the kernel's own (bpf_stats_enabled), less what an empty
program at the same events reads: the floor of that measurement, which is paid only while it is switched on. The 100 Hz
clock is a timer, which those statistics do not see: it counts its own time, which is told apart and is in every sum.

Whoever comes first at an event fetches the task into the cache for those behind it, and the kernel calls them in the order
they were attached. So every load is run twice, once with either side first, and the sums of both are compared.
"""
import collections
import contextlib
import os
import pathlib
import subprocess
import tempfile
import time

import bpf_programs
import cgroups
from stack import Stack

PREFIX = "/ballast-bench"
RUN_QUEUE = ("rql_on_switch", "rql_on_exit")
BLOCK = ("blk_on_complete",)
TOOLS = ("runqlat", "biolatency")
DISK_BYTES = 64 << 20

MESSAGING = ["perf", "bench", "sched", "messaging", "-g", "10", "-l", "1500"]
PIPE = ["perf", "bench", "sched", "pipe", "-l", "300000"]


def fio(disk):
    return ["fio", "--name=disk", f"--filename={disk}", "--direct=1", "--rw=randrw", "--bs=4k", "--ioengine=libaio",
            "--iodepth=4", "--time_based", "--runtime=6"]


@contextlib.contextmanager
def loop_device(folder):
    image = pathlib.Path(folder) / "disk"
    image.write_bytes(bytes(DISK_BYTES))
    disk = subprocess.run(["losetup", "--find", "--show", "--direct-io=on", image], check=True, capture_output=True,
                          text=True).stdout.strip()
    try:
        yield disk
    finally:
        subprocess.run(["losetup", "--detach", disk], check=True)


def enter_workload():
    """In the child, before exec: the load is a workload's, as what is measured in earnest is."""
    for mount, _ in cgroups.mounts():
        with contextlib.suppress(OSError):  # a v1 cpuset takes no task before it has CPUs
            pathlib.Path(f"{mount}{PREFIX}/load/cgroup.procs").write_text(str(os.getpid()))


def clock_ns():
    """What the clock (bpf/clock.bpf.c) has taken since it began."""
    return bpf_programs.global_variable("clk_start", "clk_ran_ns")


def run(commands):
    """Ends when all have; (seconds, {program: (runs, ns)}, ns of the clock)."""
    before, clock_before, begin = bpf_programs.run_statistics(), clock_ns(), time.monotonic()
    loads = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              preexec_fn=enter_workload) for command in commands]
    failed = [load.args[0] for load in loads if load.wait() != 0]
    seconds = time.monotonic() - begin
    if failed:
        raise SystemExit(f"bpf_cost: the load failed: {failed}")
    clock = clock_ns() - clock_before
    return seconds, bpf_programs.grown(before, bpf_programs.run_statistics()), clock


def costs(grown, tool_programs):
    """Runs and ns of either side, each program less the floor for as often as it ran."""
    if sum(name == RUN_QUEUE[0] for _, name in grown) != 1:
        raise SystemExit("bpf_cost: another collector runs here")
    runs, ns = next(value for (_, name), value in grown.items() if name == "bench_empty")
    floor_ns = ns / runs

    def net(chosen):
        picked = [value for key, value in grown.items() if chosen(key)]
        return sum(runs for runs, _ in picked), sum(ns - runs * floor_ns for runs, ns in picked)

    switches, queue_ns = net(lambda key: key[1] in RUN_QUEUE)
    requests, block_ns = net(lambda key: key[1] in BLOCK)
    tool_runs, tools_ns = net(lambda key: key[0] in tool_programs)
    return collections.Counter(switches=switches, queue_ns=queue_ns, requests=requests, block_ns=block_ns,
                               tool_runs=tool_runs, tools_ns=tools_ns)


def ratio_of(cost):
    return (cost["queue_ns"] + cost["block_ns"] + cost["clock_ns"]) / cost["tools_ns"]


def report(name, runs):
    cpus = os.cpu_count()
    cost = sum(runs, collections.Counter())
    seconds, switches, tools_ns = cost["seconds"], max(cost["switches"], 1), cost["tools_ns"]
    print(f"{name}: {seconds:.1f} s, {switches / seconds / cpus:,.0f} switches/s and CPU, {cost['requests']:,} requests")
    print(f"  ours {cost['queue_ns'] / switches:.0f} ns per switch"
          + (f", {cost['block_ns'] / cost['requests']:.0f} ns per request" if cost["requests"] > 1000 else "")
          + f", the clock {cost['clock_ns'] / seconds / 1e3:.0f} us/s; runqlat + biolatency {tools_ns / switches:.0f} ns per "
            f"switch in {cost['tool_runs'] / switches:.2f} runs")
    share = 100 * ratio_of(cost) * tools_ns / (seconds * 1e9 * cpus)
    print(f"  ratio {ratio_of(cost):.3f} (budget 0.5, aim 0.35), {cost['clock_ns'] / tools_ns:.3f} of it the clock's; "
          f"ours first {ratio_of(runs[0]):.3f}, last {ratio_of(runs[1]):.3f}; {share:.2f} % of wall x CPUs", flush=True)


def start_tools():
    before = set(bpf_programs.run_statistics())
    tools = [subprocess.Popen([tool, "3600"], stdout=subprocess.DEVNULL) for tool in TOOLS]
    time.sleep(3)
    if any(tool.poll() is not None for tool in tools):
        raise SystemExit(f"bpf_cost: {TOOLS} do not run here; is libbpf-tools installed?")
    return tools, {key[0] for key in set(bpf_programs.run_statistics()) - before}


def measure(loads, tool_programs):
    with bpf_programs.statistics(), bpf_programs.empty_program("sched_switch", "bench_empty"):
        for commands in loads.values():
            seconds, grown, clock = run(commands)
            cost = costs(grown, tool_programs)
            cost.update(seconds=seconds, clock_ns=clock)
            yield cost


def main():
    with (Stack(os.environ["BALLAST_BUILD"], prefix=PREFIX) as stack, tempfile.TemporaryDirectory() as folder,
          loop_device(folder) as disk):
        for mount, _ in cgroups.mounts():
            os.makedirs(f"{mount}{PREFIX}/load", exist_ok=True)
        loads = {"mixed (messaging, pipe, fio)": [MESSAGING, PIPE, fio(disk)], "sched messaging": [MESSAGING],
                 "sched pipe": [PIPE], "fio": [fio(disk)]}
        stack.start_collector(stack.folder / "records")
        tools, tool_programs = start_tools()
        try:
            first = list(measure(loads, tool_programs))
            stack.stop("collector")
            stack.start_collector(stack.folder / "records")
            last = list(measure(loads, tool_programs))
        finally:
            for tool in tools:
                tool.terminate()
                tool.wait()
        for name, *runs in zip(loads, first, last):
            report(name, runs)


if __name__ == "__main__":
    main()
