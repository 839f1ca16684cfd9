"""Workloads that come and go: what they used is accounted for, slots are given back, memory stays flat."""
import os
import random
import time
import unittest

import cgroups
import records
from harness import PREFIX, StackTest

LONG = os.environ.get("BALLAST_LONG") == "1"


class Group:
    """A cgroup in every hierarchy that is measured, made and removed like a runtime does: one directory after another."""

    def __init__(self, path):
        self.path = path
        wanted = {"cpu", "cpuacct", "memory", "blkio"}
        self.directories = [mount + path for mount, controllers in cgroups.mounts() if controllers is None or controllers & wanted]

    def make(self):
        for directory in self.directories:
            os.makedirs(directory, exist_ok=True)
        return self

    def run(self, work):
        """Forks `work` into the group; its pid. What it used before it had entered all of it is in `before_ns`."""
        told, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                for directory in self.directories:
                    with open(directory + "/cgroup.procs", "w") as file:
                        file.write(str(os.getpid()))
                os.write(tell, str(time.process_time_ns()).encode())
                work()
            finally:
                os._exit(0)
        self.before_ns = int(os.read(told, 32))
        os.close(tell)
        os.close(told)
        return pid

    def remove(self):
        for directory in reversed(self.directories):
            remove_directory(directory)


def remove_directory(directory):
    """The kernel lets go of the last process a moment after wait() returned."""
    end = time.monotonic() + 10
    while True:
        try:
            return os.rmdir(directory)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.001)


def burn(seconds):
    end = time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID) + seconds
    while time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID) < end:
        sum(range(2000))


def resident_kb(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


class LifecycleTest(StackTest):
    def final_usage_by_path(self):
        """{path: ns of CPU} from births and deaths in the recording."""
        paths, used = {}, {}
        for record in records.read(self.stack.ballast, self.recording):
            for row in record.get("rows", []):
                fields = row["fields"]
                if "path" in fields:
                    paths[row["ref"]] = fields["path"]
                if row["ref"] in paths and "cpu_usage_ns" in fields:
                    used[paths[row["ref"]]] = fields["cpu_usage_ns"]
        return used

    def test_cpu_time_of_short_lived_containers_is_accounted(self):
        count, at_once = (1000, 4) if LONG else (24, 4)
        self.stack.start_collector(self.recording)
        dice = random.Random(1)
        witness, running = {}, {}
        for number in range(count):
            group = Group(f"{PREFIX}/short-{number}").make()
            seconds = dice.uniform(0.05, 0.9)
            running[group.run(lambda seconds=seconds: burn(seconds))] = group
            if len(running) == at_once:
                self.reap(running, witness)
        while running:
            self.reap(running, witness)
        self.wait_until("every death is recorded", lambda: len(self.events("workload_died")) >= count, 60)

        measured = self.final_usage_by_path()

        total = sum(witness.values())
        accounted = sum(min(measured.get(path, 0), used) for path, used in witness.items())
        invented = sum(max(0, measured.get(path, 0) - used) for path, used in witness.items())
        print(f"{count} groups, {total / 1e9:.1f} s of CPU: {accounted / total:.4%} accounted, {invented / total:.4%} too much")
        self.assertGreaterEqual(accounted / total, 0.99)
        self.assertLessEqual(invented / total, 0.01)

    def test_churn_inherits_nothing_loses_nothing_uncounted_and_stays_flat(self):
        batches, size, busy = (500, 200, 4) if LONG else (12, 100, 4)
        self.stack.start_collector(self.recording)
        collector = self.stack.processes["collector"].pid
        settled = None
        for batch in range(batches):
            groups = [Group(f"{PREFIX}/churn-{batch}-{number}").make() for number in range(size)]
            pids = [group.run(lambda: burn(0.03)) for group in groups[:busy]]
            time.sleep(0.25)  # two ticks, in which a wrong start value would show
            for pid in pids:
                os.waitpid(pid, 0)
            for group in groups:
                group.remove()
            if batch == batches // 4:
                settled = resident_kb(collector)
        self.wait_until("slots are given back", lambda: self.get_json("/api/v1/workloads")["workloads"] == [], 60)
        grown = resident_kb(collector) - settled

        born, died, lost, inherited = self.lives(idle_from=busy)
        print(f"{batches * size} groups: {born} born, {died} died, {lost} events lost and counted, {len(inherited)} began with another's "
              f"use, resident {settled} kB and {grown:+d} kB")
        self.assertEqual(inherited, [])
        self.assertEqual(born, died)
        self.assertGreaterEqual(born + lost, batches * size)
        # Lists of bounded size fill up; the web page remembers as much of the dead as http.history allows, 8 MB.
        self.assertLess(grown, 8192)

    def lives(self, idle_from):
        """(births, deaths, events lost, idle groups with a use): the last sum that the recording has."""
        born, died, lost, idle, inherited = 0, 0, {}, set(), []
        for record in records.stream(self.stack.ballast, self.recording):
            born += record.get("event") == "workload_born"
            died += record.get("event") == "workload_died"
            for row in record.get("rows", []):
                fields = row["fields"]
                if "events_lost" in fields:
                    lost[row["ref"]] = fields["events_lost"]
                if "/churn-" in fields.get("path", "") and int(fields["path"].rsplit("-", 1)[1]) >= idle_from:
                    idle.add(row["ref"])
                if row["ref"] in idle and any(fields.get(name, 0) for name in ("cpu_usage_ns", "cpu_ran_ns", "memory_peak_bytes")):
                    inherited.append(fields)
        return born, died, sum(lost.values()), inherited

    def reap(self, running, witness):
        pid, _, usage = os.wait4(-1, 0)
        group = running.pop(pid)
        witness[group.path] = (usage.ru_utime + usage.ru_stime) * 1e9 - group.before_ns
        group.remove()


if __name__ == "__main__":
    unittest.main()
