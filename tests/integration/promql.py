"""Asking a Prometheus server, and the queries that dashboards ask."""
import json
import os
import pathlib
import re
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parents[1]
METRIC = re.compile(r"\b(?:ballast|container|machine|vm|libvirt)_[a-z0-9_]+\b|\bballast:[a-z0-9_:]+|\bup\b")
# What Grafana fills in; every variable of ours is used with =~.
VARIABLES = [(r"\$__rate_interval|\$\{__rate_interval\}|\$__interval", "30s"), (r"\$__range", "1m"), (r"\$\{?\w+(?::\w+)?\}?", ".*")]


class Prometheus:
    def __init__(self, port):
        self.address = f"http://127.0.0.1:{port}"

    def api(self, path, **parameters):
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        try:
            with urllib.request.urlopen(f"{self.address}/api/v1/{path}{query}", timeout=20) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def query(self, expression):
        """The result's series; an error is the expression's."""
        result = self.api("query", query=expression)
        return result["result"] if result["resultType"] != "scalar" else [result["result"]]

    def exemplars(self, expression):
        """Of the last ten minutes, by series."""
        now = time.time()
        return self.api("query_exemplars", query=expression, start=now - 600, end=now + 60)

    def targets(self):
        return self.api("targets")["activeTargets"]


def listed():
    """(where it is from, expression) of every query in queries/."""
    for path in sorted((HERE / "queries").glob("*.promql")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line and not line.startswith("#"):
                yield f"{path.name}:{number}", line


def of_dashboards():
    """The same of the committed Grafana dashboards, variables filled in."""
    for path in sorted((REPO / "dashboards/grafana/generated").glob("*.json")):
        for where, expression in expressions(json.loads(path.read_text()), path.stem):
            for pattern, value in VARIABLES:
                expression = re.sub(pattern, value, expression)
            yield where, expression


def expressions(node, where):
    if isinstance(node, dict):
        where = f"{where}/{node['title']}" if isinstance(node.get("title"), str) else where
        for key in ("expr", "query"):
            text = node.get(key)
            if isinstance(text, str) and METRIC.search(text):
                # A variable's own query: label_values(metric, label).
                inner = re.fullmatch(r"label_values\((.*), *\w+\)", text)
                yield where, inner.group(1) if inner else text
        for value in node.values():
            yield from expressions(value, where)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value, where)


def metrics_of(expression):
    return set(METRIC.findall(expression))


def build(*parts):
    return pathlib.Path(os.environ["BALLAST_BUILD"], *parts)
