"""From the kernel's first refusal to the higher limit in the file, and what a burst is spared by being predicted.

Budgets it defends, for the 99th percentile: 5 ms for CPU and 20 ms for memory on an idle host, 50 ms for both while every
core is busy with loops of normal priority. Tool calls in containers burst beyond their limits, which are made to follow
demand and to fall fast between them; the refusal's time is the kernel's own, the limit's that of the write which was read back.

Prediction, in the same run and with the same work: what the kernel refuses to bursts with and without policy.learn_tools.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time

import cgroups
import records
from container import Container
from stack import Failed, Stack

PREFIX = "/ballast-reaction"

FALL_FAST = """
[policy]
learn_tools = {learn_tools}
cpu_half_life_seconds = 0.2
memory_half_life_seconds = 0.2
cpu_headroom = 0.0
cpu_headroom_shared = false
memory_headroom = 0.0
[guard]
shrink_hold_ms = 200
shrink_interval_ms = 100
shrink_step = 0.9
readings_before_shrink = 1
changes_per_minute = 6000
"""

# Few at once: on an idle host the refused workload is nearly alone. Short of one period, long beyond any limit that
# stands after a pause.
CPU_BURSTS = "busybox sleep 2; while true; do pytest 1 160; busybox sleep 1; done"
# In one call, faster than any tick: the pages of one read are touched at more than 1 GB/s.
MEMORY_BURSTS = "busybox sleep 2; while true; do busybox dd if=/dev/zero of=/dev/null bs=300M count=1 2>/dev/null; busybox sleep 1; done"


class BusyCores:
    """A loop of normal priority on every core, while the block runs."""

    def __init__(self, busy):
        self.busy = busy

    def __enter__(self):
        self.loops = [subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"]) for _ in range(os.cpu_count() if self.busy else 0)]

    def __exit__(self, *_):
        for loop in self.loops:
            loop.kill()
            loop.wait()


def come_before_others():
    """The bursts, not the loops: who gets no CPU asks for nothing and is refused nothing."""
    for mount, controllers in cgroups.mounts():
        if controllers is not None and "cpu" not in controllers:
            continue
        os.makedirs(mount + PREFIX, exist_ok=True)
        for name, value in (("cpu.shares", "20480"), ("cpu.weight", "2000")):
            if os.path.exists(f"{mount}{PREFIX}/{name}"):
                pathlib.Path(f"{mount}{PREFIX}/{name}").write_text(value)


class Bench:
    def __init__(self, stack):
        self.stack = stack
        self.recording = stack.folder / "records"

    def start(self, scripts):
        self.stack.start_collector(self.recording)
        self.stack.start_autoscaler("auto")
        come_before_others()
        for number, script in enumerate(scripts):
            container = Container(self.stack.folder, self.stack.root, f"burst-{number}", f"{PREFIX}/burst-{number}",
                                  ["/bin/sh", "-c", script], cpu_quota_us=20000, memory_bytes=96 << 20)
            self.stack.containers.append(container)
            container.start()
            time.sleep(0.37)  # out of step with the others

    def reactions_ms(self):
        """{"cpu": [...], "memory": [...]}"""
        found = {"cpu": [], "memory": []}
        for event in records.events(records.read(self.stack.ballast, self.recording), "actuation"):
            fields = event["fields"]
            if fields.get("outcome") == "applied" and "trigger_time_ns" in fields and "written_time_ns" in fields:
                kind = "cpu" if "limit_cpu_millicores" in fields else "memory"
                found[kind].append((fields["written_time_ns"] - fields["trigger_time_ns"]) / 1e6)
        return found


def measure(options, busy):
    with Stack(os.environ["BALLAST_BUILD"], prefix=PREFIX, autoscaler_settings=FALL_FAST.format(learn_tools="false")) as stack:
        bench = Bench(stack)
        bench.start([CPU_BURSTS] * 4 + [MEMORY_BURSTS] * 4)
        with BusyCores(busy):
            end = time.monotonic() + options.most_seconds
            found = {"cpu": [], "memory": []}
            while time.monotonic() < end and min(map(len, found.values())) < options.reactions:
                time.sleep(5)
                found = bench.reactions_ms()
    for kind, values in found.items():
        if values:
            print(f"{'every core busy' if busy else 'idle host':16} {kind:7} {len(values):5} reactions"
                  f"   p50 {records.quantile(values, .5):6.2f} ms   p99 {records.quantile(values, .99):6.2f} ms   max {max(values):6.2f} ms", flush=True)


def refused(container):
    """(seconds throttled, times a memory limit was met): the kernel's counts."""
    place = cgroups.directory(container.cgroup_path, "memory")
    if place[1]:
        counts = dict(line.split() for line in cgroups.read(f"{place[0]}/memory.events").splitlines())
        hits = int(counts["high"]) + int(counts["max"])
    else:
        hits = int(cgroups.read(f"{place[0]}/memory.failcnt"))
    return (cgroups.throttled_ns(container.cgroup_path) or 0) / 1e9, hits


def predict(options, learn_tools):
    settings = FALL_FAST.format(learn_tools=learn_tools)
    with Stack(os.environ["BALLAST_BUILD"], prefix=PREFIX, autoscaler_settings=settings) as stack:
        bench = Bench(stack)
        bench.start(["while true; do pytest 1 400; sleep 2; npm 220 300; sleep 2; done"] * 4)
        time.sleep(options.learn_seconds)
        before = [refused(container) for container in stack.containers]
        calls_before = len(tool_calls(bench))
        time.sleep(options.predict_seconds)
        after = [refused(container) for container in stack.containers]
        calls = len(tool_calls(bench)) - calls_before
        raised = sum(event["fields"].get("trigger") == "tool_begin" and event["fields"].get("outcome") == "applied"
                     for event in records.events(records.read(stack.ballast, bench.recording), "actuation"))
    throttled = sum(b[0] - a[0] for a, b in zip(before, after))
    hits = sum(b[1] - a[1] for a, b in zip(before, after))
    print(f"learn_tools {learn_tools:5}  {calls:4} calls   throttled {1000 * throttled / max(1, calls):7.2f} ms a call"
          f"   memory limit met {hits / max(1, calls):7.1f} times a call   limits raised by an exec: {raised}", flush=True)


def tool_calls(bench):
    return [event for event in records.events(records.read(bench.stack.ballast, bench.recording), "tool_call")
            if event["fields"].get("program") in ("pytest", "npm")]


def main():
    parser = argparse.ArgumentParser(prog="./dev bench reaction", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reactions", type=int, default=200, help="of each resource, in each state of the host")
    parser.add_argument("--most-seconds", type=float, default=90, help="for each state of the host")
    parser.add_argument("--learn-seconds", type=float, default=15)
    parser.add_argument("--predict-seconds", type=float, default=25)
    parser.add_argument("--only", choices=["idle", "busy", "predict"])
    options = parser.parse_args()
    try:
        if options.only in (None, "idle"):
            measure(options, busy=False)
        if options.only in (None, "busy"):
            measure(options, busy=True)
        if options.only in (None, "predict"):
            predict(options, "false")
            predict(options, "true")
    except Failed as error:
        print(f"reaction: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
