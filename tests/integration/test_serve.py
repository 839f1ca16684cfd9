"""What the collector tells over HTTP, against what the kernel's own files tell."""
import subprocess
import time
import unittest

import cgroups
from harness import StackTest


class ServeTest(StackTest):
    def setUp(self):
        super().setUp()
        self.stack.start_collector(self.recording)

    def workload(self, container):
        found = [w for w in self.get_json("/api/v1/workloads")["workloads"] if w.get("path") == container.cgroup_path]
        return found[0] if found else None

    def test_metrics_page_is_clean_for_promtool(self):
        self.start_container("pytest 2 600; sleep 600")
        time.sleep(2)

        page = self.get("/metrics")
        done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True)

        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        self.assertIn("container_cpu_usage_seconds_total{", page)
        self.assertIn("ballast_collector_tick_duration_seconds_bucket{", page)

    def test_api_tells_what_the_kernel_tells(self):
        container = self.start_container("pytest 2 800; npm 60 600000", cpu_quota_us=70000, memory_bytes=150 << 20)
        time.sleep(4)

        told = self.wait_until("the container is in the API", lambda: self.workload(container))
        place, _ = cgroups.directory(container.cgroup_path, "cpuacct")
        usage_ns = int(cgroups.read(f"{place}/cpuacct.usage"))

        self.assertAlmostEqual(told["fields"]["cpu_usage_ns"] / usage_ns, 1.0, delta=0.02)
        self.assertEqual(told["fields"]["memory_max_bytes"], 150 << 20)
        self.assertEqual(told["fields"]["cpu_quota_ns"], 70_000_000)
        place, _ = cgroups.directory(container.cgroup_path, "memory")
        used = int(cgroups.read(f"{place}/memory.usage_in_bytes"))
        self.assertAlmostEqual(told["fields"]["memory_usage_bytes"], used, delta=4 << 20)

    def test_dead_container_disappears(self):
        container = self.start_container("sleep 600")
        self.wait_until("it is there", lambda: self.workload(container))

        container.remove()

        self.wait_until("it is gone", lambda: self.workload(container) is None, 3)


if __name__ == "__main__":
    unittest.main()
