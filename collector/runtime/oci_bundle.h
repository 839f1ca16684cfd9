#pragma once

// The annotations in a running container's OCI configuration, where runtimes
// keep it: what the CRI socket would tell, without gRPC.

#include <optional>
#include <string>
#include <string_view>

#include "collector/runtime/container_info.h"

namespace ballast::runtime {

// `root`: "" on a host, another folder in tests. `runtime` and `name_space` as
// discovery tells them ("containerd", "k8s.io" or empty). nullopt: no such
// bundle, or its configuration is not readable. Requires nothing of `id`: what
// could lead out of the folder has no bundle.
std::optional<ContainerInfo> ReadBundle(const std::string& root, std::string_view id,
                                        std::string_view name_space);

// The container's annotations from the text of a config.json.
std::optional<ContainerInfo> ParseBundle(std::string_view id, std::string_view config_json);

}  // namespace ballast::runtime
