"""What the collector costs in a guest with pure cgroup2, as a ratio to merely reading the same groups' files there.

Budget it defends: 2 % of one core with 1,000 containers at 10 Hz. Guests run under QEMU's TCG, where a per cent means nothing; but
both are the same emulated kernel and processor, so their ratio carries over: times what the file reader takes for as many
files on this host, it is what the collector would take here. Kernels are those of tests/vm (./dev setup fetches them).

The guest's clock goes on while this host runs somebody else, so reader and collector are measured in turns and the medians
compared. BALLAST_BENCH_GROUPS=n for another number of groups.
"""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import collector_cost
import guest
from stack import Stack

KERNELS = ("6.1", "6.12")
GROUPS = int(os.environ.get("BALLAST_BENCH_GROUPS", "1000"))
TURNS, SECONDS, TIMEOUT_SECONDS = 3, 10, 420

SCRIPT = """
exec 3>/dev/ttyS1
top=/sys/fs/cgroup
for c in cpu memory io pids; do echo +$c >$top/cgroup.subtree_control; done
mkdir $top/ballast-bench
for c in cpu memory io pids; do echo +$c >$top/ballast-bench/cgroup.subtree_control; done
ulimit -n 200000
i=0; while [ $i -lt $GROUPS ]; do
  mkdir $top/ballast-bench/w$i; sleep 100000 & echo $! >$top/ballast-bench/w$i/cgroup.procs; i=$((i+1))
done
$BUILD/collector/ballast-collector --workloads-prefixes /ballast-bench --records-socket /run/records.sock &
collector=$!
i=0; while [ $i -lt 300 ] && ! wget -q -O /dev/null http://127.0.0.1:9435/healthz 2>/dev/null; do sleep 0.2; i=$((i+1)); done
sleep 15
cpu() { cat /proc/$collector/task/*/schedstat | awk '{s+=$1} END {printf "%.0f", s/1000}'; }
now() { awk '{printf "%.0f", $1*1000000}' /proc/uptime; }
late() { wget -q -O - http://127.0.0.1:9435/metrics | grep '^ballast_collector_ticks_late_total' | sed 's/.* //'; }
before=$(late)
turn=0; while [ $turn -lt $TURNS ]; do
  kill -STOP $collector
  echo "reader $($BUILD/tests/bench/file_reader /ballast-bench 2)" >&3
  kill -CONT $collector
  sleep 3
  c=$(cpu); t=$(now); sleep $SECONDS; echo "collector us $(( $(cpu) - c )) of $(( $(now) - t ))" >&3
  turn=$((turn+1))
done
grep VmRSS /proc/$collector/status >&3
echo "late $before $(late)" >&3
echo done >&3
"""


def run_guest(series, build, folder):
    kernel = guest.find_kernel(series)
    if kernel is None:
        raise SystemExit(f"guest_cost: no kernel {series} in the cache; run: ./dev setup")
    image = guest.Image(folder / f"{series}.initramfs")
    for program in ("collector/ballast-collector", "tests/bench/file_reader"):
        image.add_program(build / program)
    image.write(f"BUILD={build} GROUPS={GROUPS} TURNS={TURNS} SECONDS={SECONDS}\n{SCRIPT}")
    answers = folder / f"{series}.answers"
    with open(folder / f"{series}.console", "wb") as console:
        subprocess.run(guest.command(kernel, image.path, memory_mb=1536, extra=["-serial", f"file:{answers}"]),
                       stdin=subprocess.DEVNULL, stdout=console, stderr=console, timeout=TIMEOUT_SECONDS, check=False)
    said = answers.read_text(errors="replace").replace("\r", "").splitlines()
    if "done" not in said:
        print((folder / f"{series}.console").read_text(errors="replace")[-3000:], file=sys.stderr)
        raise SystemExit(f"guest_cost: the {series} guest was not done; it said: {said[-3:]}")
    return [line.split() for line in said]


def reader_on_this_host(build):
    """CPU seconds for each file read here, with the same program and as many groups."""
    with Stack(build, prefix=collector_cost.PREFIX):
        tasks = [collector_cost.make_workload(number) for number in range(GROUPS)]
        try:
            files, seconds = collector_cost.read_files(build)
            return seconds / files
        finally:
            for task in tasks:
                task.kill()
                task.wait()


def main():
    build = pathlib.Path(os.environ["BALLAST_BUILD"])
    per_file = reader_on_this_host(build)
    print(f"on this host a file takes the reader {1e6 * per_file:.2f} us", flush=True)
    for series in KERNELS:
        with tempfile.TemporaryDirectory() as folder:
            said = run_guest(series, build, pathlib.Path(folder))
        rounds = [line for line in said if line[0] == "reader"]
        files, reader = int(rounds[0][4]), statistics.median(int(line[6]) for line in rounds) * 10 / 1e6
        collector = statistics.median(int(line[2]) / int(line[4]) for line in said if line[0] == "collector")
        late = next(line for line in said if line[0] == "late")
        resident = next(int(line[1]) for line in said if line[0] == "VmRSS:") * 1024 / 1e6
        ratio = collector / reader
        print(f"{series}: {GROUPS} groups, emulated: collector {100 * collector:.0f} %, reading {files} files ten times a second "
              f"{100 * reader:.0f} %: ratio {ratio:.4f}; on this host's reader ({1000 * files * per_file:.0f} ms a round) that is "
              f"{100 * ratio * files * per_file * 10:.2f} % of one core (budget 2 %); {resident:.1f} MB resident; "
              f"late ticks {int(late[2]) - int(late[1])} of about {TURNS * (SECONDS + 13) * 10}", flush=True)


if __name__ == "__main__":
    main()
