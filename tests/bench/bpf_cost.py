"""What the scheduler and block programs cost beside libbpf-tools' runqlat and biolatency, on the same load in the same run.

Budget it defends: at most half (aim 0.35) of the two tools on a mixed load, and at most 1 % of wall x CPUs on `perf bench
sched messaging`; `sched pipe` is reported beside it. Times are the kernel's own (bpf_stats_enabled), less what an empty
program at the same events reads: the floor of that measurement, which is paid only while it is switched on.
"""
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


def run(commands):
    """Ends when all have; (seconds, {program: (runs, ns)})."""
    before, begin = bpf_programs.run_statistics(), time.monotonic()
    loads = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              preexec_fn=enter_workload) for command in commands]
    failed = [load.args[0] for load in loads if load.wait() != 0]
    seconds = time.monotonic() - begin
    if failed:
        raise SystemExit(f"bpf_cost: the load failed: {failed}")
    return seconds, bpf_programs.grown(before, bpf_programs.run_statistics())


class Costs:
    """Sums over programs, each less the floor for as often as it ran."""

    def __init__(self, grown, tool_programs):
        runs, ns = next(value for (_, name), value in grown.items() if name == "bench_empty")
        self.floor_ns = ns / runs
        self.grown, self.tool_programs = grown, tool_programs

    def net(self, chosen):
        picked = [value for key, value in self.grown.items() if chosen(key)]
        return sum(runs for runs, _ in picked), sum(ns - runs * self.floor_ns for runs, ns in picked)

    def ours(self, names):
        return self.net(lambda key: key[1] in names)

    def theirs(self):
        return self.net(lambda key: key[0] in self.tool_programs)


def report(name, seconds, costs):
    cpus = os.cpu_count()
    switches, queue_ns = costs.ours(RUN_QUEUE)
    requests, block_ns = costs.ours(BLOCK)
    runs, tools_ns = costs.theirs()
    print(f"{name}: {seconds:.1f} s, {switches / seconds / cpus:,.0f} switches/s and CPU, {requests:,} requests; "
          f"floor {costs.floor_ns:.0f} ns")
    print(f"  ours {queue_ns / max(switches, 1):.0f} ns per switch"
          + (f", {block_ns / requests:.0f} ns per request" if requests > 1000 else "")
          + f"; runqlat + biolatency {tools_ns / max(switches, 1):.0f} ns per switch in {runs / max(switches, 1):.2f} runs")
    print(f"  ratio {(queue_ns + block_ns) / tools_ns:.3f} (budget 0.5, aim 0.35); "
          f"{100 * (queue_ns + block_ns) / (seconds * 1e9 * cpus):.2f} % of wall x CPUs", flush=True)


def start_tools():
    before = set(bpf_programs.run_statistics())
    tools = [subprocess.Popen([tool, "3600"], stdout=subprocess.DEVNULL) for tool in TOOLS]
    time.sleep(3)
    if any(tool.poll() is not None for tool in tools):
        raise SystemExit(f"bpf_cost: {TOOLS} do not run here; is libbpf-tools installed?")
    return tools, {key[0] for key in set(bpf_programs.run_statistics()) - before}


def main():
    with (Stack(os.environ["BALLAST_BUILD"], prefix=PREFIX) as stack, tempfile.TemporaryDirectory() as folder,
          loop_device(folder) as disk):
        for mount, _ in cgroups.mounts():
            os.makedirs(f"{mount}{PREFIX}/load", exist_ok=True)
        stack.start_collector(stack.folder / "records")
        tools, tool_programs = start_tools()
        try:
            with bpf_programs.statistics(), bpf_programs.empty_program("sched_switch", "bench_empty"):
                for name, commands in (("mixed (messaging, pipe, fio)", [MESSAGING, PIPE, fio(disk)]),
                                       ("sched messaging", [MESSAGING]), ("sched pipe", [PIPE]), ("fio", [fio(disk)])):
                    seconds, grown = run(commands)
                    report(name, seconds, Costs(grown, tool_programs))
        finally:
            for tool in tools:
                tool.terminate()
                tool.wait()


if __name__ == "__main__":
    main()
