#!/usr/bin/env python3
"""What is chosen on one half of the traces is judged on the other: `ballast simulate` of every policy, both ways.

usage: BALLAST_TRACES=FOLDER ./dev bench simulate_halves
Every second trace of the folder is half A, the rest half B. Without a folder: two sets of synthetic traces.
"""
import os
import pathlib
import subprocess
import sys
import tempfile


def split(folder, into):
    names = sorted(p for p in folder.glob("*.csv") if not p.name.endswith(".tools.csv"))
    halves = [into / "A", into / "B"]
    for half in halves:
        half.mkdir()
    for number, path in enumerate(names):
        for one in (path, path.with_name(path.name[:-4] + ".tools.csv")):
            if one.exists():
                (halves[number % 2] / one.name).symlink_to(one.resolve())
    return halves


def run(judged, known):
    ballast = pathlib.Path(os.environ["BALLAST_BUILD"]) / "dashboards/cli/ballast"
    print(f"known: {pathlib.Path(known).name}; judged: {pathlib.Path(judged).name}", flush=True)
    subprocess.run([ballast, "simulate", "--traces", judged, "--history", known, "--policy", "all", "--format", "text"],
                   check=True)


def main():
    if "BALLAST_BUILD" not in os.environ:
        sys.exit(__doc__)
    folder = os.environ.get("BALLAST_TRACES")
    if not folder:
        run("synthetic", "synthetic")
        run("synthetic:2", "synthetic")
        return
    with tempfile.TemporaryDirectory() as scratch:
        a, b = split(pathlib.Path(folder), pathlib.Path(scratch))
        run(b, a)
        run(a, b)


if __name__ == "__main__":
    main()
