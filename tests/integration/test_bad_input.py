"""Wrong starts: one line that says what is wrong and what to do, status 2, nothing half-applied."""
import os
import pathlib
import socket
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["BALLAST_BUILD"])
COLLECTOR = BUILD / "collector/ballast-collector"
AUTOSCALER = BUILD / "autoscaler/ballast-autoscaler"
BALLAST = BUILD / "dashboards/cli/ballast"


def run(*command, stdin="", **options):
    return subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True, timeout=20, **options)


class BadInputTest(unittest.TestCase):
    def test_every_wrong_start_is_one_line_and_status_2(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="ballast-test-"))
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", folder]))
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        self.addCleanup(taken.close)

        def config(name, text):
            (folder / name).write_text(text)
            return folder / name

        own_socket = ["--records-socket", folder / "records.sock"]
        cases = [  # name, what must be said, command
            ("unknown key", "prefixs", [COLLECTOR, "--config", config("a.toml", '[workloads]\nprefixs = ["/x"]\n')]),
            ("wrong type", "tick.interval_ms", [COLLECTOR, "--config", config("b.toml", '[tick]\ninterval_ms = "fast"\n')]),
            ("out of range", "10000", [COLLECTOR, "--config", config("c.toml", "[tick]\ninterval_ms = 1\n")]),
            ("no such file", "absent.toml", [COLLECTOR, "--config", folder / "absent.toml"]),
            ("port in use", "in use", [COLLECTOR, *own_socket, "--http-listen", f"127.0.0.1:{taken.getsockname()[1]}"]),
            ("autoscaler: unknown key", "mod", [AUTOSCALER, "--config", config("d.toml", 'mod = "auto"\n')]),
            ("autoscaler: unknown mode", "recommend", [AUTOSCALER, "--mode", "automatic"]),
            ("solve: no such file", "absent.json", [BALLAST, "solve", "allocation", folder / "absent.json"]),
            ("solve: malformed", "line", [BALLAST, "solve", "allocation", config("e.json", '{"host":{"cpu":2,')]),
            ("solve: negative", "/containers/0/cpu", [BALLAST, "solve", "allocation", config(
                "f.json", '{"host":{"cpu":2,"memory":1},"containers":[{"name":"a","cpu":-1,"memory":1}]}')]),
            ("solve: unknown coupling", "/coupling", [BALLAST, "solve", "allocation", config(
                "h.json", '{"coupling":"tight","host":{"cpu":2,"memory":1},"containers":[]}')]),
            ("explain: not a number", "last", [BALLAST, "explain", "first", "--recording", folder / "g.blr"]),
            ("explain: no such recording", "absent.blr", [BALLAST, "explain", "7", "--recording", folder / "absent.blr"]),
            ("explain: not a recording", "flight recorder", [BALLAST, "explain", "7", "--recording", config("i.blr", "nothing")]),
            ("replay: not a recording", "flight recorder", [BALLAST, "replay", config("g.blr", "nothing of the kind")]),
        ]
        if os.geteuid() == 0:
            nobody = {"user": 65534, "group": 65534, "extra_groups": []}
            cases.append(("not root", "root", [COLLECTOR, *own_socket, "--http-listen", "127.0.0.1:0"]))
        for name, said, command in cases:
            with self.subTest(name):
                done = run(*command, **(nobody if name == "not root" else {}))
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertEqual(done.stdout, "")


GOOD = """
mode = "auto"
auto_prefixes = ["/agents"]
[policy]
coupling = "dominant_share"
[guard]
change_price_cpu = 0
change_price_memory = "4MiB"
[[workload]]
prefix = "/agents/quiet"
mode = "observe"
"""


class CheckConfigTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ballast-test-"))
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", self.folder]))

    def check(self, text):
        file = self.folder / "autoscaler.toml"
        file.write_text(text)
        return run(AUTOSCALER, "--config", file, "--check-config")

    def test_every_wrong_value_of_the_autoscaler_is_one_sentence(self):
        cases = [  # what must be said, all of it; the file
            (["mod", "did you mean mode"], 'mod = "auto"'),
            (["policy.cupling", "policy.coupling"], '[policy]\ncupling = "none"'),
            (["policy.coupling", "dominant_share"], '[policy]\ncoupling = "tight"'),
            (["guard.change_price_cpu"], "[guard]\nchange_price_cpu = -1"),
            (["guard.change_price_memory"], '[guard]\nchange_price_memory = "a lot"'),
            (["guard.change_price_cup", "guard.change_price_cpu"], "[guard]\nchange_price_cup = 1"),
            (["guard.shrink_step"], "[guard]\nshrink_step = 1.5"),
            (["guard.changes_per_minute"], "[guard]\nchanges_per_minute = 0"),
            (["guard.shrink_hold_ms"], '[guard]\nshrink_hold_ms = "long"'),
            (["workload", "mode", "recommend"], '[[workload]]\nprefix = "/a"\nmode = "automatic"'),
            (["wieght", "weight"], '[[workload]]\nprefix = "/a"\nwieght = 2'),
            (["weight"], '[[workload]]\nprefix = "/a"\nweight = 0'),
            (["must name a cgroup below the root"], '[[workload]]\nprefix = "/"'),
            (["must name a cgroup below the root"], '[[workload]]\nmode = "auto"'),
            (["max_cpu is below min_cpu"], '[[workload]]\nprefix = "/a"\nmin_cpu_millicores = 500\nmax_cpu_millicores = 100'),
            (["max_memory is below min_memory"], '[defaults]\nmin_memory = "2GiB"\nmax_memory = "1GiB"'),
            (["at least one prefix"], 'mode = "auto"'),
            (["must name a cgroup below the root"], 'auto_prefixes = ["/"]'),
            (["is below no auto prefix"], 'mode = "auto"\nauto_prefixes = ["/a/b"]\n[policy]\nshared_pool = "/a"'),
            (["policy.cpu_reserve"], "[policy]\ncpu_reserve = 1.0"),
            (["lease.timeout_ms"], "[lease]\ntimeout_ms = 1"),
            ([":2:", "table header"], 'mode = "auto"\n[guard'),
        ]
        for said, text in cases:
            with self.subTest(text):
                done = self.check(text + "\n")
                self.assertEqual(done.returncode, 2, done.stderr + done.stdout)
                for words in said:
                    self.assertIn(words, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_a_good_file_is_status_0_and_starts_nothing(self):
        done = self.check(f'state_dir = "{self.folder}/state"\n' + GOOD)

        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertFalse((self.folder / "state").exists(), "a check that makes folders is no check")


if __name__ == "__main__":
    unittest.main()
