#include "collector/source/procfs/process_source.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "collector/base/file.h"
#include "collector/source/cgroupfs/control_text.h"

namespace ballast::source {
namespace {

using model::Field;

// A workload with more inner groups is counted in part: those made first.
constexpr int kMaxGroups = 256;
constexpr std::size_t kLongestList = 1 << 20;

// 0: not there, or not readable.
std::uint64_t NetworkOf(const std::string& process) {
  struct stat status {};
  return ::stat((process + "/ns/net").c_str(), &status) == 0 ? status.st_ino : 0;
}

struct Processes {
  std::uint64_t count = 0;
  std::string one;  // any of them
};

void Add(const std::string& directory, Processes& processes) {
  const auto list = ReadSmallFile(directory + "/cgroup.procs", kLongestList);
  if (!list) return;
  std::string_view text = *list;
  while (!text.empty()) {
    const std::string_view pid = TakeLine(text);
    if (pid.empty() || pid == "0") continue;  // 0: of a pid namespace that is not ours
    ++processes.count;
    if (processes.one.empty()) processes.one = pid;
  }
}

// A directory has a link from each one in it (kernfs counts them); listing what
// has none costs as much as all the rest.
bool HasInnerGroups(const std::string& directory) {
  struct stat status {};
  return ::stat(directory.c_str(), &status) != 0 || status.st_nlink != 2;
}

Processes FindProcesses(const std::string& directory) {
  namespace fs = std::filesystem;
  Processes processes;
  Add(directory, processes);
  if (!HasInnerGroups(directory)) return processes;
  std::error_code error;
  int groups = 0;
  for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error))
    if (at->is_directory(error) && ++groups <= kMaxGroups) Add(at->path().string(), processes);
  return processes;
}

void Fill(const InterfaceCounts& counts, model::FieldSet& fields) {
  fields.Set(Field::kNetworkReceiveBytes, counts.receive_bytes);
  fields.Set(Field::kNetworkReceivePackets, counts.receive_packets);
  fields.Set(Field::kNetworkReceiveErrors, counts.receive_errors);
  fields.Set(Field::kNetworkReceiveDrops, counts.receive_drops);
  fields.Set(Field::kNetworkTransmitBytes, counts.transmit_bytes);
  fields.Set(Field::kNetworkTransmitPackets, counts.transmit_packets);
  fields.Set(Field::kNetworkTransmitErrors, counts.transmit_errors);
  fields.Set(Field::kNetworkTransmitDrops, counts.transmit_drops);
}

}  // namespace

ProcessSource::ProcessSource(ProcessOptions options)
    : options_(std::move(options)), host_network_(NetworkOf(options_.proc + "/1")) {}

// Every hierarchy's directory holds the same processes.
Result<> ProcessSource::Track(const Tracked& workload) {
  if (!workload.directories.empty())
    workloads_[workload.slot].directory = workload.directories.front().directory;
  return Ok();
}

void ProcessSource::Untrack(Slot slot) {
  std::erase_if(networks_, [&](const auto& entry) { return entry.second == slot; });
  workloads_.Erase(slot);
}

Result<> ProcessSource::Collect(Sample& sample) {
  ++tick_;
  for (const Slot slot : workloads_.slots()) {
    if (sample.IsKept(slot)) continue;
    sample.KeepChildren(slot, model::EntityKind::kInterface);
    Workload& workload = workloads_.At(slot);
    const Due due = TakeTurn(slot, workload, sample.Of(slot));
    if (due == Due::kAll) LookAt(slot, workload, sample);
    if (due == Due::kNetwork && TellsOf(workload.network, slot))
      FillNetwork(slot, workload, sample);
    sample.Of(slot).Set(Field::kProcesses, workload.processes);
  }
  return Ok();
}

// Without CPU time nothing is forked, ends, or sends.
ProcessSource::Due ProcessSource::TakeTurn(Slot slot, Workload& workload,
                                           const model::FieldSet& fields) const {
  if (!workload.processes) return Due::kAll;
  if ((tick_ + slot) % options_.every != 0) return Due::kNothing;
  const auto usage_ns = fields.Get(Field::kCpuUsageNs);
  const bool is_quiet = usage_ns && usage_ns == workload.usage_ns;
  if (is_quiet && tick_ < workload.network_at) return Due::kNothing;
  workload.network_at = tick_ + std::uint64_t{options_.every} * options_.rest;
  if (is_quiet && tick_ < workload.all_at) return Due::kNetwork;
  workload.all_at = tick_ + std::uint64_t{options_.every} * options_.long_rest;
  workload.usage_ns = usage_ns;
  return Due::kAll;
}

void ProcessSource::LookAt(Slot slot, Workload& workload, Sample& sample) {
  Processes processes = FindProcesses(workload.directory);
  workload.processes = processes.count;
  workload.process = std::move(processes.one);
  if (!workload.process.empty()) FillNetwork(slot, workload, sample);
}

void ProcessSource::FillNetwork(Slot slot, Workload& workload, Sample& sample) {
  const std::string process = options_.proc + "/" + workload.process;
  if (!Owns(slot, workload, NetworkOf(process))) return;
  const auto text = ReadSmallFile(process + "/net/dev", kLongestList);
  if (!text) return;  // gone meanwhile
  for (const InterfaceCounts& counts : ParseNetDev(*text))
    Fill(counts, sample.Child(slot, model::EntityKind::kInterface, counts.name));
}

bool ProcessSource::TellsOf(std::uint64_t network, Slot slot) const {
  const auto teller = networks_.find(network);
  return teller != networks_.end() && teller->second == slot;
}

bool ProcessSource::Owns(Slot slot, Workload& workload, std::uint64_t network) {
  if (network == 0 || network == host_network_) return false;
  if (workload.network != network) {
    std::erase_if(networks_, [&](const auto& entry) { return entry.second == slot; });
    workload.network = network;
  }
  return networks_.try_emplace(network, slot).first->second == slot;
}

}  // namespace ballast::source
