#!/usr/bin/env python3
"""The layer check must be able to fail: each kind of wrong include, once."""
import sys
import unittest

sys.dont_write_bytecode = True
import check_layers as lint


class CheckLayersTest(unittest.TestCase):
    def problems(self, name, text):
        return list(lint.check_file(name, text))

    def test_upward_include_names_both_folders(self):
        self.assertEqual(
            self.problems("collector/model/field.h", '#include "collector/record/codec.h"\n'),
            ["collector/model/field.h: collector/model may not include collector/record (collector/record/codec.h)"])

    def test_pure_module_may_not_reach_the_network(self):
        self.assertTrue(self.problems("autoscaler/allocate/solve.cpp", '#include "collector/net/http.h"\n'))

    def test_downward_include_is_fine(self):
        self.assertEqual(self.problems("collector/record/codec.h", '#include "collector/model/record.h"\n'), [])

    def test_sub_folder_is_part_of_its_parent(self):
        self.assertEqual(self.problems("collector/source/bpf/walk.h", '#include "collector/source/source.h"\n'), [])

    def test_library_outside_its_folder_fails(self):
        self.assertTrue(self.problems("collector/serve/page.cpp", "#include <boost/asio/io_context.hpp>\n"))

    def test_unknown_folder_fails(self):
        self.assertTrue(self.problems("collector/util/strings.h", ""))

    def test_cmake_depends_repeats_the_rule(self):
        text = "ballast_module(collector/model\n  SOURCES field.cpp\n  DEPENDS collector/base collector/net)\n"
        self.assertEqual(list(lint.check_cmake("collector/model/CMakeLists.txt", text)),
                         ["collector/model/CMakeLists.txt: collector/model may not depend on collector/net"])


if __name__ == "__main__":
    unittest.main(verbosity=1)
