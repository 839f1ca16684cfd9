"""What the integration tests share: the demo's stack, waiting, and looking at files."""
import json
import os
import sys
import time
import unittest
import urllib.request

# From deploy/demo, which ctest puts on PYTHONPATH.
import cgroups
import records
from container import Container
from stack import Stack

PREFIX = "/ballast-test"


class StackTest(unittest.TestCase):
    """A stack of its own per test; the daemons' last words where a test fails."""

    prefix = PREFIX

    def setUp(self):
        self.assertEqual(os.geteuid(), 0, "integration tests need root: run-queue hooks, cgroups and containers")
        self.stack = Stack(os.environ["BALLAST_BUILD"], prefix=self.prefix)
        self.stack.__enter__()
        self.addCleanup(self.end_stack)
        self.recording = self.stack.folder / "records"

    def end_stack(self):
        result = self._outcome.result
        if any(case is self for case, _ in result.failures + result.errors):
            for name in ("collector", "autoscaler"):
                print(f"--- {name}\n{self.stack.log_of(name)[-4000:]}", file=sys.stderr)
        self.stack.__exit__(None, None, None)

    def start_container(self, script, number=1, prefix=None, **limits):
        name = f"test-{number}"
        container = Container(self.stack.folder, self.stack.root, name, f"{prefix or self.prefix}/{name}",
                              ["/bin/sh", "-c", script], **limits)
        self.stack.containers.append(container)
        return container.start()

    def wait_until(self, claim, ready, seconds=15):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = ready()
            if value:
                return value
            time.sleep(0.02)
        self.fail(f"after {seconds} s still not: {claim}")

    def events(self, kind):
        """Of the recording so far; the flight recorder writes within a tick."""
        return records.events(records.read(self.stack.ballast, self.recording), kind)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.stack.http_port}{path}", timeout=5) as answer:
            return answer.read().decode()

    def get_json(self, path):
        return json.loads(self.get(path))


def limits(container):
    return cgroups.limits(container.cgroup_path)
