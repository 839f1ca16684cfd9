"""One run of the agents under one mode, and what came of it."""
import dataclasses
import signal
import time

import cgroups
import records

AGENTS = 3


@dataclasses.dataclass
class Outcome:
    mode: str
    bursts: int = 0             # tool calls that ended
    killed: int = 0             # of those, by a signal
    throttled_ns: int = 0       # the kernel's own count, all agents
    oom_kills: int = 0          # the kernel's own count, all agents
    raised: int = 0             # limits, as the autoscaler recorded them
    lowered: int = 0
    refused: int = 0            # actuations that failed
    file_rises: int = 0         # limits, as the files showed them (read every 50 ms)
    file_falls: int = 0
    durations_ns: list = dataclasses.field(default_factory=list)  # of the tool calls
    reactions_ns: list = dataclasses.field(default_factory=list)
    restored: bool = True       # after the autoscaler ended, every limit was what it had been


def run(stack, mode, seconds, seed, show):
    """Starts everything in `mode`, runs `seconds`, ends the daemons and the agents, and says what happened.

    `show(left)` is called about twice a second while it runs.
    """
    recording = stack.folder / f"{mode}.records"
    stack.start_collector(recording)
    stack.start_autoscaler(mode)
    agents = [stack.start_agent(n, seed + n, 86400) for n in range(1, AGENTS + 1)]
    watch = cgroups.LimitWatch([agent.cgroup_path for agent in agents])
    watch.start()
    outcome = Outcome(mode)
    end = time.monotonic() + seconds
    try:
        while (left := end - time.monotonic()) > 0:
            show(left)
            time.sleep(min(0.5, left))
    finally:
        watch.stop()
        outcome.throttled_ns = sum(cgroups.throttled_ns(agent.cgroup_path) or 0 for agent in agents)
        outcome.oom_kills = sum(cgroups.oom_kills(agent.cgroup_path) or 0 for agent in agents)
        # Before the old limits come back and do what they did.
        calls = [call for agent in agents for call in agent.calls()]
        # The daemon first, so that what it puts back is seen in the files. It waits for a burst to end
        # before a memory limit goes back below what the burst holds.
        stack.stop("autoscaler", signal.SIGTERM)
        outcome.restored = all(cgroups.limits(agent.cgroup_path) == agent.original_limits for agent in agents)
        stack.remove_agents()
        stack.stop("collector", signal.SIGTERM)
    outcome.bursts = len(calls)
    outcome.killed = sum(call["killed"] for call in calls)
    outcome.durations_ns = [call["duration_ns"] for call in calls]
    for kind in ("cpu", "memory"):
        rises, falls = watch.rises_and_falls(kind)
        outcome.file_rises += rises
        outcome.file_falls += falls
    read_recording(stack, recording, outcome)
    return outcome


def read_recording(stack, recording, outcome):
    history = records.read(stack.ballast, recording)
    for event in records.events(history, "actuation"):
        fields = event["fields"]
        if fields.get("outcome") != "applied":
            outcome.refused += fields.get("outcome") in ("failed", "refused")
            continue
        for limit, previous in (("limit_cpu_millicores", "previous_cpu_millicores"),
                                ("limit_memory_bytes", "previous_memory_bytes")):
            now, then = as_number(fields.get(limit)), as_number(fields.get(previous))
            if now is not None and then is not None:
                outcome.raised += now > then
                outcome.lowered += now < then
    outcome.reactions_ns = records.reactions_ns(history)


def as_number(value):
    return float("inf") if value == "max" else value
