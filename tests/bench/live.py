"""Agents as they were recorded, as real containers under one memory budget: static limits against Ballast.

The same agents three times. Static: each has an equal share of the budget as its memory limit. Limits: the autoscaler gives
each what it needs of the same budget. Pool: they share one pool, as large as all need together, and each may take what is free.
All: the kernel holds all of them together to the budget, and every agent begins with the same CPU quota. Slack is 1 - mean use /
mean memory reserved (the sum of the limits, or the pool) while three of four agents run. Memory is as recorded; time runs faster and CPU work is scaled down, to fit two cores.

Traces: CSV files `t_s,cpu_cores,memory_bytes` with `*.tools.csv` beside them (`start_s,end_s,tool,command`), from the
folder in BALLAST_TRACES; without one, synthetic agents of the same kind are made from a seed.
"""
import argparse
import csv
import os
import pathlib
import random
import shutil
import signal
import sys
import time
import urllib.request

import cgroups
import records
from container import Container
from stack import Failed, Stack

PREFIX = "/ballast-live"
REST = 190 << 20
CPU_QUOTA_US = 20000


def read_trace(path):
    """([(seconds, cores, bytes)], [(start, end, tool)])"""
    with open(path) as file:
        samples = [(float(r["t_s"]), float(r["cpu_cores"]), int(r["memory_bytes"])) for r in csv.DictReader(file)]
    tools = pathlib.Path(str(path)[:-len(".csv")] + ".tools.csv")
    if not tools.exists():
        return samples, []
    with open(tools) as file:
        # A call that the recording ends in has no end.
        calls = [(float(r["start_s"]), float(r["end_s"]), (r["command"].split() or [r["tool"]])[0].rsplit("/")[-1] or r["tool"])
                 for r in csv.DictReader(file) if r["end_s"]]
    return samples, calls


def begun_at(trace, share):
    """The trace from another moment on, its beginning put behind its end: agents do not begin together."""
    samples, calls = trace
    at = int(share * len(samples))
    begin, length = samples[at][0], samples[-1][0] + 1
    moved = [(t - begin, c, b) for t, c, b in samples[at:]] + [(t - begin + length, c, b) for t, c, b in samples[:at]]
    return moved, [(s - begin + (length if s < begin else 0), e - begin + (length if s < begin else 0), tool) for s, e, tool in calls]


def make_trace(seed):
    """Rest at 190 MB, bursts of a few seconds inside tool calls, peaks with a heavy tail: AgentCgroup, arXiv 2602.09345."""
    rng = random.Random(seed)
    samples, calls, t = [], [], 0.0
    burst_end, peak = 0.0, 0
    while t < 600:
        if t >= burst_end and rng.random() < 0.06:
            length = rng.uniform(2, 12)
            peak = min(2000, 60 * rng.paretovariate(1.2))
            burst_end = t + length
            calls.append((t, burst_end, rng.choice(["pytest", "npm", "pip", "cargo"])))
        in_burst = t < burst_end
        samples.append((t, rng.uniform(0.5, 1.5) if in_burst else rng.uniform(0, 0.05),
                        REST + int(peak * (1 << 20) * rng.uniform(0.7, 1)) if in_burst else REST))
        t += 1.0
    return samples, calls


def write_plan(path, trace, speed, cpu_share, seconds, wait):
    """The trace as replay_agent reads it; returns its tool calls. Calls that overlap are merged: an agent waits for one thing at a time."""
    samples, calls = trace
    # Until all have begun it rests: the arrival of the whole fleet is no burst, and nobody is watched over yet.
    lines, waiting, ends = [f"use {max(0, wait) * 1000:.0f} 0 {min(samples[0][2], REST)}"], sorted(c for c in calls if c[1] - c[0] >= 1), None
    for (t, cores, held), (after, _, _) in zip(samples, samples[1:]):
        if t > seconds * speed:
            break
        if ends is None and waiting and waiting[0][0] <= t:
            start, end, tool = waiting.pop(0)
            ends = (t, max(end, after))
            lines.append(f"begin {''.join(c for c in tool if c.isalnum())[:16] or 'tool'}")
        length_ms = (after - t) * 1000 / speed
        lines.append(f"use {length_ms:.0f} {cores * (after - t) * 1000 * cpu_share:.0f} {held}")
        if ends is not None and after >= ends[1]:
            lines.append(f"end {(after - ends[0]) * 1000 / speed:.0f}")
            waiting = [c for c in waiting if c[0] > t]
            ends = None
    path.write_text("\n".join(lines) + "\n")
    return sum(line.startswith("end ") for line in lines)


def hold_together(budget):
    """The prefix's own memory group has the budget: what the host has for agents."""
    for mount, controllers in cgroups.mounts():
        if controllers is not None and "memory" not in controllers:
            continue
        os.makedirs(mount + PREFIX, exist_ok=True)
        for name in ("memory.limit_in_bytes", "memory.max"):
            if os.path.exists(f"{mount}{PREFIX}/{name}"):
                pathlib.Path(f"{mount}{PREFIX}/{name}").write_text(str(budget))


def held(agents):
    """(bytes used by all, bytes of their limits together, how many), of the agents that are there."""
    used = limits = running = 0
    for agent in agents:
        place = cgroups.directory(agent.cgroup_path, "memory")
        limit = cgroups.memory_limit_bytes(agent.cgroup_path)
        text = place and cgroups.read(f"{place[0]}/{'memory.current' if place[1] else 'memory.usage_in_bytes'}")
        if text and limit and int(text) > 1 << 20:  # one that has ended holds nothing
            used += int(text)
            limits += limit
            running += 1
    return used, limits, running


def pool_bytes():
    place = cgroups.directory(PREFIX, "memory")
    values = [cgroups.read(f"{place[0]}/{name}") for name in (("memory.high", "memory.max") if place[1] else ("memory.limit_in_bytes",))]
    return min(int(value) for value in values if value and value != "max")


WAITS = {"ballast_run_queue_wait_seconds_sum": "behind others", "ballast_own_throttle_wait_seconds_sum": "at its own quota"}


def note_waits(stack, waits):
    """The collector's sums per container: seconds that runnable tasks waited, behind others and at their own quota."""
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.http_port}/metrics", timeout=5) as answer:
        for line in answer.read().decode().splitlines():
            name, _, rest = line.partition("{")
            if name in WAITS and PREFIX in rest:
                labels, _, value = rest.rpartition("} ")
                waits[WAITS[name], labels] = float(value.split()[0])


def cpu_seconds():
    """(busy, idle) of all CPUs so far: /proc/stat."""
    ticks = [int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return (sum(ticks) - idle) / os.sysconf("SC_CLK_TCK"), idle / os.sysconf("SC_CLK_TCK")


def run(options, policy, traces):
    mode = "observe" if policy == "static" else "auto"
    settings = f'[policy]\nmemory_pool = {options.budget}\nmemory_reserve = 0.0\n' + "".join(f"{line}\n" for line in options.set)
    if policy == "pool":
        settings += f'shared_pool = "{PREFIX}"\n'
    with Stack(os.environ["BALLAST_BUILD"], prefix=PREFIX, autoscaler_settings=settings) as stack:
        shutil.copy(stack.build / "deploy/agents/replay_agent", stack.root / "bin/replay_agent")
        hold_together(options.budget)
        stack.start_collector("")
        begin = time.monotonic() + 6 + 0.4 * len(traces)
        share = options.budget // len(traces) // 4096 * 4096
        agents, planned = [], 0
        for number in range(len(traces)):
            name = f"agent-{number}"
            planned += write_plan(stack.root / f"plan-{number}", traces[number], options.speed, options.cpu_share, options.seconds,
                                  begin - time.monotonic())
            agent = Container(stack.folder, stack.root, name, f"{PREFIX}/{name}", ["/bin/replay_agent", f"/plan-{number}"],
                              cpu_quota_us=CPU_QUOTA_US, memory_bytes=share)
            stack.containers.append(agent)
            agents.append(agent.start())
            time.sleep(0.1)
        stack.start_autoscaler(mode)
        time.sleep(max(0, begin - time.monotonic()))
        end = time.monotonic() + options.seconds * 3 + 30
        throttled, periods, waits, use, reserved = {}, {}, {}, 0, 0
        cpu_before, begun = cpu_seconds(), time.monotonic()
        while time.monotonic() < end and any(agent.is_running() for agent in agents):
            for agent in agents:
                throttled[agent.name] = cgroups.throttled_ns(agent.cgroup_path) or throttled.get(agent.name, 0)
                periods[agent.name] = cgroups.throttled_periods(agent.cgroup_path) or periods.get(agent.name, 0)
            note_waits(stack, waits)
            used, limits, running = held(agents)
            if running * 4 >= len(agents) * 3:  # when most have ended, the pool is still coming down
                use += used
                reserved += pool_bytes() if policy == "pool" else limits
            time.sleep(1)
        busy, idle = (now - then for now, then in zip(cpu_seconds(), cpu_before))
        lines = [agent.calls() for agent in agents]
        finished = sum(any(line.get("finished") for line in one) for one in lines)
        kills = sum(cgroups.oom_kills(agent.cgroup_path) or 0 for agent in agents)
        stack.stop("autoscaler", signal.SIGTERM)
        calls = [line for one in lines for line in one if "took_ms" in line]
        return {
            "agents that finished": f"{finished} of {len(agents)}",
            "OOM kills": kills,
            "slack": f"{100 * (1 - use / max(1, reserved)):.1f} %",
            "throttled": f"{sum(throttled.values()) / 1e9:.1f} s",
            "  in so many periods": sum(periods.values()),
            **{f"waited {kind}": f"{sum(value for (of, _), value in waits.items() if of == kind):.1f} s" for kind in WAITS.values()},
            "the host's CPUs busy": f"{100 * busy / (busy + idle):.0f} % of {time.monotonic() - begun:.0f} s",
            "tool calls ended": f"{len(calls)} of {planned}",
            "tool call p50 / p99": " / ".join(f"{(records.quantile([c['took_ms'] for c in calls], q) or 0) / 1000:.2f} s" for q in (.5, .99)),
            "beyond its recording p50 / p99": " / ".join(
                f"{records.quantile([c['took_ms'] - c['recorded_ms'] for c in calls], q) or 0} ms" for q in (.5, .99)),
        }


def main():
    parser = argparse.ArgumentParser(prog="./dev bench live", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60, help="of each run")
    parser.add_argument("--speed", type=float, default=8, help="how much faster than it was recorded")
    parser.add_argument("--cpu-share", type=float, default=0.08, help="of the recorded CPU work")
    parser.add_argument("--budget", type=float, default=0, help="bytes; 0: 288 MiB for each agent")
    parser.add_argument("--seed", type=int, default=1, help="which traces, in which order")
    parser.add_argument("--traces", default=os.environ.get("BALLAST_TRACES"))
    parser.add_argument("--set", nargs="+", default=[], metavar="LINE", help="of [policy], like 'cpu_headroom_shared = false'")
    parser.add_argument("--policies", nargs="+", choices=["static", "limits", "pool"], default=["static", "limits", "pool"])
    options = parser.parse_args()
    options.budget = int(options.budget) or options.agents * (288 << 20)
    if options.traces:
        paths = sorted(p for p in pathlib.Path(options.traces).glob("*.csv") if not p.name.endswith(".tools.csv"))
        random.Random(options.seed).shuffle(paths)
        traces = [read_trace(path) for path in paths[:options.agents]]
    else:
        traces = [make_trace(options.seed * 1000 + number) for number in range(options.agents)]
    phases = random.Random(options.seed)
    traces = [begun_at(trace, phases.random()) for trace in traces]
    print(f"{len(traces)} agents ({'recorded' if options.traces else 'synthetic'}), budget {options.budget / 2**30:.2f} GiB,"
          f" {options.speed:g} times as fast, {options.cpu_share:g} of the CPU work, seed {options.seed}"
          + "".join(f", {line}" for line in options.set), flush=True)
    try:
        runs = {}
        for policy in options.policies:
            runs[policy] = run(options, policy, traces)
            print(f"  {policy}: {runs[policy]['agents that finished']} finished", file=sys.stderr, flush=True)
    except Failed as error:
        print(f"live: {error}", file=sys.stderr)
        return 2
    print(f"{'':<34}" + "".join(f"{policy:>20}" for policy in runs))
    for row in next(iter(runs.values())):
        print(f"{row:<34}" + "".join(f"{outcome[row]!s:>20}" for outcome in runs.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
