"""Memory that is really out: a hog of low priority and an agent that comes first share one pool that cannot grow."""
import json
import os
import shutil
import signal
import subprocess
import time

import cgroups
from harness import StackTest

POOL = 320 << 20
MIB = 1 << 20


class DegradeTest(StackTest):
    def start(self, degrade):
        shutil.copy(self.stack.build / "deploy/agents/replay_agent", self.stack.root / "bin")
        # The owner's own bound of the parent: the pool never rises above it.
        parent = self.make_parent()
        with open(f"{parent}/{self.limit_file(parent)}", "w", encoding="ascii") as file:
            file.write(str(POOL))
        self.stack.autoscaler_settings = f"""
[policy]
shared_pool = "{self.prefix}"
degrade = "{degrade}"
degrade_reserve = 0.2
[[workload]]
prefix = "{self.prefix}/test-1"
priority = 10
"""
        self.stack.start_collector(self.recording)
        self.stack.start_autoscaler("auto")
        # Holds 40 MiB, and after 10 s needs 40 more for one call.
        agent = self.start_plan(1, ["use 10000 1 %d" % (40 * MIB), "begin build", "use 500 1 %d" % (80 * MIB), "end 500",
                                    "use 2000 1 %d" % (40 * MIB)])
        # Grows by 40 MiB a second and never ends: it would have filled the pool after 9 s.
        hog = self.start_plan(2, ["use 2000 1 %d" % (20 * MIB)]
                              + ["use 100 1 %d" % ((20 + 4 * step) * MIB) for step in range(1, 120)] + ["use 60000 1 %d" % (500 * MIB)])
        return agent, hog

    def make_parent(self):
        for mount, controllers in cgroups.mounts():
            if controllers is None or "memory" in controllers:
                os.makedirs(mount + self.prefix, exist_ok=True)
        return cgroups.directory(self.prefix, "memory")[0]

    @staticmethod
    def limit_file(parent):
        return "memory.high" if os.path.exists(f"{parent}/memory.high") else "memory.limit_in_bytes"

    def start_plan(self, number, lines):
        # The root is read-only inside, and not yet for us.
        (self.stack.root / f"plan-{number}").write_text("\n".join(lines) + "\n")
        return self.start_container(f"exec /bin/replay_agent /plan-{number}", number, memory_bytes=POOL, cpu_quota_us=100000)

    @staticmethod
    def lines(container):
        return [json.loads(line) for line in container.output.read_text().splitlines() if line.startswith("{")]

    def memory_short(self):
        return [event["fields"]["text"] for event in self.events("decision") if event["fields"].get("trigger") == "memory_short"]

    def test_a_hog_is_frozen_before_the_agent_waits_and_thawed_afterwards(self):
        agent, hog = self.start("freeze")
        self.wait_until("the hog is frozen", lambda: cgroups.is_frozen(hog.cgroup_path), 20)
        held = cgroups.memory_used(hog.cgroup_path)

        self.wait_until("the agent finished", lambda: {"finished": True} in self.lines(agent), 20)
        call = [line for line in self.lines(agent) if line.get("tool") == "build"][0]
        self.assertLess(call["took_ms"], 1500, "half a second of work")
        self.assertEqual(cgroups.oom_kills(agent.cgroup_path) or 0, 0)
        self.assertLess(held, POOL - 80 * MIB, "frozen too late for what the agent needed")
        self.wait_until("the hog is thawed", lambda: not cgroups.is_frozen(hog.cgroup_path), 20)
        told = self.memory_short()
        self.assertTrue(any("-> frozen (" in text for text in told), told)
        self.assertTrue(any("frozen -> " in text for text in told), told)

    def test_without_it_the_agent_waits_or_is_killed(self):
        agent, hog = self.start("off")
        self.wait_until("the pool is full", lambda: cgroups.memory_used(self.prefix) > POOL - 4 * MIB, 20)
        time.sleep(5)  # the call begins after at most one

        done = [line for line in self.lines(agent) if line.get("tool") == "build"]
        self.assertFalse(done and done[0]["took_ms"] < 1500, "it lacked nothing, so nothing was shown")
        self.assertFalse(cgroups.is_frozen(hog.cgroup_path))
        self.assertFalse(self.memory_short())

    def test_a_collector_that_is_killed_leaves_nobody_frozen(self):
        _, hog = self.start("freeze")
        self.wait_until("the hog is frozen", lambda: cgroups.is_frozen(hog.cgroup_path), 20)
        self.stack.stop("collector", signal.SIGKILL)

        # Ten seconds are the longest freeze; no record is needed for its end.
        self.wait_until("the hog is thawed", lambda: not cgroups.is_frozen(hog.cgroup_path), 15)
        self.assertIn("longest freeze", self.stack.log_of("autoscaler"))

    def test_who_was_frozen_is_thawed_when_the_autoscaler_is_killed(self):
        _, hog = self.start("freeze")
        self.wait_until("the hog is frozen", lambda: cgroups.is_frozen(hog.cgroup_path), 20)
        watcher = self.stack.processes["autoscaler"].pid
        child = int(subprocess.run(["pgrep", "-P", str(watcher)], capture_output=True, text=True).stdout)

        os.kill(child, signal.SIGKILL)

        self.wait_until("the watcher thawed it", lambda: not cgroups.is_frozen(hog.cgroup_path), 8)

    def test_who_was_frozen_is_thawed_by_release_after_kill_of_everything(self):
        _, hog = self.start("freeze")
        self.wait_until("the hog is frozen", lambda: cgroups.is_frozen(hog.cgroup_path), 20)
        watcher = self.stack.processes["autoscaler"].pid
        child = int(subprocess.run(["pgrep", "-P", str(watcher)], capture_output=True, text=True).stdout)
        os.kill(child, signal.SIGSTOP)
        os.kill(watcher, signal.SIGKILL)
        os.kill(child, signal.SIGKILL)
        self.stack.stop("autoscaler", signal.SIGKILL)
        time.sleep(0.5)
        self.assertTrue(cgroups.is_frozen(hog.cgroup_path), "nobody was left to thaw it")

        done = subprocess.run([self.stack.ballast, "release", "--state-dir", self.stack.state_folder], capture_output=True, text=True)

        self.assertFalse(cgroups.is_frozen(hog.cgroup_path), done.stderr)
