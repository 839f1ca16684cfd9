"""What a dead daemon, a new one and a full disk do to the limits that are in force."""
import os
import random
import signal
import subprocess
import time
import unittest
import urllib.request

import cgroups
from harness import StackTest, limits

IDLE = "sleep 600"
BUSY = "while true; do pytest 2 1500; sleep 1; done"


class FaultTest(StackTest):
    def start_all(self, script=IDLE, **options):
        self.stack.start_collector(self.recording)
        self.stack.start_autoscaler("auto")
        container = self.start_container(script, **options)
        self.wait_until("the autoscaler changed a limit", lambda: limits(container) != container.original_limits, 20)
        return container

    def pids_of_autoscaler(self):
        """(the watcher, the autoscaler itself)"""
        watcher = self.stack.processes["autoscaler"].pid
        children = subprocess.run(["pgrep", "-P", str(watcher)], capture_output=True, text=True).stdout.split()
        self.assertEqual(len(children), 1, "the watcher has one child")
        return watcher, int(children[0])


class CollectorFaultTest(FaultTest):
    def test_killed_collector_leaves_limits_and_is_said(self):
        container = self.start_all()
        self.stack.stop("collector", signal.SIGKILL)
        self.wait_until("the autoscaler said so", lambda: "what is applied is kept" in self.stack.log_of("autoscaler"))
        applied = limits(container)

        time.sleep(4)

        self.assertEqual(limits(container), applied)
        self.assertIsNone(self.stack.processes["autoscaler"].poll(), "the autoscaler ended with the collector")

    def test_restarted_collector_causes_no_spike(self):
        container = self.start_all()
        # Quiet for long enough that the limits stand.
        time.sleep(6)
        watch = cgroups.LimitWatch([container.cgroup_path])
        watch.start()
        self.stack.stop("collector", signal.SIGKILL)
        self.stack.start_collector(self.recording)

        time.sleep(6)
        watch.stop()

        rises = {kind: watch.rises_and_falls(kind)[0] for kind in ("cpu", "memory")}
        self.assertEqual(rises, {"cpu": 0, "memory": 0}, watch.history)
        self.wait_until("it is said", lambda: "the collector began anew" in self.stack.log_of("autoscaler"))


class AutoscalerFaultTest(FaultTest):
    def test_clean_end_restores_the_originals(self):
        container = self.start_all(BUSY)

        self.assertEqual(self.stack.stop("autoscaler", signal.SIGTERM), 0)

        self.assertEqual(limits(container), container.original_limits)

    def test_release_restores_after_kill_of_everything(self):
        container = self.start_all(BUSY)
        watcher, child = self.pids_of_autoscaler()
        # Neither may act on the other's death, however slowly the kills follow each other.
        os.kill(child, signal.SIGSTOP)
        os.kill(watcher, signal.SIGKILL)
        os.kill(child, signal.SIGKILL)
        self.stack.stop("autoscaler", signal.SIGKILL)
        time.sleep(0.5)
        self.assertNotEqual(limits(container), container.original_limits, "nobody was left to restore anything")

        done = subprocess.run([self.stack.ballast, "release", "--state-dir", self.stack.state_folder], capture_output=True, text=True)

        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(limits(container), container.original_limits)

    def test_lease_restores_after_kill_of_the_autoscaler(self):
        container = self.start_all(BUSY)
        _, child = self.pids_of_autoscaler()

        os.kill(child, signal.SIGKILL)

        self.wait_until("the watcher put the limits back", lambda: limits(container) == container.original_limits, 8)
        self.wait_until("the watcher said so", lambda: "limits were put back" in self.stack.log_of("autoscaler"), 8)

    def test_killed_at_any_instant_no_limit_is_below_use_and_the_originals_come_back(self):
        # By hand: BALLAST_KILLS=20.
        container = self.start_all(BUSY)
        moments = random.Random(7)
        for _ in range(int(os.environ.get("BALLAST_KILLS", "3"))):
            watcher, child = self.pids_of_autoscaler()
            time.sleep(moments.uniform(0, 0.8))
            for victim in moments.sample([watcher, child], 2):
                os.kill(victim, signal.SIGKILL)
            self.stack.stop("autoscaler", signal.SIGKILL)
            limit = limits(container)[1]
            self.assertIsNotNone(limit, "a limit was lost")
            self.assertGreaterEqual(limit, cgroups.memory_used(container.cgroup_path))
            self.stack.start_autoscaler("auto")
            self.assertGreaterEqual(limits(container)[1], cgroups.memory_used(container.cgroup_path))

        self.assertEqual(self.stack.stop("autoscaler", signal.SIGTERM), 0)

        self.assertEqual(limits(container), container.original_limits)
        self.assertEqual(cgroups.oom_kills(container.cgroup_path), 0)
        self.assertTrue(container.is_running())

    def test_a_second_autoscaler_is_refused_and_the_first_goes_on(self):
        self.start_all()
        second = subprocess.run([self.stack.build / "autoscaler/ballast-autoscaler", "--config", self.stack.folder / "autoscaler.toml"],
                                capture_output=True, text=True, timeout=30)

        self.assertEqual(second.returncode, 2, second.stderr)
        self.assertEqual(len(second.stderr.strip().splitlines()), 1, second.stderr)
        self.assertIsNone(self.stack.processes["autoscaler"].poll())

    def test_restarted_autoscaler_causes_no_spike(self):
        container = self.start_all()
        self.stack.stop("autoscaler", signal.SIGTERM)
        watch = cgroups.LimitWatch([container.cgroup_path])
        watch.start()
        self.stack.start_autoscaler("auto")

        time.sleep(6)
        watch.stop()

        highest = {kind: max(value or 0 for value in watch.history[container.cgroup_path][kind]) for kind in ("cpu", "memory")}
        self.assertLessEqual(highest["cpu"], container.original_limits[0])
        self.assertLessEqual(highest["memory"], container.original_limits[1])


class ReloadTest(FaultTest):
    def reload(self, change):
        config = self.stack.folder / "autoscaler.toml"
        config.write_text(change(config.read_text()))
        self.stack.processes["autoscaler"].send_signal(signal.SIGHUP)

    def wait_for_log(self, text):
        self.wait_until(f"the autoscaler said: {text}", lambda: text in self.stack.log_of("autoscaler"))

    def test_reload_to_observe_puts_the_originals_back(self):
        container = self.start_all(BUSY)

        self.reload(lambda text: text.replace('mode = "auto"', 'mode = "observe"'))

        self.wait_for_log("reloaded, in mode observe")
        self.assertEqual(limits(container), container.original_limits)
        self.reload(lambda text: text.replace('mode = "observe"', 'mode = "auto"'))
        self.wait_until("limits follow demand again", lambda: limits(container) != container.original_limits, 30)

    def test_half_written_configuration_leaves_what_is_in_force(self):
        container = self.start_all(BUSY)

        self.reload(lambda text: text[:len(text) // 2] + '\n[guard\n')

        self.wait_for_log("not reloaded, what was configured stays")
        self.assertNotEqual(limits(container), container.original_limits)
        self.assertIsNone(self.stack.processes["autoscaler"].poll())


    def test_rule_from_auto_to_observe_puts_the_originals_back(self):
        container = self.start_all(BUSY)

        self.reload(lambda text: text + f'[[workload]]\nprefix = "{container.cgroup_path}"\nmode = "observe"\n')

        self.wait_for_log("reloaded, in mode auto")
        self.assertEqual(limits(container), container.original_limits)
        time.sleep(3)
        self.assertEqual(limits(container), container.original_limits, "written although it is observed")


class StopTest(FaultTest):
    """The kill switch."""

    def ballast(self, *words):
        done = subprocess.run([self.stack.ballast, *words, "--state-dir", self.stack.state_folder], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def wait_for_log(self, text, times=1):
        self.wait_until(f"the autoscaler said: {text}", lambda: self.stack.log_of("autoscaler").count(text) >= times)

    def test_stop_keeps_every_limit_until_resume_restarts_included(self):
        container = self.start_all(BUSY)
        self.ballast("stop", "--why", "incident-7")
        self.wait_for_log("stopped: incident-7")
        watch = cgroups.LimitWatch([container.cgroup_path])
        watch.start()
        time.sleep(5)
        watch.stop()
        for kind in ("cpu", "memory"):
            self.assertEqual(watch.rises_and_falls(kind), (0, 0), watch.history)
        self.assertNotEqual(limits(container), container.original_limits, "kept, not put back")
        self.assertIn('ballast_autoscaler_held{reason="stopped"} 1', self.metrics())

        # A restart puts back what it had written, as ever, and writes nothing.
        self.stack.stop("autoscaler", signal.SIGTERM)
        self.stack.start_autoscaler("auto")
        self.wait_for_log("stopped: incident-7", times=2)
        time.sleep(3)
        self.assertEqual(limits(container), container.original_limits)
        self.ballast("resume")

        self.wait_until("limits follow demand again", lambda: limits(container) != container.original_limits, 30)

    def test_stop_with_release_puts_the_originals_back_until_resume(self):
        container = self.start_all(BUSY)

        self.ballast("stop", "--release")

        self.wait_until("the originals are back", lambda: limits(container) == container.original_limits, 3)
        time.sleep(3)
        self.assertEqual(limits(container), container.original_limits)
        self.ballast("resume")
        self.wait_until("limits follow demand again", lambda: limits(container) != container.original_limits, 30)

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.stack.autoscaler_port}/metrics", timeout=5) as answer:
            return answer.read().decode()


class RecorderFaultTest(StackTest):
    def test_full_disk_costs_records_and_no_tick(self):
        self.stack.start_collector("/dev/full")
        self.wait_until("the loss is said", lambda: "No space left on device" in self.stack.log_of("collector"))
        status = self.get_json("/api/v1/status")

        self.wait_until("ticks go on", lambda: self.get_json("/api/v1/status")["sequence"] > status["sequence"] + 20)


if __name__ == "__main__":
    unittest.main()
