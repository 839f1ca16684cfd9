#include "collector/runtime/container_info.h"

#include <initializer_list>

namespace ballast::runtime {
namespace {

// The first of these labels that is there.
std::string LabelOf(const ContainerInfo& info, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (const auto found = info.labels.find(key); found != info.labels.end()) return found->second;
  return {};
}

}  // namespace

ContainerNames NamesOf(const ContainerInfo& info, std::string_view agent_label) {
  ContainerNames names;
  names.name = info.name;
  names.image = info.image;
  if (names.image.empty())
    names.image = LabelOf(info, {"io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName"});
  names.pod = LabelOf(info, {"io.kubernetes.pod.name", "io.kubernetes.cri.sandbox-name"});
  names.name_space =
      LabelOf(info, {"io.kubernetes.pod.namespace", "io.kubernetes.cri.sandbox-namespace"});
  names.container =
      LabelOf(info, {"io.kubernetes.container.name", "io.kubernetes.cri.container-name"});
  if (names.name.empty()) names.name = names.container;
  if (const auto found = info.labels.find(std::string(agent_label)); found != info.labels.end())
    names.agent = found->second;
  return names;
}

}  // namespace ballast::runtime
