"""The collector with exactly the capabilities that its unit grants measures all that root's does."""
import json
import re
import subprocess
import time
import unittest
import urllib.request

from harness import StackTest
from stack import REPO, free_port

UNIT = REPO / "deploy/systemd/ballast-collector.service"


def granted():
    line = re.search(r"^CapabilityBoundingSet=(.*)$", UNIT.read_text(), re.M).group(1)
    return [name.removeprefix("CAP_").lower() for name in line.split()]


class CapabilityTest(StackTest):
    def start_restricted(self, name, capabilities):
        """A second collector; the port it answers on."""
        port = free_port(0)
        self.stack.start(name, [
            "setpriv", "--bounding-set", ",".join(["-all", *(f"+{c}" for c in capabilities)]), "--inh-caps=-all",
            self.stack.build / "collector/ballast-collector", "--http-listen", f"127.0.0.1:{port}",
            "--records-socket", str(self.stack.folder / f"{name}.sock"), "--workloads-prefixes", self.prefix])
        return port

    def page(self, port, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.read().decode()

    def families(self, port, container):
        try:
            lines = self.page(port, "/metrics").splitlines()
        except OSError:
            return set()
        return {line.split("{")[0] for line in lines if f'id="{container.cgroup_path}"' in line}

    def answers(self, port):
        try:
            return self.page(port, "/healthz")
        except OSError:
            return None

    def sources(self, port):
        return {s["what"]: s["via"] for s in json.loads(self.page(port, "/api/v1/status"))["sources"]}

    def test_the_units_capabilities_give_every_signal(self):
        self.stack.start_collector(self.recording)
        port = self.start_restricted("restricted", granted())
        # Tool calls are seen by those who were there when they began.
        self.wait_until("the restricted one answers", lambda: self.answers(port), 30)
        container = self.start_container("pytest 1 600; npm 60 600000", cpu_quota_us=50000, memory_bytes=150 << 20)

        self.wait_until("both have measured the container", lambda: self.families(port, container)
                        and self.families(self.stack.http_port, container), 30)
        time.sleep(2)  # slow files are read once a second
        as_root = self.families(self.stack.http_port, container)

        self.assertGreater(len(as_root), 15)
        try:
            self.wait_until("the same families", lambda: self.families(port, container) >= as_root)
        except AssertionError:
            self.assertEqual(as_root - self.families(port, container), set(), "missing without the other capabilities")
        self.assertEqual(self.sources(port), self.sources(self.stack.http_port))

    def test_without_one_of_them_it_says_so_and_ends(self):
        process_port = self.start_restricted("too_few", [c for c in granted() if c != "perfmon"])

        self.assertEqual(self.stack.processes["too_few"].wait(20), 2, process_port)
        self.assertIn("CAP_PERFMON", self.stack.log_of("too_few"))


class DoctorTest(StackTest):
    def doctor(self, *words, prefix=()):
        done = subprocess.run([*prefix, self.stack.ballast, "doctor", "--collector", self.stack.build / "collector/ballast-collector",
                               *words], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def test_doctor_agrees_with_the_running_collector(self):
        self.stack.start_collector(self.recording)

        status, out, error = self.doctor("--format", "json")
        told = json.loads(out)

        self.assertEqual(error, "")
        self.assertEqual({s["what"]: s["via"] for s in told["signals"]},
                         {s["what"]: s["via"] for s in self.get_json("/api/v1/status")["sources"]})
        absent = [s for s in told["signals"] if s["via"] == "absent" and not s["moot"]] + [c for c in told["checks"] if c["status"] == "missing"]
        self.assertEqual(status, 1 if absent else 0, absent)

    def test_doctor_without_capabilities_says_what_to_do(self):
        status, out, _ = self.doctor(prefix=["setpriv", "--bounding-set=-all", "--inh-caps=-all"])

        self.assertEqual(status, 1)
        self.assertRegex(out, r"missing +CAP_BPF")
        self.assertIn("-> run as root, or with the capabilities of ballast-collector.service", out)
        self.assertRegex(out, r"absent +own throttling wait")

    def test_wrong_use_is_status_2(self):
        self.assertEqual(self.doctor("--format", "xml")[0], 2)


if __name__ == "__main__":
    unittest.main()
