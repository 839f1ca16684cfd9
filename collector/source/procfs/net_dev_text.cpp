#include "collector/source/procfs/net_dev_text.h"

#include <array>
#include <optional>

#include "collector/source/cgroupfs/control_text.h"

namespace ballast::source {
namespace {

// "  eth0: 1 2 3 ..."; older kernels leave out the space behind the colon.
std::optional<InterfaceCounts> ParseLine(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view name = line.substr(0, colon);
  InterfaceCounts counts{.name = std::string(TakeWord(name))};
  // bytes packets errs drop fifo frame compressed multicast, then the same for
  // transmit with other last four.
  std::array<std::uint64_t, 12> values{};
  std::string_view rest = line.substr(colon + 1);
  for (std::uint64_t& value : values) {
    const auto number = ParseNumber(TakeWord(rest));
    if (!number) return std::nullopt;
    value = *number;
  }
  counts.receive_bytes = values[0];
  counts.receive_packets = values[1];
  counts.receive_errors = values[2];
  counts.receive_drops = values[3];
  counts.transmit_bytes = values[8];
  counts.transmit_packets = values[9];
  counts.transmit_errors = values[10];
  counts.transmit_drops = values[11];
  return counts;
}

}  // namespace

std::vector<InterfaceCounts> ParseNetDev(std::string_view text) {
  std::vector<InterfaceCounts> interfaces;
  while (!text.empty()) {
    auto counts = ParseLine(TakeLine(text));
    if (counts && !counts->name.empty() && counts->name != "lo")
      interfaces.push_back(*std::move(counts));
  }
  return interfaces;
}

}  // namespace ballast::source
