"""Debian's Prometheus with deploy/prometheus: what it reads from a live collector, and what dashboards ask it.

No Grafana server runs here: its dashboards are held against its SDK's types where they are generated, and their queries are run.
"""
import functools
import http.server
import json
import re
import subprocess
import threading
import unittest

import promql
from harness import StackTest

BUSY = "while true; do pytest 1 900; npm 70 1500; sleep 1; done"
# A collector names what the path says. Images, pods and namespaces come from a runtime, which these containers lack: their
# scrape job fills them in, under the labels that kubernetes-mixin selects.
AS_CADVISOR = """
  - job_name: cadvisor
    static_configs:
      - targets: [{targets}]
    metric_relabel_configs:
      - {{source_labels: [image, name], regex: ";(.+)", target_label: container}}
      - {{source_labels: [image, name], regex: ";(.+)", target_label: pod}}
      - {{source_labels: [image, name], regex: ";(.+)", target_label: namespace, replacement: demo}}
      - {{source_labels: [image, name], regex: ";(.+)", target_label: image, replacement: "sandbox:1"}}
"""


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class PrometheusTest(StackTest):
    def start_prometheus(self, targets=None, **options):
        targets = targets or [f"127.0.0.1:{self.stack.http_port}"]
        more = AS_CADVISOR.format(targets=", ".join(f'"{target}"' for target in targets))
        self.stack.start_prometheus(collectors=targets, more_jobs=more, **options)
        self.server = promql.Prometheus(self.stack.prometheus_port)

    def start_live(self, mode="auto"):
        self.stack.start_collector(self.recording)
        self.stack.start_autoscaler(mode)
        self.start_container(BUSY, 1, cpu_quota_us=30000)
        self.start_container(BUSY, 2, cpu_quota_us=30000)

    def wait_for_scrapes(self, count, job="ballast-collector"):
        self.wait_until(f"{count} scrapes of {job}", lambda: any(
            int(series["value"][1]) >= count for series in self.server.query(f'count_over_time(up{{job="{job}"}}[5m])')), 60)

    def wait_for_data(self, queries, seconds):
        """Rates need two scrapes and some work in between: what is still empty is asked again."""
        missing = dict(queries)

        def all_there():
            for where, expression in list(missing.items()):
                if self.server.query(expression):
                    del missing[where]
            return not missing

        try:
            self.wait_until("every query returns data", all_there, seconds)
        except AssertionError:
            self.fail("no data:\n" + "\n".join(f"{where}: {expression}" for where, expression in missing.items()))

    def queries(self):
        found = list(promql.listed()) + list(promql.of_dashboards())
        return {f"{where} #{number}": expression for number, (where, expression) in enumerate(found)}


class LiveTest(PrometheusTest):
    def test_live_pages_are_scraped_and_rules_evaluate(self):
        self.start_live()
        self.start_prometheus()
        self.wait_for_scrapes(4)

        errors = {target["scrapePool"]: target["lastError"] for target in self.server.targets()}
        self.assertEqual(errors, {"ballast-collector": "", "ballast-autoscaler": "", "cadvisor": ""})
        groups = self.server.api("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        self.assertGreaterEqual(len(rules), 20)
        self.assertEqual([rule["name"] for rule in rules if rule["health"] == "err"], [])
        self.wait_for_data({"recorded": 'ballast:cpu_usage_cores:rate1m{id=~"/ballast-test/.*"} > 0'}, 30)
        # OpenMetrics is what it asks for; a gauge of the page is what the page says.
        self.assertEqual(self.server.query("machine_cpu_cores")[0]["value"][1],
                         re.search(r"^machine_cpu_cores (\d+)$", self.get("/metrics"), re.M).group(1))

    def test_queries_about_signals_of_this_machine_return_live_data(self):
        self.start_live()
        self.start_prometheus()
        self.wait_for_scrapes(3)

        # Of a workload, or of no cgroup at all: the host's totals alone (block I/O, where no container had any) do not answer.
        live = {series["metric"]["__name__"] for series in self.server.query('count by (__name__) ({__name__=~".+", id!="/"})')}
        # A mark on the time axis is there only when the thing happened, which the other test sees to.
        answerable = {where: query for where, query in self.queries().items()
                      if promql.metrics_of(query) <= live and not query.endswith(")) > 0")}

        self.assertGreaterEqual(len(answerable), 30, sorted(live))
        self.wait_for_data(answerable, 60)

    def test_native_histograms_are_kept(self):
        self.start_live("observe")
        self.start_prometheus(features=["native-histograms"])
        self.wait_for_scrapes(3)

        series = 'ballast_run_queue_wait_seconds{job="ballast-collector", id=~"/ballast-test/.*"}'
        self.wait_for_data({"count": f"histogram_count({series}) > 10"}, 30)
        p99 = float(self.server.query(f"histogram_quantile(0.99, sum({series}))")[0]["value"][1])

        self.assertEqual({target["lastError"] for target in self.server.targets()}, {""})
        self.assertGreater(p99, 1e-6)
        self.assertLess(p99, 70)
        # The native one and the page's own classic one count the same; the page is younger.
        seen = sum(float(one["value"][1]) for one in self.server.query(f"histogram_count({series})"))
        told = sum(float(value) for value in re.findall(
            r'^ballast_run_queue_wait_seconds_count\{id="/ballast-test/[^}]*\} (\d+)$', self.get("/metrics"), re.M))
        self.assertLessEqual(seen, told)


    def test_exemplar_is_the_span_of_a_tool_call(self):
        self.start_live("observe")
        self.start_prometheus(features=["exemplar-storage"])
        self.wait_for_scrapes(3)

        def kept():
            return [one for series in self.server.exemplars('ballast_tool_call_duration_seconds_bucket{job="ballast-collector"}')
                    for one in series["exemplars"]]

        kept = self.wait_until("the server kept an exemplar", kept, 60)
        seconds = {str(event["fields"]["span_id"]): event["fields"]["duration_ns"] / 1e9
                   for event in self.get_json("/api/v1/events?kind=tool_call&limit=1000")["events"]}
        for one in kept:
            self.assertAlmostEqual(float(one["value"]), seconds[one["labels"]["span_id"]], places=3)


class SecureTest(PrometheusTest):
    def test_server_scrapes_over_tls_with_a_token_and_is_refused_without(self):
        folder, token = self.stack.folder, "token-of-the-test-0123456789"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
        (folder / "token").write_text(token)
        for secret in ("key.pem", "token"):
            (folder / secret).chmod(0o600)
        self.stack.start_collector(self.recording, f"""
tls_certificate = "{folder}/cert.pem"
tls_key = "{folder}/key.pem"
bearer_token_file = "{folder}/token"
""")
        tls = f"""
    scheme: https
    tls_config: {{ca_file: {folder}/cert.pem}}
    static_configs: [{{targets: ["127.0.0.1:{self.stack.http_port}"]}}]
"""
        self.stack.start_prometheus(collectors=["127.0.0.1:1"], more_jobs=f"""
  - job_name: with-token
    authorization: {{credentials_file: {folder}/token}}{tls}
  - job_name: without-token{tls}""")
        self.server = promql.Prometheus(self.stack.prometheus_port)

        self.wait_for_data({"with": 'up{job="with-token"} == 1', "without": 'up{job="without-token"} == 0'}, 30)
        refused = next(target for target in self.server.targets() if target["scrapePool"] == "without-token")
        self.assertIn("401", refused["lastError"])


FLEET = {"hosts": [{"name": f"host-{n}", "cpu": 8, "memory": 32 << 30} for n in range(4)],
         "vms": [{"name": f"vm-{n}", "cpu": 2, "memory": 6 << 30, "host": f"host-{n}"} for n in range(4)]}


class SyntheticTest(PrometheusTest):
    def serve_consolidation(self):
        """A plan of four hosts to one, written by the command line, served as a node_exporter serves text files; its address."""
        folder = self.stack.folder / "textfiles"
        folder.mkdir()
        (folder / "fleet.json").write_text(json.dumps(FLEET))
        subprocess.run([promql.build("dashboards/cli/ballast"), "solve", "consolidation", folder / "fleet.json",
                        "--metrics", folder / "metrics"], check=True, capture_output=True)
        handler = functools.partial(QuietFiles, directory=folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"127.0.0.1:{server.server_port}"

    def test_every_query_returns_data_where_every_signal_is_there(self):
        address = f"127.0.0.1:{self.stack.http_port}"
        self.stack.start("synthetic", [promql.build("tests/support/every_signal"), address, self.stack.socket])
        self.stack.wait_for("synthetic", self.stack.answers)
        plan = self.serve_consolidation()
        self.start_prometheus([address, plan])
        self.wait_for_scrapes(3)

        queries = self.queries()

        self.assertGreaterEqual(len(queries), 60)
        told = [self.server.query(f'ballast_consolidation_{name}{{instance="{plan}", job="ballast-collector"}}')[0]["value"][1]
                for name in ("hosts_now", "hosts_planned", "cost_lower_bound", "gap_ratio", "moves_planned")]
        self.assertEqual(told, ["4", "1", "1", "0", "3"])
        self.wait_for_data(queries, 60)


if __name__ == "__main__":
    unittest.main()
