#!/usr/bin/env python3
"""Compiles dashboards/grafana against Grafana's SDK and fails where the committed JSON is not what it makes.

usage: check_dashboards.py ROOT
"""
import pathlib
import subprocess
import sys

folder = pathlib.Path(sys.argv[1]) / "dashboards/grafana"
if not (folder / "node_modules/.bin/tsc").exists():
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)
sys.exit(subprocess.run(["npm", "run", "--silent", "check"], cwd=folder).returncode)
