#!/usr/bin/env python3
"""Prints what is larger than good code of the field (STYLE: sizes). A mirror, not a gate: always exits 0.

usage: check_sizes.py ROOT
"""
import pathlib
import re
import subprocess
import sys

LIMITS = [  # pattern of the path, lines to look twice above
    (re.compile(r"\.bpf\.c$"), 250),
    (re.compile(r"_test\.cpp$"), 500),
    (re.compile(r"\.cpp$"), 500),
    (re.compile(r"\.h$"), 250),
    (re.compile(r"CMakeLists\.txt$"), 150),
    (re.compile(r"\.(py|ts)$"), 500),
]
FUNCTION_LINES = 60
FUNCTION_START = re.compile(r"^[\w:<>&*~,\s\[\]]+\([^;]*\)[^;]*\{\s*$")


def long_functions(lines):
    """(first line, length) of functions at column 0 that end with a brace at column 0; tables are excepted."""
    start = None
    for number, line in enumerate(lines, 1):
        if start is None and FUNCTION_START.match(line) and not line.startswith(("namespace", "class", "struct", "enum")):
            start = number
        elif start is not None and line.startswith("}"):
            if number - start > FUNCTION_LINES and not any("// table" in text for text in lines[start - 2:start + 2]):
                yield start, number - start
            start = None


def main(root):
    files = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.split()
    for name in files:
        limit = next((limit for pattern, limit in LIMITS if pattern.search(name)), None)
        if limit is None:
            continue
        lines = (root / name).read_text(errors="replace").splitlines()
        if len(lines) > limit:
            print(f"{name}: {len(lines)} lines (look twice above {limit})")
        for start, length in long_functions(lines):
            print(f"{name}:{start}: a function of {length} lines (look twice above {FUNCTION_LINES})")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
