#pragma once

// What a runtime knows about a container, as it says it. Plain values.

#include <map>
#include <string>
#include <string_view>

namespace ballast::runtime {

struct ContainerInfo {
  std::string id;
  std::string name;
  std::string image;
  std::map<std::string, std::string> labels;  // annotations count as labels

  friend bool operator==(const ContainerInfo&, const ContainerInfo&) = default;
};

// What of it Ballast shows. Empty: not known.
struct ContainerNames {
  std::string name;
  std::string image;
  std::string pod;
  std::string name_space;
  std::string container;
  std::string agent;

  friend bool operator==(const ContainerNames&, const ContainerNames&) = default;
};

// Kubernetes' names from the labels that the kubelet gives to every container
// (io.kubernetes.*), or containerd's annotations for the same. `agent_label`
// joins several workloads to one agent.
ContainerNames NamesOf(const ContainerInfo& info, std::string_view agent_label);

}  // namespace ballast::runtime
