#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/base/result.h"
#include "collector/runtime/container_info.h"

namespace ballast::runtime {

// Every container that runs, from a Docker or Podman API socket, in one request
// (GET /containers/json). Blocking, at most five seconds.
Result<std::vector<ContainerInfo>> ListContainers(const std::string& socket_path);

// Limits as POST /containers/{id}/update takes them. What is absent stays as it is.
struct ContainerLimits {
  std::optional<std::int64_t> cpu_quota_us = std::nullopt;  // -1: none; with the period
  std::optional<std::int64_t> cpu_period_us = std::nullopt;
  std::optional<std::int64_t> cpu_shares = std::nullopt;
  std::optional<std::int64_t> memory_bytes = std::nullopt;
  std::optional<std::int64_t> memory_swap_bytes = std::nullopt;  // both together; -1: none

  friend bool operator==(const ContainerLimits&, const ContainerLimits&) = default;
};

// The runtime takes them over and writes them to the container's control files, which takes a
// daemon tens of milliseconds. Blocking, at most a second. The error has the daemon's own words.
Result<> UpdateContainer(const std::string& socket_path, const std::string& id,
                         const ContainerLimits& limits);

// The body of the list. Entries without an id are passed over.
Result<std::vector<ContainerInfo>> ParseContainerList(std::string_view json);

}  // namespace ballast::runtime
