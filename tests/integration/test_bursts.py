"""Short bursts of CPU and memory are in the peak series when somebody scrapes, with their height.

BALLAST_BURSTS=200 is the long run: a scrape every 15 s, as a Prometheus server would, and the figures of all.
"""
import json
import os
import random
import re
import signal
import time
import unittest

import cgroups
from harness import StackTest

KIB = 1 << 10
MEMORY_SLACK = 256 * KIB * os.cpu_count()


def burst_cpu(seconds):
    """Spins; the highest use, in cores, of any 10 and 100 ms by its own process clock."""
    points, end = [], time.monotonic() + seconds
    points.append((time.monotonic(), time.process_time()))
    while points[-1][0] < end:
        before, used, after = time.monotonic(), time.process_time(), time.monotonic()
        if after - before < 5e-5 and before - points[-1][0] > 2e-4:
            points.append((before, used))
        elif before > end:
            break
    return points


def highest(points, window):
    best, j = 0.0, 0
    for wall, used in points:
        while j + 1 < len(points) and points[j + 1][0] <= wall + window:
            j += 1
        best = max(best, points[j][1] - used)
    return best / window


def burst_memory(folder, seconds, size):
    """Holds so much; the bytes that its group then had."""
    import mmap
    base = int(cgroups.read(folder))
    held = mmap.mmap(-1, size)
    for at in range(0, size, 4096):
        held[at] = 1
    time.sleep(seconds)
    held.close()
    return base + size


class Bursting:
    """A workload of one process that bursts once, `at` a moment, and then sleeps."""

    def __init__(self, folder, prefix, number, at, kind, seconds, size):
        self.path, self.kind, self.seconds = f"{prefix}/burst-{number}", kind, seconds
        self.result = folder / f"burst-{number}.json"
        self.places = [mount + self.path for mount, controllers in cgroups.mounts()
                       if controllers is None or controllers & {"cpu", "cpuacct", "memory"}]
        for place in self.places:
            os.makedirs(place, exist_ok=True)
        usage = cgroups.directory(self.path, "memory")
        usage = usage[0] + ("/memory.current" if usage[1] else "/memory.usage_in_bytes")
        outside = [mount for mount, controllers in cgroups.mounts()
                   if controllers is None or controllers & {"cpu", "cpuacct", "memory"}]
        ready, go = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.read(ready, 1)
            time.sleep(max(0.0, at - time.monotonic()))
            begin = time.monotonic()
            seen = burst_cpu(seconds) if kind == "cpu" else burst_memory(usage, seconds, size)
            took = time.monotonic() - begin
            # What follows is not the workload's.
            for mount in outside:
                with open(f"{mount}/cgroup.procs", "w", encoding="ascii") as procs:
                    procs.write(str(os.getpid()))
            if kind == "cpu":
                seen = {"10ms": highest(seen, 0.010), "100ms": highest(seen, 0.100)}
            self.result.with_suffix(".new").write_text(json.dumps({"seen": seen, "took": took}))
            self.result.with_suffix(".new").rename(self.result)
            signal.pause()
            os._exit(0)
        os.close(ready)
        for place in self.places:
            with open(f"{place}/cgroup.procs", "w", encoding="ascii") as procs:
                procs.write(str(self.pid))
        os.write(go, b"g")
        os.close(go)

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class BurstTest(StackTest):
    def peaks(self, found):
        """Adds what one scrape has: {path: {"10ms": cores, "100ms": cores, "memory": bytes}}, the highest of all."""
        for line in self.get("/metrics").splitlines():
            matched = re.match(r'ballast_(cpu_peak_cores|memory_peak_bytes)\{.*?id="([^"]*)".*\} (\S+)', line)
            if matched:
                window = re.search(r'window="([^"]*)"', line)
                of = found.setdefault(matched[2], {})
                key = window[1] if window else "memory"
                of[key] = max(of.get(key, 0.0), float(matched[3]))

    def run_bursts(self, shapes, spread, scrape_every):
        self.stack.start_collector(self.recording)
        begin = time.monotonic() + 3 + len(shapes) * 0.01
        bursts = []
        self.addCleanup(lambda: [burst.end() for burst in bursts])
        for number, (kind, seconds, size) in enumerate(shapes):
            bursts.append(Bursting(self.stack.folder, self.prefix, number, begin + random.uniform(0, spread), kind, seconds, size))
        found, next_scrape = {}, begin
        end = begin + spread + 120
        done = False
        while not done and time.monotonic() < end:
            next_scrape += scrape_every
            time.sleep(max(0.0, next_scrape - time.monotonic()))
            # Those that were over before this scrape are in it or in an earlier one.
            done = all(burst.result.exists() for burst in bursts)
            time.sleep(0.3 if done else 0)  # the tick after the last one
            self.peaks(found)
        self.assertTrue(done, "not every burst came to its end")
        return [(burst, json.loads(burst.result.read_text()), found.get(burst.path, {})) for burst in bursts]

    def judge(self, outcomes):
        """(bursts to see, seen, with their height), and a line for each that was not."""
        total = seen = right = 0
        for burst, result, peaks in outcomes:
            if burst.kind == "cpu":
                window = "100ms" if burst.seconds >= 0.1 else "10ms"
                true, told, slack = result["seen"][window], peaks.get(window, 0.0), 0.0
            else:
                true, told, slack = result["seen"], peaks.get("memory", 0.0), MEMORY_SLACK
            if burst.seconds < (0.1 if burst.kind == "cpu" else 0.05):
                continue
            total += 1
            seen += told >= true / 2
            right += abs(told - true) <= 0.1 * true + slack
            if abs(told - true) > 0.1 * true + slack:
                print(f"{burst.kind} {burst.seconds * 1000:.0f} ms: told {told:.4g}, true {true:.4g}", flush=True)
        print(f"{total} bursts, {seen} seen, {right} within 10 %", flush=True)
        return total, seen, right

    def test_short_bursts_are_in_the_peak_series(self):
        random.seed(1)
        count = int(os.environ.get("BALLAST_BURSTS", "0"))
        if count:
            shapes = [("cpu" if i % 2 else "memory", 0.02 * 100 ** random.random(), random.randrange(8, 64, 2) << 20)
                      for i in range(count)]
            total, seen, right = self.judge(self.run_bursts(shapes, count * 0.6, 15))
            self.assertGreaterEqual(seen, 0.99 * total)
            self.assertGreaterEqual(right, 0.95 * total)
            return

        shapes = [("cpu", 0.15, 0), ("cpu", 0.4, 0), ("cpu", 1.0, 0), ("memory", 0.1, 32 << 20), ("memory", 0.3, 48 << 20)]
        total, seen, right = self.judge(self.run_bursts(shapes, 4, 5))
        self.assertEqual((total, seen), (5, 5))
        self.assertGreaterEqual(right, 3)  # on a busy machine the windows between two ticks are not alike


if __name__ == "__main__":
    unittest.main()
