#pragma once

// The Kubernetes Container Runtime Interface, as containerd and CRI-O serve it on
// their sockets (gRPC, runtime.v1): who the pods and containers are.

#include <string>
#include <string_view>
#include <vector>

#include "collector/base/result.h"
#include "collector/runtime/container_info.h"

namespace ballast::runtime {

// Every container and every pod's sandbox, in two requests. A container has its
// pod's labels, too (its own win), and the names that the kubelet would give as
// labels even where another client of the socket gave none. Blocking, at most
// five seconds each. Errors: not_supported where the daemon has no CRI (Docker's
// own containerd), else as CallGrpc.
Result<std::vector<ContainerInfo>> ListCriContainers(const std::string& socket_path);

// The same from the encoded ListPodSandboxResponse and ListContainersResponse.
Result<std::vector<ContainerInfo>> ParseCriContainers(std::string_view pods,
                                                      std::string_view containers);

}  // namespace ballast::runtime
