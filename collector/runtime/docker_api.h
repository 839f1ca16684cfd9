#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collector/base/result.h"
#include "collector/runtime/container_info.h"

namespace ballast::runtime {

// Every container that runs, from a Docker or Podman API socket, in one request
// (GET /containers/json). Blocking, at most five seconds.
Result<std::vector<ContainerInfo>> ListContainers(const std::string& socket_path);

// The body of that answer. Entries without an id are passed over.
Result<std::vector<ContainerInfo>> ParseContainerList(std::string_view json);

}  // namespace ballast::runtime
