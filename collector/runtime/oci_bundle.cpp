#include "collector/runtime/oci_bundle.h"

#include <algorithm>
#include <boost/json.hpp>
#include <vector>

#include "collector/base/file.h"

namespace ballast::runtime {
namespace {

namespace json = boost::json;

// A configuration with every seccomp rule is some 100 KB.
constexpr std::size_t kMaxConfig = 4 << 20;

bool IsPlainName(std::string_view name) {
  return !name.empty() && !name.starts_with('.') && name.find('/') == std::string_view::npos;
}

// containerd's shim keeps it below the namespace; CRI-O and Podman in the
// container's run directory of containers/storage.
std::vector<std::string> PlacesOf(std::string_view id, std::string_view name_space) {
  const std::string containerd = "/run/containerd/io.containerd.runtime.v2.task/";
  // append(), not "/" + x: g++ 12 warns of an overlap that is not there (GCC bug 105651).
  const std::string tail = std::string("/").append(id).append("/config.json");
  std::vector<std::string> places;
  if (IsPlainName(name_space)) places.push_back(containerd + std::string(name_space) + tail);
  for (const char* usual : {"k8s.io", "moby", "default"})
    if (usual != name_space) places.push_back(containerd + usual + tail);
  for (const char* storage : {"overlay", "vfs"})
    places.push_back(std::string("/run/containers/storage/")
                         .append(storage)
                         .append("-containers/")
                         .append(id)
                         .append("/userdata/config.json"));
  return places;
}

}  // namespace

std::optional<ContainerInfo> ParseBundle(std::string_view id, std::string_view config_json) {
  json::error_code error;
  const json::value value =
      json::parse(json::string_view(config_json.data(), config_json.size()), error);
  if (error || !value.is_object()) return std::nullopt;
  ContainerInfo info{std::string(id), {}, {}, {}};
  const json::value* annotations = value.as_object().if_contains("annotations");
  if (annotations == nullptr || !annotations->is_object()) return std::nullopt;
  for (const auto& [key, text] : annotations->as_object())
    if (text.is_string()) info.labels[std::string(key)] = std::string(text.as_string());
  return info;
}

std::optional<ContainerInfo> ReadBundle(const std::string& root, std::string_view id,
                                        std::string_view name_space) {
  if (!IsPlainName(id)) return std::nullopt;
  for (const std::string& place : PlacesOf(id, name_space))
    if (auto text = ReadSmallFile(root + place, kMaxConfig)) return ParseBundle(id, *text);
  return std::nullopt;
}

}  // namespace ballast::runtime
