#pragma once

// Which source supplies each signal on this host, and why it is not the better
// one. Pure: the whole fallback table, testable without a kernel.

#include <string>
#include <string_view>
#include <vector>

#include "collector/source/bpf/kernel_facts.h"
#include "collector/source/bpf/kernel_side.h"

namespace ballast::source {

enum class Via { kBpf, kFile, kAbsent };

struct Choice {
  std::string_view signal;  // static text: "cpu usage"
  Via via = Via::kAbsent;
  std::string because;   // why not kBpf; for kBpf a restriction, usually empty
  bool is_moot = false;  // absent, but this host has nothing that it would be of
};

// `programs` as KernelSide reports them; empty where it did not start.
std::vector<Choice> DecideReads(const KernelFacts& facts,
                                const std::vector<ProgramState>& programs);

// The row of one signal. Requires: a signal DecideReads lists.
const Choice& ChoiceOf(const std::vector<Choice>& choices, std::string_view signal);

}  // namespace ballast::source
