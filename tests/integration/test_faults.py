"""What a dead daemon, a new one and a full disk do to the limits that are in force."""
import os
import random
import signal
import socket
import subprocess
import threading
import time
import unittest
import urllib.request

import cgroups
from container import Container
from harness import StackTest, limits

IDLE = "sleep 600"
BUSY = "while true; do pytest 2 1500; sleep 1; done"
# So that CPU limits follow demand: shared headroom only bounds them.
CPU_FOLLOWS = "[policy]\ncpu_headroom_shared = false\n"


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
        self.stack.autoscaler_settings = CPU_FOLLOWS
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

    def test_configuration_cut_where_it_is_still_valid_leaves_what_is_in_force(self):
        container = self.start_all(BUSY)

        # As an editor leaves it between open() and write(): valid, and everything is its default.
        self.reload(lambda text: "")
        self.wait_for_log("is empty: it may be half-written")
        self.reload(lambda _: 'mode = "recommend"')
        self.wait_for_log("does not end in a newline: it may be half-written")

        self.assertNotEqual(limits(container), container.original_limits)
        self.wait_until("it is an event", lambda: any("half-written" in event["fields"].get("text", "")
                                                     for event in self.events("autoscaler")))

    def test_rule_from_auto_to_observe_puts_the_originals_back(self):
        container = self.start_all(BUSY)

        self.reload(lambda text: text + f'[[workload]]\nprefix = "{container.cgroup_path}"\nmode = "observe"\n')

        self.wait_for_log("reloaded, in mode auto")
        self.assertEqual(limits(container), container.original_limits)
        time.sleep(3)
        self.assertEqual(limits(container), container.original_limits, "written although it is observed")


class RuntimeFaultTest(FaultTest):
    """A container runtime that is told of limits, played by this test: only its socket is its own."""

    def setUp(self):
        super().setUp()
        self.path = str(self.stack.folder / "runtime.sock")
        self.asked = 0
        self.answers = True
        self.open_socket()

    def open_socket(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(64)
        self.addCleanup(self.listener.close)
        threading.Thread(target=self.serve, args=(self.listener,), daemon=True).start()

    def serve(self, listener):
        kept = []  # a daemon that hangs keeps its clients
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.asked += 1
            kept.append(client)
            if self.answers:
                client.recv(65536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                client.close()

    def start_told_container(self, script):
        self.stack.autoscaler_settings = CPU_FOLLOWS + f'[runtime]\nsockets = ["{self.path}"]'
        self.stack.start_collector(self.recording)
        self.stack.start_autoscaler("auto")
        # The id is what the path ends in.
        container = Container(self.stack.folder, self.stack.root, "told", f"{self.prefix}/{'ab' * 32}", ["/bin/sh", "-c", script])
        self.stack.containers.append(container)
        return container.start()

    def said(self, text):
        return [event for event in self.events("autoscaler") if text in event["fields"].get("text", "")]

    def slowest_answer(self, seconds):
        """The loop serves its own page, so a loop that waits for somebody shows it here."""
        slowest, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            begin = time.monotonic()
            with urllib.request.urlopen(f"http://127.0.0.1:{self.stack.autoscaler_port}/metrics", timeout=10) as page:
                page.read()
            slowest = max(slowest, time.monotonic() - begin)
            time.sleep(0.02)
        return slowest

    def test_runtime_that_never_answers_delays_nothing_and_is_said_once(self):
        self.answers = False
        container = self.start_told_container("while true; do pytest 2 300; sleep 3; done")
        self.wait_until("the runtime was asked", lambda: self.asked, 30)

        # A second is what a daemon is given.
        slowest = self.slowest_answer(5)

        self.assertLess(slowest, 0.5)
        self.wait_until("it is said", lambda: self.said("no container runtime answers"), 10)
        self.wait_until("limits follow demand", lambda: len([event for event in self.events("actuation")
                                                             if event["fields"]["outcome"] == "applied"]) > 5, 20)
        self.assertEqual(len(self.said("no container runtime answers")), 1)
        self.assertEqual(self.stack.stop("autoscaler", signal.SIGTERM), 0)
        self.assertEqual(limits(container), container.original_limits)

    def test_runtime_socket_that_disappears_is_said_once_and_limits_go_on(self):
        container = self.start_told_container("while true; do pytest 2 300; sleep 3; done")
        self.wait_until("the runtime was told", lambda: self.asked, 30)
        self.listener.close()
        os.unlink(self.path)

        self.wait_until("it is said", lambda: self.said("no container runtime answers"), 30)
        before = len(self.events("actuation"))
        self.wait_until("limits follow demand", lambda: len(self.events("actuation")) > before + 3, 20)

        self.assertEqual(len(self.said("no container runtime answers")), 1)
        self.assertIsNone(self.stack.processes["autoscaler"].poll())
        self.assertEqual(self.stack.stop("autoscaler", signal.SIGTERM), 0)
        self.assertEqual(limits(container), container.original_limits)


class WriteFaultTest(FaultTest):
    def test_containers_killed_in_their_bursts_are_gone_and_said(self):
        survivor = self.start_all(BUSY)
        moments = random.Random(11)
        for number in range(2, 8):
            container = self.start_container("while true; do cargo 400 150; done", number)
            # Its first second is its runtime's; then limits are written many times a second.
            time.sleep(1.2 + moments.uniform(0, 0.8))
            container.remove()

        self.wait_until("all deaths are said", lambda: len(self.events("workload_died")) >= 6)
        self.assertIsNone(self.stack.processes["autoscaler"].poll())
        failed = [event["fields"] for event in self.events("actuation") if event["fields"]["outcome"] == "failed"]
        self.assertFalse(failed)
        last = self.start_container(BUSY, 8)
        self.wait_until("the next one's limits follow demand", lambda: limits(last) != last.original_limits, 20)
        self.assertEqual(self.stack.stop("autoscaler", signal.SIGTERM), 0)
        for container in (survivor, last):
            self.assertEqual(limits(container), container.original_limits)

    def test_refused_write_is_said_and_the_rest_goes_on(self):
        self.stack.start_collector(self.recording)
        container = self.start_container(BUSY)
        place, is_v2 = cgroups.directory(container.cgroup_path, "cpu")
        file = f"{place}/{'cpu.max' if is_v2 else 'cpu.cfs_quota_us'}"
        # Read-only for the autoscaler alone.
        self.stack.start_autoscaler("auto", through=["unshare", "--mount", "sh", "-ec", f"""
            mount --make-rprivate /
            mount --bind {file} {file}
            mount -o remount,bind,ro {file}
            exec "$@" """, "sh"])
        began = time.monotonic()

        def refusals():
            return [event["fields"] for event in self.events("actuation") if event["fields"]["outcome"] == "refused"]

        self.wait_until("it is said", lambda: any("Read-only file system" in f.get("error", "") for f in refusals()), 20)
        self.wait_until("memory follows demand", lambda: limits(container)[1] != container.original_limits[1], 20)
        time.sleep(5)

        self.assertEqual(limits(container)[0], container.original_limits[0])
        # A bounded rate: once a second, and once for each refusal by the kernel in between.
        self.assertLess(len(refusals()), 12 * (time.monotonic() - began))
        self.assertEqual(self.stack.stop("autoscaler", signal.SIGTERM), 0)
        self.assertEqual(limits(container), container.original_limits)


class StateFolderFaultTest(FaultTest):
    """The journal's file system is a small one of the autoscaler's own namespace."""

    def start_on_small_disk(self, then):
        state = self.stack.state_folder
        state.mkdir()
        self.stack.start_collector(self.recording)
        self.stack.start_autoscaler("auto", through=["unshare", "--mount", "sh", "-ec", f"""
            mount --make-rprivate /
            mount -t tmpfs -o size=64k none {state}
            {then}
            exec "$@" """, "sh"])

    def inside(self, script):
        subprocess.run(["nsenter", "-t", str(self.stack.processes["autoscaler"].pid), "--mount", "sh", "-ec", script], check=True)

    def left_alone(self, why):
        return [event for event in self.events("autoscaler")
                if "limits are left alone" in event["fields"].get("text", "") and why in event["fields"]["text"]]

    def test_full_disk_leaves_limits_alone_until_there_is_room(self):
        state = self.stack.state_folder
        self.start_on_small_disk(f"dd if=/dev/zero of={state}/filler bs=4k 2>/dev/null || true")
        container = self.start_container(BUSY)

        self.wait_until("it is said", lambda: self.left_alone("No space left on device"))
        time.sleep(3)
        self.assertEqual(limits(container), container.original_limits)

        self.inside(f"rm {state}/filler")
        self.wait_until("limits follow demand once there is room", lambda: limits(container) != container.original_limits, 45)
        self.assertEqual(self.stack.stop("autoscaler", signal.SIGTERM), 0)
        self.assertEqual(limits(container), container.original_limits)

    def test_read_only_state_folder_is_said_and_nothing_new_is_written(self):
        self.start_on_small_disk("")
        first = self.start_container(BUSY)
        self.wait_until("the first one's limits are written", lambda: limits(first) != first.original_limits, 20)
        # The lock is open for writing, so the file system itself cannot be remounted.
        folder = self.stack.state_folder
        self.inside(f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}")

        second = self.start_container(BUSY, 2)

        self.wait_until("it is said", lambda: self.left_alone("Read-only file system"))
        time.sleep(3)
        self.assertEqual(limits(second), second.original_limits)
        # What was journaled in time comes back; that the journal stays is an error.
        self.assertEqual(self.stack.stop("autoscaler", signal.SIGTERM), 3)
        self.assertEqual(limits(first), first.original_limits)



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
