"""The web page in Debian's Chromium: starts what it looks at, runs a scenario of this folder, does what it asks for."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from harness import StackTest

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 110


def run_scenario(name, url, actions):
    """Fails with the scenario's own words; `actions` are what it may ask for."""
    for needed, how in ((shutil.which("node") or shutil.which("nodejs"), "Node.js"), ("/usr/bin/chromium", "chromium"),
                        (HERE / "node_modules/playwright-core", "playwright-core")):
        if not needed or not os.path.exists(needed):
            raise AssertionError(f"browser tests need {how}; run: ./dev setup")
    folder = pathlib.Path(os.environ["BALLAST_BUILD"]) / "browser"
    node = shutil.which("node") or shutil.which("nodejs")
    process = subprocess.Popen([node, HERE / f"{name}.mjs", url, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, cwd=HERE)
    said = []
    try:
        for line in process.stdout:
            if line.startswith('{"ask"'):
                actions[json.loads(line)["ask"]]()
                process.stdin.write("done\n")
                process.stdin.flush()
            else:
                said.append(line)
        status = process.wait(SECONDS)
    finally:
        process.kill()
        process.communicate()
    print("".join(said), end="", file=sys.stderr)
    if status != 0:
        raise AssertionError(f"{name}.mjs ended with status {status}:\n{''.join(said)}")


class LivePageTest(StackTest):
    prefix = "/ballast-browser"

    def test_page_tells_what_happens(self):
        self.stack.start_collector(self.recording)
        self.stack.start_autoscaler("auto")
        busy = self.start_container("sleep 600", 1)
        doomed = self.start_container("sleep 600", 2)

        run_scenario("live", f"http://127.0.0.1:{self.stack.http_port}/", {
            # 12 s of CPU time at half a core at first: longer than anybody is patient.
            "burst": lambda: busy._runc("exec", "--detach", busy.id, "/bin/pytest", "2", "12000", check=True),
            # Four threads each, on whatever CPUs there are: somebody waits for somebody.
            "contend": lambda: [one._runc("exec", "--detach", one.id, "/bin/pytest", "4", "16000", check=True) for one in (busy, doomed)],
            "remove": doomed.remove,
        })


class ThousandWorkloadsTest(unittest.TestCase):
    def test_page_stays_responsive_and_shows_every_signal(self):
        folder = tempfile.mkdtemp(prefix="ballast-browser-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        collector = subprocess.Popen([f"{os.environ['BALLAST_BUILD']}/tests/browser/synthetic_collector", folder, "1000", "60"],
                                     stdout=subprocess.PIPE, text=True)

        def end():
            collector.terminate()
            collector.communicate()

        self.addCleanup(end)
        url = collector.stdout.readline().strip()
        self.assertTrue(url.startswith("http://127.0.0.1:"), "the synthetic collector serves")

        run_scenario("thousand", url, {})


if __name__ == "__main__":
    unittest.main()
