"""The comparison of signals by itself, without a guest."""
import pathlib
import tempfile
import unittest

import matrix


class CompareTest(unittest.TestCase):
    def test_a_signal_that_goes_missing_or_gets_worse_is_wrong(self):
        cases = [  # name, expected, seen, words of the complaint
            ("signal left out of the list", {"cpu usage": "bpf"}, {}, "cpu usage is absent"),
            ("metric gone", {"metric a_total": "yes"}, {}, "metric a_total is absent"),
            ("from files now", {"cpu usage": "bpf"}, {"cpu usage": "file"}, "is file, expected bpf"),
            ("listed by nobody", {}, {"blame": "bpf"}, "the table does not"),
        ]
        for name, expected, seen, said in cases:
            with self.subTest(name):
                wrong, new = matrix.compare("6.1", expected, seen)
                self.assertEqual((len(wrong), new), (1, []))
                self.assertIn(said, wrong[0])

    def test_what_is_as_expected_or_better_is_not(self):
        wrong, new = matrix.compare("6.1", {"cpu usage": "file", "x": "absent"}, {"cpu usage": "bpf", "x": "absent", "metric b": "yes"})

        self.assertEqual(wrong, [])
        self.assertEqual(len(new), 2)


class OutcomeTest(unittest.TestCase):
    def test_answers_of_a_guest_are_read(self):
        outcome = matrix.Outcome("\r\n".join([
            "passed 12 /x/kernel_a_test", "repeated A.B", "failed C.D",
            "begin status", '{"sources":[{"what":"cpu usage","via":"bpf","why":""}]}', "end status",
            "begin metrics", 'container_x{id="/ballast-vm/load"} 1', 'container_y{id="/other"} 1', "machine_z 2",
            "ballast_collector_records_total 3", "end metrics",
            "begin events", '{"events":[{"kind":"oom_kill"},{"kind":"source"}]}', "end events", "done"]))

        self.assertEqual((outcome.passed, outcome.failed, outcome.repeated, outcome.done), (12, ["C.D"], ["A.B"], True))
        self.assertEqual(outcome.signals(), {"cpu usage": "bpf", "metric container_x": "yes", "metric machine_z": "yes",
                                             "event oom_kill": "yes"})

    def test_a_guest_that_died_is_not_done(self):
        self.assertFalse(matrix.Outcome("passed 3 /x/kernel_a_test\n").done)


class TableTest(unittest.TestCase):
    def test_what_is_written_is_read_again(self):
        table = {"6.12": {"cpu usage": "bpf", "event oom_kill": "yes"}, "6.1": {"cpu usage": "file", "event oom_kill": "absent"}}
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("# a comment\n" + matrix.format_table(table))
            file.flush()

            self.assertEqual(matrix.read_table(pathlib.Path(file.name)), table)


if __name__ == "__main__":
    unittest.main()
