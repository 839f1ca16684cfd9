#!/usr/bin/env bash
# ./dev bench [NAME...]: every benchmark, or those named. Figures are ratios of one run; none is asserted.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build/release

# NAME: a program NAME_bench, or a script NAME.py beside this one (those without a main are its parts).
names() {
  for program in "$build"/tests/bench/*_bench; do basename "$program" _bench; done
  for script in $(grep -l '^def main' "$root"/tests/bench/*.py); do basename "$script" .py; done
}

[ $# -gt 0 ] || set -- $(names)
for name in "$@"; do
  printf '\033[1m==> bench %s\033[0m\n' "$name"
  if [ -x "$build/tests/bench/${name}_bench" ]; then
    "$build/tests/bench/${name}_bench"
  elif [ -f "$root/tests/bench/$name.py" ]; then
    BALLAST_BUILD=$build PYTHONPATH=$root/deploy/demo python3 -B "$root/tests/bench/$name.py"
  else
    echo "bench: no benchmark '$name'; there are: $(names | xargs)" >&2
    exit 2
  fi
done
