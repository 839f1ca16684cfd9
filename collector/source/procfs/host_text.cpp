#include "collector/source/procfs/host_text.h"

#include <array>

#include "collector/source/cgroupfs/control_text.h"

namespace ballast::source {
namespace {

// USER_HZ is 100 for every program, whatever the kernel's own HZ (proc_stat(5)).
constexpr std::uint64_t kNsPerTick = 10'000'000;
// A machine has fewer; a longer range is no CPU list.
constexpr std::uint64_t kMaxCpus = 1 << 20;

// "0-3" or "8"
std::optional<std::uint64_t> CountRange(std::string_view range) {
  const std::size_t dash = range.find('-');
  const auto first = ParseNumber(range.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : ParseNumber(range.substr(dash + 1));
  if (!first || !last || *last < *first || *last >= kMaxCpus) return std::nullopt;
  return *last - *first + 1;
}

}  // namespace

std::optional<HostCpu> ParseProcStat(std::string_view text) {
  enum Column { kUser, kNice, kSystem, kIdle, kIoWait, kIrq, kSoftIrq, kColumns };
  std::string_view line = TakeLine(text);
  if (TakeWord(line) != "cpu") return std::nullopt;
  std::array<std::uint64_t, kColumns> ns{};
  for (std::uint64_t& value : ns) {
    const auto parsed = Scaled(ParseNumber(TakeWord(line)), kNsPerTick);
    if (!parsed) return std::nullopt;
    value = *parsed;
  }
  HostCpu cpu;
  cpu.user_ns = ns[kUser] + ns[kNice];
  cpu.system_ns = ns[kSystem] + ns[kIrq] + ns[kSoftIrq];
  cpu.busy_ns = cpu.user_ns + cpu.system_ns;
  return cpu;
}

HostMemory ParseMeminfo(std::string_view text) {
  HostMemory memory;
  while (!text.empty() && !(memory.total_bytes && memory.available_bytes)) {
    std::string_view line = TakeLine(text);
    const std::string_view key = TakeWord(line);
    if (key != "MemTotal:" && key != "MemAvailable:") continue;
    const auto bytes = Scaled(ParseNumber(TakeWord(line)), 1024);
    if (TakeWord(line) != "kB") continue;
    (key == "MemTotal:" ? memory.total_bytes : memory.available_bytes) = bytes;
  }
  return memory;
}

std::optional<std::uint64_t> CountCpus(std::string_view text) {
  std::string_view list = TakeLine(text);
  std::uint64_t count = 0;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const auto range = CountRange(list.substr(0, comma));
    if (!range) return std::nullopt;
    count += *range;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  if (count == 0) return std::nullopt;
  return count;
}

}  // namespace ballast::source
