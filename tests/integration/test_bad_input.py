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


if __name__ == "__main__":
    unittest.main()
