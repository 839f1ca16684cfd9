// A VM that never ends, for the collector to look at: tiny_vm

#include "tests/vm/tiny_vm.h"

#include <cstdio>

int main() {
  ballast::test::TinyVm vm;
  if (!vm.Open()) {
    std::fprintf(stderr, "tiny_vm: %s\n", vm.problem().c_str());
    return 1;
  }
  while (
      vm.RunRound({.outs = 20, .cpuids = 5, .halts = 2, .halt = std::chrono::milliseconds(50)})) {
  }
  std::fprintf(stderr, "tiny_vm: %s\n", vm.problem().c_str());
  return 1;
}
