#pragma once

// Docker or Podman as the owner of a container's limits: told what stands in the
// control files, so that `docker inspect`, an update by somebody and a restart
// start from the same values. Pure but for UpdateContainer().

#include <string>
#include <string_view>

#include "autoscaler/actuate/control_dir.h"
#include "collector/runtime/docker_api.h"

namespace ballast::actuate {

// The 64 digits in the last element of a container's cgroup path ("docker-<id>.scope",
// "/docker/<id>", "libpod-<id>"); empty: no container's.
std::string ContainerIdOf(std::string_view path);

// What the files of one directory say, in the API's words; added to `limits`.
void AddLimits(const ControlDir& dir, runtime::ContainerLimits& limits);

}  // namespace ballast::actuate
