#!/usr/bin/env python3
"""Kinds of agents that no default was chosen by: ballast, its limits alone and the pooled oracle on each.

usage: ./dev bench simulate_families [FAMILY...]
Without names: all of `ballast simulate --traces synthetic:FAMILY`. One seed, half an hour each.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

POLICIES = ("oracle-pool", "ballast-limits", "ballast")


def names(ballast):
    said = subprocess.run([ballast, "simulate", "--traces", "synthetic:?"], capture_output=True, text=True).stderr
    return re.search(r"one of (.*)", said).group(1).split(", ")


def main():
    if "BALLAST_BUILD" not in os.environ:
        sys.exit(__doc__)
    ballast = pathlib.Path(os.environ["BALLAST_BUILD"]) / "dashboards/cli/ballast"
    print(f"{'family':<12}" + "".join(f"{name + ': slack %, violated %, throttled s':>54}" for name in POLICIES))
    for family in sys.argv[1:] or names(ballast):
        line = f"{family:<12}"
        for policy in POLICIES:
            said = subprocess.run([ballast, "simulate", "--traces", f"synthetic:{family}", "--policy", policy,
                                   "--seeds", "1", "--hours", "0.5"], capture_output=True, text=True, check=True)
            one = json.loads(said.stdout)
            line += f"{100 * one['slack']:>36.1f} {100 * one['tasks_violated_share']:>8.2f} {one['throttled_seconds']:>8.0f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
