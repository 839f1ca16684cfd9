#pragma once

// From what a host offers to what is measured there from where, what is missing,
// and what to do about it. Pure: the whole table of advice is a unit test.
//
//   const Report report = Diagnose({.facts = facts, .choices = ..., .programs = ...});
//   return report.anything_missing() ? 1 : 0;

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/doctor/host_facts.h"
#include "collector/source/bpf/decide_reads.h"

namespace ballast::doctor {

// Capabilities that measuring needs, and what each is for. The unit in
// deploy/systemd grants exactly these; a test holds the two together.
struct Capability {
  int number;  // bit of the kernel's mask (linux/capability.h)
  std::string_view name;
  std::string_view what_for;
};
std::span<const Capability> NeededCapabilities();

enum class Status {
  kOk,
  kNote,     // works, with less; nothing to repair
  kMissing,  // something is not measured because of it
};

struct Finding {
  std::string what;
  Status status = Status::kOk;
  std::string why = {};
  std::string advice = {};  // one sentence; empty where nothing can or need be done
};

struct Signal {
  std::string what;
  source::Via via = source::Via::kAbsent;
  std::string why = {};
  std::string advice = {};
  bool is_moot = false;  // absent, but this host has nothing that it would be of
};

struct Report {
  std::string host;  // one line: kernel, cgroups, CPUs
  std::vector<Signal> signals;
  std::vector<Finding> checks;

  bool anything_missing() const;
};

struct Examined {
  HostFacts facts;
  std::vector<source::Choice> choices;         // all signals
  std::vector<source::ProgramState> programs;  // empty where the kernel side did not start
  std::string start_problem = {};              // why it did not
  std::uint64_t max_workloads = 1024;
};

Report Diagnose(const Examined& examined);

}  // namespace ballast::doctor
