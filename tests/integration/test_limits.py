"""The whole pipeline on real containers: what happens to the limits in the cgroup files."""
import os
import time
import unittest

import cgroups
from harness import StackTest, limits

CPU_BURST = "sleep 2; pytest 2 2500; sleep 600"
MEMORY_BURST = "sleep 2; npm 300 1000; echo done > /tmp/done; sleep 600"


# A quota that only bounds is not met on a host with free CPU; these are about what follows demand.
FOLLOW_DEMAND = "[policy]\ncpu_headroom_shared = false\n"


class BurstTest(StackTest):
    def start(self, mode, script, settings="", **options):
        self.stack.autoscaler_settings = settings
        self.stack.start_collector(self.recording)
        self.stack.start_autoscaler(mode)
        return self.start_container(script, **options)

    def test_cpu_burst_raises_the_limit_and_quiet_lowers_it(self):
        container = self.start("auto", CPU_BURST, FOLLOW_DEMAND, cpu_quota_us=20000)

        watch = cgroups.LimitWatch([container.cgroup_path])
        watch.start()
        self.addCleanup(watch.stop)
        seen = watch.history[container.cgroup_path]["cpu"]

        self.wait_until("the limit doubled", lambda: any((value or 0) >= 400 for value in seen))
        # Its highest is known only once it falls: a burst raises it in steps.
        self.wait_until("it fell again", lambda: limits(container)[0] < 0.7 * max(value or 0 for value in seen), 40)

        raised = [event["fields"] for event in self.events("actuation") if event["fields"]["outcome"] == "applied"]
        self.assertTrue(any(f.get("limit_cpu_millicores", 0) > f.get("previous_cpu_millicores", 0) for f in raised))

    def test_nobody_is_throttled_while_the_host_has_free_cpu(self):
        container = self.start("auto", "sleep 4; while true; do pytest 1 300; sleep 0.5; done", cpu_quota_us=20000)

        self.wait_until("the limit is the host's", lambda: limits(container)[0] == 1000 * os.cpu_count())
        before = cgroups.throttled_ns(container.cgroup_path)
        self.wait_until("some bursts", lambda: len(self.events("tool_call")) > 8, 30)

        self.assertEqual(cgroups.throttled_ns(container.cgroup_path), before)

    def test_a_full_host_bounds_who_wants_it_all(self):
        container = self.start("auto", "while true; do pytest 4 2000; done", cpu_quota_us=20000)
        for number in (2, 3, 4):
            self.start_container("while true; do pytest 2 2000; done", number, cpu_quota_us=20000)

        # Four want all of it: twice a fair share is half of the host, and one CPU is anybody's.
        most = max(1100, 600 * os.cpu_count())
        self.wait_until("its limit is a bound", lambda: 900 < (limits(container)[0] or 0) < most, 30)

    def test_memory_burst_above_the_limit_is_not_killed(self):
        container = self.start("auto", MEMORY_BURST, memory_bytes=96 << 20)

        self.wait_until("the limit let the burst through", lambda: (limits(container)[1] or 0) > 300 << 20)
        self.wait_until("it fell again", lambda: limits(container)[1] < 200 << 20, 40)

        self.assertEqual(cgroups.oom_kills(container.cgroup_path), 0)
        self.assertTrue(container.is_running())

    def test_observe_mode_writes_nothing(self):
        container = self.start("observe", CPU_BURST, cpu_quota_us=20000)

        self.wait_until("the burst was throttled", lambda: (cgroups.throttled_ns(container.cgroup_path) or 0) > 200e6)
        time.sleep(1)

        self.assertEqual(limits(container), container.original_limits)
        self.assertFalse(self.events("actuation"))
        self.wait_until("somebody is told that throttling began", lambda: self.events("throttle_begin"))

    def test_refusal_by_the_kernel_is_answered_at_once(self):
        # An exec would raise the limit before the burst is refused.
        self.start("auto", "while true; do pytest 2 300; sleep 9; done", FOLLOW_DEMAND + "learn_tools = false\n", cpu_quota_us=20000)

        def answered():
            return [event["fields"] for event in self.events("actuation")
                    if event["fields"].get("trigger") == "throttle_begin" and event["fields"]["outcome"] == "applied"]

        # Which bursts are throttled before a tick sees them depends on the machine's other work; some are.
        first = self.wait_until("a limit was raised because throttling began", answered, 60)[0]
        self.assertGreater(first["written_time_ns"], first["trigger_time_ns"])

    def test_nothing_outside_the_prefix_is_written(self):
        stranger_prefix = "/docker"  # a layout that is tracked, but not the autoscaler's to touch
        self.stack.start_collector(self.recording)
        self.stack.start_autoscaler("auto")
        self.addCleanup(cgroups.remove_tree, "/docker")
        stranger = self.start_container(CPU_BURST, prefix=stranger_prefix, cpu_quota_us=20000)

        self.wait_until("the burst was throttled", lambda: (cgroups.throttled_ns(stranger.cgroup_path) or 0) > 200e6)
        time.sleep(1)

        self.assertEqual(limits(stranger), stranger.original_limits)


if __name__ == "__main__":
    unittest.main()
