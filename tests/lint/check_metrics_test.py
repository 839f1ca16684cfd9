"""check_metrics.py finds what it is for."""
import pathlib
import shutil
import tempfile
import unittest

import check_metrics

ROOT = pathlib.Path(__file__).resolve().parents[2]


class CheckMetricsTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="ballast-lint-"))
        self.addCleanup(shutil.rmtree, self.root)
        for folder in ("deploy/prometheus", "deploy/runbooks", "tests/unit/rules"):
            shutil.copytree(ROOT / folder, self.root / folder)
        shutil.copy(ROOT / "METRICS.md", self.root)

    def problems(self):
        return "\n".join(check_metrics.check(self.root))

    def edit(self, name, old, new):
        path = self.root / name
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new))

    def test_project_is_clean(self):
        self.assertEqual(self.problems(), "")

    def test_unknown_metric_is_found(self):
        self.edit("deploy/prometheus/rules/recording.yml", "container_cpu_usage_seconds_total", "container_cpu_usage_total")
        self.assertIn("nobody exports container_cpu_usage_total", self.problems())

    def test_alert_without_runbook_is_found(self):
        (self.root / "deploy/runbooks/BallastOomKill.md").unlink()
        self.assertIn("deploy/runbooks/BallastOomKill.md: lacks", self.problems())

    def test_alert_without_test_is_found(self):
        self.edit("tests/unit/rules/alerts.yml", "alertname: BallastOomKill", "alertname: Other")
        self.assertIn("no case for BallastOomKill", self.problems())

    def test_runbook_without_alert_is_found(self):
        (self.root / "deploy/runbooks/Stranger.md").write_text("x")
        self.assertIn("deploy/runbooks/Stranger.md: no alert", self.problems())


if __name__ == "__main__":
    unittest.main()
