#!/usr/bin/env python3
"""The demo behind ./dev up: collector, autoscaler and three agents in runc containers, live in the terminal.

Without --for it runs until Ctrl-C. With --for SECONDS it runs the same agents twice, first with the autoscaler only
observing, then with it acting, prints what came of it and exits 0 only if the limits in the cgroup files rose in bursts, fell
again after them, and less time was throttled than under observation.
"""
import argparse
import signal
import sys
import time

import phase
import records
import table
import vm
from stack import Failed, Stack

GRACE_SECONDS = 4  # starting and ending two phases

# The demo shows in a minute what takes longer in production: limits come down soon after a burst.
IMPATIENT = """
[guard]
shrink_hold_ms = 1000
shrink_interval_ms = 250
"""


def milliseconds(ns):
    return "none" if ns is None else f"{ns / 1e6:.2f} ms"


def seconds(ns):
    return "none" if ns is None else f"{ns / 1e9:.2f} s"


def summary(observe, auto):
    """(lines for people, whether all that the exit status stands for holds)."""
    p = records.quantile
    rows = [
        ("", "observe", "auto"),
        ("tool calls ended (killed)", f"{observe.bursts} ({observe.killed})", f"{auto.bursts} ({auto.killed})"),
        ("tool call p50 / p99", *(f"{seconds(p(o.durations_ns, .5))} / {seconds(p(o.durations_ns, .99))}" for o in (observe, auto))),
        ("throttled (kernel's count)", seconds(observe.throttled_ns), seconds(auto.throttled_ns)),
        ("OOM kills (kernel's count)", observe.oom_kills, auto.oom_kills),
        ("limits raised / lowered", f"{observe.raised} / {observe.lowered}", f"{auto.raised} / {auto.lowered}"),
        ("  as the files showed it", f"{observe.file_rises} / {observe.file_falls}", f"{auto.file_rises} / {auto.file_falls}"),
        ("reaction to a refusal p50 / p99", "-",
         f"{milliseconds(p(auto.reactions_ns, .5))} / {milliseconds(p(auto.reactions_ns, .99))} ({len(auto.reactions_ns)})"
         if auto.reactions_ns else "nothing was refused"),
    ]
    checks = [
        (auto.file_rises > 0, "limits rose in bursts"),
        (auto.file_falls > 0, "limits fell again after them"),
        (auto.throttled_ns < observe.throttled_ns, "less time throttled than in observe mode"),
        (observe.file_rises + observe.file_falls == 0, "observe mode wrote nothing"),
        (auto.restored, "the original limits were put back"),
    ]
    lines = [f"{a:<34}{b!s:>22}{c!s:>30}" for a, b, c in rows]
    lines += [f"{'ok  ' if good else 'FAIL'} {what}" for good, what in checks]
    return lines, all(good for good, _ in checks)


def compare(stack, total, seed, view):
    each = max(10.0, (total - GRACE_SECONDS) / 2)
    print(f"{each:.0f} s observing, then {each:.0f} s acting, the same agents (seed {seed})", flush=True)
    outcomes = [phase.run(stack, mode, each, seed, lambda left, mode=mode: view.show(mode, left)) for mode in ("observe", "auto")]
    view.end()
    lines, good = summary(*outcomes)
    print("\n".join(lines), flush=True)
    return 0 if good else 1


def live(stack, seed, view):
    print("Ctrl-C ends and removes everything", flush=True)
    phase.run(stack, "auto", 365 * 86400, seed, lambda _: view.show("auto", None))
    return 0


def main():
    parser = argparse.ArgumentParser(prog="./dev up", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="end by itself, with a summary")
    parser.add_argument("--seed", type=int, default=7, help="of the agents' plans")
    parser.add_argument("--port", type=int, default=9435, help="of the web page; another one where it is taken")
    parser.add_argument("--no-vm", action="store_true", help="without the virtual machine")
    parser.add_argument("--with", dest="extras", action="append", default=[], choices=["prometheus"],
                        help="also run Debian's Prometheus on loopback, with deploy/prometheus")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.seconds is not None and options.seconds < 24:
        parser.error("--for needs at least 24 seconds: two runs of 10")

    # Both signals leave through the same door, so that nothing is left behind.
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    start = time.monotonic()
    try:
        with Stack(options.build, options.port, autoscaler_settings=IMPATIENT) as stack:
            view = table.View(stack)
            print(f"web page and API: http://127.0.0.1:{stack.http_port}/", flush=True)
            demo_vm = None if options.no_vm else vm.demo_vm(stack.folder, stack.prefix)
            if demo_vm:
                stack.start_vm(demo_vm)
            if "prometheus" in options.extras:
                stack.start_prometheus()
                print(f"prometheus: http://127.0.0.1:{stack.prometheus_port}/alerts", flush=True)
            status = live(stack, options.seed, view) if options.seconds is None else compare(stack, options.seconds, options.seed, view)
        print(f"everything ended and removed after {time.monotonic() - start:.0f} s")
        return status
    except Failed as error:
        print(f"dev up: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nended; everything was removed")
        return 0 if options.seconds is None else 1


if __name__ == "__main__":
    sys.exit(main())
