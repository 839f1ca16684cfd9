"""What the collector tells over HTTP, against what the kernel's own files tell."""
import subprocess
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
        self.wait_until("a workload is on the page", lambda: "container_cpu_usage_seconds_total{" in self.get("/metrics"))

        page = self.get("/metrics")
        done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True)

        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        self.assertIn("ballast_collector_tick_duration_seconds_bucket{", page)

    def test_api_tells_what_the_kernel_tells(self):
        container = self.start_container("pytest 2 800; npm 60 600000", cpu_quota_us=70000, memory_bytes=150 << 20)
        cpuacct, _ = cgroups.directory(container.cgroup_path, "cpuacct")
        memory, _ = cgroups.directory(container.cgroup_path, "memory")

        def agreed():
            """The two are read one after the other: equal once the container's work is done."""
            told = self.workload(container)
            usage_ns = int(cgroups.read(f"{cpuacct}/cpuacct.usage"))
            used = int(cgroups.read(f"{memory}/memory.usage_in_bytes"))
            fields = told["fields"] if told else {}
            is_near = usage_ns > 800e6 and used > 60 << 20 \
                and abs(fields.get("cpu_usage_ns", 0) / usage_ns - 1) < 0.02 \
                and abs(fields.get("memory_usage_bytes", 0) - used) < 4 << 20
            return told if is_near else None

        told = self.wait_until("the API says what the files say", agreed, 30)
        self.assertEqual(told["fields"]["memory_max_bytes"], 150 << 20)
        self.assertEqual(told["fields"]["cpu_quota_ns"], 70_000_000)

    def test_dead_container_disappears(self):
        container = self.start_container("sleep 600")
        self.wait_until("it is there", lambda: self.workload(container))

        container.remove()

        self.wait_until("it is gone", lambda: self.workload(container) is None)


if __name__ == "__main__":
    unittest.main()
