#include "autoscaler/actuate/actuator.h"

namespace ballast::actuate {

const char* ToString(Resource resource) {
  switch (resource) {
    case Resource::kCpu:
      return "cpu";
    case Resource::kMemory:
      return "memory";
    case Resource::kCpuWeight:
      return "cpu_weight";
    case Resource::kMemoryWait:
      return "memory_wait";
    case Resource::kMemoryPool:
      return "memory_pool";
    case Resource::kMemoryGuarantee:
      return "memory_guarantee";
    case Resource::kIoBandwidth:
      return "io_bandwidth";
    case Resource::kFreeze:
      return "freeze";
  }
  return "unknown";
}

const char* ToString(Outcome outcome) {
  switch (outcome) {
    case Outcome::kApplied:
      return "applied";
    case Outcome::kUnchanged:
      return "unchanged";
    case Outcome::kForeign:
      return "foreign";
    case Outcome::kGone:
      return "gone";
    case Outcome::kRefused:
      return "refused";
    case Outcome::kFailed:
      return "failed";
  }
  return "unknown";
}

bool IsBelow(std::string_view path, std::string_view prefix) {
  while (!prefix.empty() && prefix.back() == '/') prefix.remove_suffix(1);
  if (prefix.size() < 2 || prefix.front() != '/' || !path.starts_with(prefix)) return false;
  for (std::size_t at = path.find(".."); at != std::string_view::npos;
       at = path.find("..", at + 1)) {
    const bool begins = at == 0 || path[at - 1] == '/';
    const bool ends = at + 2 == path.size() || path[at + 2] == '/';
    if (begins && ends) return false;
  }
  return path.size() == prefix.size() || path[prefix.size()] == '/';
}

}  // namespace ballast::actuate
