#!/usr/bin/env python3
"""The kernel suite on other kernels: pure cgroup2 guests under QEMU's TCG, and what is measured from where on each.

    tests/vm/matrix.py --build build/release [--kernels 6.1,6.12] [--update]

Each guest runs every kernel test, then the collector beside a container that is throttled, killed for memory and does
I/O. Printed is a table of signals and kernels: bpf, file or absent as the collector says, yes or absent for what it
exports and reports. It is held against expected_signals.txt: what is worse there, or missing, fails, and so does a signal
that the collector lists and the table does not. --update writes the table.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "deploy/demo"))
import guest  # noqa: E402

EXPECTED = HERE / "expected_signals.txt"
TIMEOUT_SECONDS = 280  # alone 45; a loaded machine has taken 80
ORDER = ("bpf", "yes", "file", "absent")  # better first
CONTAINER = 'id="/ballast-vm/load"'
MACHINE = 'id="/ballast-vm/vm"'  # its vm_* families alone


def left_out():
    lines = [line.split("#")[0].split() for line in (HERE / "left_out.txt").read_text().splitlines()]
    return ":".join(words[0] for words in lines if words)


def capabilities():
    """The unit's, as setpriv wants them."""
    unit = (HERE.parents[1] / "deploy/systemd/ballast-collector.service").read_text()
    granted = re.search(r"^CapabilityBoundingSet=(.*)$", unit, re.M).group(1).split()
    return ",".join(["-all", *("+" + name.removeprefix("CAP_").lower() for name in granted)])


def suites(build):
    """The host's kernel tests, and those that need a KVM that works."""
    found = [*(build / "tests/kernel").glob("kernel_*_test"), build / "tests/vm/guest_kvm_test"]
    return sorted(path for path in found if os.access(path, os.X_OK))


class Outcome:
    """What one guest said on its second serial port."""

    def __init__(self, text):
        self.passed, self.failed, self.repeated, self.blocks, self.done = 0, [], [], {}, False
        block = None
        for line in text.replace("\r", "").splitlines():
            word, _, rest = line.partition(" ")
            if block is not None and line == f"end {block}":
                block = None
            elif block is not None:
                self.blocks[block].append(line)
            elif word == "begin":
                block = rest
                self.blocks[block] = []
            elif word == "passed":
                self.passed += int(rest.split()[0]) if rest[:1].isdigit() else 0
            elif word == "failed":
                self.failed.append(rest)
            elif word == "repeated":
                self.repeated.append(rest)
            elif word == "done":
                self.done = True

    def signals(self):
        """Signal -> bpf, file, absent or yes. Families are those of the container and the host."""
        found = {}
        for source in json.loads("\n".join(self.blocks["status"]))["sources"]:
            found[source["what"]] = source["via"]
        for line in self.blocks["metrics"]:
            name = re.match(r"[a-z0-9_]+", line).group()
            is_own = name.startswith(("ballast_collector_", "ballast_bpf_", "ballast_records_", "ballast_build", "ballast_http_",
                                      "ballast_source_", "ballast_publish_", "ballast_workloads_left", "ballast_recorder_",
                                      "ballast_scrape_", "ballast_stream_"))
            labels = line[len(name):].startswith("{")
            is_machine = MACHINE in line and name.startswith("vm_")
            if not is_own and (CONTAINER in line or is_machine or (not labels and "id=" not in line)):
                found["metric " + re.sub(r"_(bucket|sum|count)$", "", name)] = "yes"
        for event in json.loads("\n".join(self.blocks["events"]))["events"]:
            # A source that failed and the autoscaler's events are no signals.
            if event["kind"] not in ("source", "autoscaler"):
                found["event " + event["kind"]] = "yes"
        return found


def run_guest(series, build, folder):
    kernel = guest.find_kernel(series)
    if kernel is None:
        raise SystemExit(f"vm: no kernel {series} in the cache; run: ./dev setup")
    image = guest.Image(folder / f"{series}.initramfs")
    programs = suites(build)
    for program in [*programs, build / "collector/ballast-collector"]:
        image.add_program(program)
    image.add_program(build / "tests/vm/tiny_vm")
    image.add_program(shutil.which("setpriv"), "/sbin/setpriv")
    image.add_modules(kernel)
    settings = f"SUITES='{' '.join(map(str, programs))}' FILTER='{left_out()}' BUILD='{build}' CAPABILITIES='{capabilities()}'\n"
    image.write(settings + (HERE / "guest_suite.sh").read_text())
    answers, console = folder / f"{series}.answers", folder / f"{series}.console"
    with open(console, "wb") as out:
        try:
            subprocess.run(guest.command(kernel, image.path, extra=["-serial", f"file:{answers}"]), stdin=subprocess.DEVNULL,
                           stdout=out, stderr=out, timeout=TIMEOUT_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            print(f"vm: the {series} guest was not done after {TIMEOUT_SECONDS} s", file=sys.stderr)
    outcome = Outcome(answers.read_text(errors="replace") if answers.exists() else "")
    if outcome.failed or not outcome.done:
        print(f"--- console of {series}\n{console.read_text(errors='replace')[-12000:]}", file=sys.stderr)
    return outcome


def read_table(path):
    """{kernel: {signal: via}} from a table as `format_table` writes it."""
    rows = [line for line in path.read_text().splitlines() if line and not line.startswith("#")] if path.exists() else []
    if not rows:
        return {}
    kernels = rows[0].split()[1:]
    table = {kernel: {} for kernel in kernels}
    for row in rows[1:]:
        words = row.split()
        for kernel, via in zip(kernels, words[-len(kernels):]):
            table[kernel][" ".join(words[:-len(kernels)])] = via
    return table


def format_table(table):
    kernels = sorted(table, key=lambda series: [int(part) for part in series.split(".")])
    signals = []  # the collector's own order first, then by name
    for kernel in kernels:
        signals += [signal for signal in table[kernel] if signal not in signals and not signal.startswith(("metric ", "event "))]
    signals += sorted({s for k in kernels for s in table[k] if s.startswith(("metric ", "event "))})
    width = max(len(signal) for signal in signals) + 2
    lines = ["signal".ljust(width) + "".join(kernel.ljust(8) for kernel in kernels).rstrip()]
    lines += [signal.ljust(width) + "".join(table[k].get(signal, "absent").ljust(8) for k in kernels).rstrip() for signal in signals]
    return "\n".join(lines) + "\n"


def compare(kernel, expected, seen):
    """(what is wrong, what is only new), as lines."""
    wrong, new = [], []
    for signal in sorted(expected.keys() | seen.keys()):
        was, now = expected.get(signal), seen.get(signal, "absent")
        if was is None and not signal.startswith(("metric ", "event ")):
            wrong.append(f"{kernel}: the collector lists '{signal}' ({now}) and the table does not; add it with matrix.py --update")
        elif was is None or ORDER.index(now) < ORDER.index(was):
            new.append(f"{kernel}: {signal} is {now}, expected {was or 'nothing'}; matrix.py --update takes it over")
        elif ORDER.index(now) > ORDER.index(was):
            wrong.append(f"{kernel}: {signal} is {now}, expected {was}")
    return wrong, new


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--kernels", default="6.1", help="series, separated by commas; `all`: every one in the cache")
    parser.add_argument("--update", action="store_true", help="write expected_signals.txt instead of holding against it")
    options = parser.parse_args()
    if missing := guest.missing_tools():
        raise SystemExit(f"vm: not found: {', '.join(missing)}; run: ./dev setup")
    expected = read_table(EXPECTED)
    kernels = [k for k in expected if guest.find_kernel(k)] if options.kernels == "all" else options.kernels.split(",")
    seen, wrong, new = {}, [], []
    with tempfile.TemporaryDirectory(prefix="ballast-vm-") as folder:
        for kernel in kernels:
            begin = time.monotonic()
            outcome = run_guest(kernel, options.build.resolve(), pathlib.Path(folder))
            print(f"{kernel}: {outcome.passed} kernel tests passed, {len(outcome.failed)} failed, "
                  f"{len(outcome.repeated)} passed when repeated, {time.monotonic() - begin:.0f} s", flush=True)
            wrong += [f"{kernel}: failed: {name}" for name in outcome.failed]
            for name in outcome.repeated:
                print(f"  repeated: {name}")
            if not outcome.done:
                wrong.append(f"{kernel}: the guest ended before it was done")
                continue
            if outcome.passed == 0:
                wrong.append(f"{kernel}: no kernel test passed")
            seen[kernel] = outcome.signals()
            if not options.update:
                found = compare(kernel, expected.get(kernel, {}), seen[kernel])
                wrong += found[0]
                new += found[1]
    if seen:
        print(format_table(seen))
    if options.update and not wrong:
        EXPECTED.write_text("# Written by matrix.py --update; what each kernel's guest must measure at least.\n"
                            + format_table({**expected, **seen}))
    print("\n".join([f"note {line}" for line in new] + [f"FAIL {line}" for line in wrong] or ["every signal is where it is expected"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
