#!/usr/bin/env python3
"""Fails where rules, runbooks or dashboards name a metric that nobody exports, or an alert lacks its runbook or its test.

usage: check_metrics.py ROOT
METRICS.md is what is exported; a test holds it against the programs' catalogues.
"""
import pathlib
import re
import sys

METRIC = re.compile(r"\b(?:ballast|container|machine|vm|libvirt)_[a-z0-9_]*[a-z0-9]\b(?!:)|\bballast:[a-z0-9_:]+")
# Labels and job names that look like metrics.
NO_METRICS = {"container_label"}
SECTIONS = ("## What it means", "## Where to look", "## What to do")
READERS = ("deploy/prometheus", "deploy/runbooks", "dashboards/grafana/src", "dashboards/grafana/generated", "tests/integration/queries")


def exported(root):
    """Names of METRICS.md, with the series that a histogram has."""
    names = set()
    for name, kind in re.findall(r"^\| `([a-z0-9_]+)` \| (\w+) ", (root / "METRICS.md").read_text(), re.M):
        names.add(name)
        if kind == "histogram":
            names |= {name + suffix for suffix in ("_bucket", "_sum", "_count")}
    return names


def recorded(root):
    text = "".join(path.read_text() for path in sorted((root / "deploy/prometheus/rules").glob("*.yml")))
    return set(re.findall(r"- record: (\S+)", text)), re.findall(r"- alert: (\S+)", text)


def check(root):
    records, alerts = recorded(root)
    known = exported(root) | records | NO_METRICS
    for folder in READERS:
        for path in sorted((root / folder).rglob("*")):
            if not path.is_file() or "node_modules" in path.parts:
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                for name in METRIC.findall(line):
                    if name not in known:
                        yield f"{path.relative_to(root)}:{number}: nobody exports {name}"
    tested = (root / "tests/unit/rules/alerts.yml").read_text()
    for alert in alerts:
        page = root / f"deploy/runbooks/{alert}.md"
        text = page.read_text() if page.exists() else ""
        for section in SECTIONS:
            if not re.search(re.escape(section) + r"\n\n\S", text):
                yield f"deploy/runbooks/{alert}.md: lacks '{section}' with something below it"
        if not re.search(rf"alertname: {alert}\b", tested):
            yield f"tests/unit/rules/alerts.yml: no case for {alert}"
        if f"/runbooks/{alert}.md" not in (root / "deploy/prometheus/rules/alerts.yml").read_text():
            yield f"deploy/prometheus/rules/alerts.yml: {alert} does not name its runbook"
    for page in sorted((root / "deploy/runbooks").glob("*.md")):
        if page.stem != "README" and page.stem not in alerts:
            yield f"{page.relative_to(root)}: no alert of that name"


if __name__ == "__main__":
    problems = list(check(pathlib.Path(sys.argv[1])))
    print("\n".join(problems) or "metrics: every name is exported, every alert has its runbook and test")
    sys.exit(1 if problems else 0)
