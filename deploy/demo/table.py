"""The live table in the terminal, from the collector's API."""
import json
import sys
import time
import urllib.error
import urllib.request

PLAIN_EVERY_SECONDS = 5  # where the output is no terminal


def cores(value):
    return "-" if value is None else "max" if value == "max" else f"{value:.2f}"


def mib(value):
    return "-" if value is None else "max" if value == "max" else f"{value / (1 << 20):.0f}"


def wait(ns):
    return "-" if ns is None else f"{ns / 1e6:.2f}"


def lines(workloads):
    head = f"{'agent':<10}{'cpu':>6}{'limit':>7}{'thr %':>7}{'wait p99 ms':>13}{'MiB':>7}{'limit':>7}{'ooms':>6}  last decision"
    yield head
    for row in sorted(workloads, key=lambda row: row["name"]):
        decision = row.get("decision") or {}
        why = " ".join(str(decision[key]) for key in ("outcome", "reason") if decision.get(key))
        throttled = row.get("throttled_share")
        yield (f"{row['name'][:9]:<10}{cores(row.get('cpu_cores')):>6}{cores(row.get('cpu_limit_cores')):>7}"
               f"{'-' if throttled is None else f'{100 * throttled:.0f}':>7}{wait(row.get('run_queue_wait_p99_ns')):>13}"
               f"{mib(row.get('memory_bytes')):>7}{mib(row.get('memory_limit_bytes')):>7}{row.get('oom_kills', '-'):>6}  {why[:60]}")


class View:
    """Redraws in place on a terminal; else prints now and then."""

    def __init__(self, stack):
        self.stack = stack
        self.is_terminal = sys.stdout.isatty()
        self.drawn = 0
        self.next_print = 0.0

    def rows(self):
        url = f"http://127.0.0.1:{self.stack.http_port}/api/v1/workloads?view=table"
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                workloads = json.load(answer)["workloads"]
        except (urllib.error.URLError, TimeoutError, ValueError, KeyError):
            return None
        return [row for row in workloads if (row.get("path") or "").startswith((self.stack.prefix + "/", self.stack.prefix + "-vms/"))]

    def show(self, mode, left):
        if not self.is_terminal and time.monotonic() < self.next_print:
            return
        self.next_print = time.monotonic() + PLAIN_EVERY_SECONDS
        rows = self.rows()
        text = ["the collector does not answer"] if rows is None else list(lines(rows))
        title = f"{mode}: " + ("until Ctrl-C" if left is None else f"{left:.0f} s left")
        self.draw([title, *text])

    def draw(self, text):
        if self.is_terminal and self.drawn:
            sys.stdout.write(f"\x1b[{self.drawn}F\x1b[J")
        sys.stdout.write("\n".join(text) + "\n")
        sys.stdout.flush()
        self.drawn = len(text)

    def end(self):
        self.drawn = 0
