#include "collector/runtime/cri_api.h"

#include <map>
#include <utility>

#include "collector/runtime/grpc_unary.h"
#include "collector/runtime/protobuf_reader.h"

namespace ballast::runtime {
namespace {

// Numbers of fields in the CRI's runtime.v1 (kubernetes/cri-api, api.proto).
namespace number {
constexpr std::uint32_t kListed = 1;  // of both responses
constexpr std::uint32_t kMapKey = 1, kMapValue = 2;
namespace pod {
constexpr std::uint32_t kId = 1, kMetadata = 2, kLabels = 5, kAnnotations = 6;
constexpr std::uint32_t kMetadataName = 1, kMetadataUid = 2, kMetadataNamespace = 3;
}  // namespace pod
namespace container {
constexpr std::uint32_t kId = 1, kPodId = 2, kMetadata = 3, kImage = 4, kLabels = 8,
                        kAnnotations = 9;
constexpr std::uint32_t kMetadataName = 1;
constexpr std::uint32_t kImageName = 1, kImageAsked = 18;
}  // namespace container
}  // namespace number

using Labels = std::map<std::string, std::string>;

// The text of one field of a message; empty: it is not there.
std::string TextAt(std::string_view message, std::uint32_t field) {
  std::string text;
  for (ProtobufReader reader(message); reader.Next();)
    if (reader.field() == field) text = reader.bytes();
  return text;
}

// What is there already stays: labels come before annotations, a container's before its pod's.
void AddLabel(Labels& labels, std::string_view entry) {
  labels.try_emplace(TextAt(entry, number::kMapKey), TextAt(entry, number::kMapValue));
}

void AddName(Labels& labels, const char* key, std::string name) {
  if (!name.empty()) labels.try_emplace(key, std::move(name));
}

struct Pod {
  std::string id;
  Labels labels;
};

Result<Pod> ParsePod(std::string_view message) {
  Pod pod;
  ProtobufReader reader(message);
  while (reader.Next()) {
    switch (reader.field()) {
      case number::pod::kId:
        pod.id = reader.bytes();
        break;
      case number::pod::kMetadata:
        AddName(pod.labels, "io.kubernetes.pod.name",
                TextAt(reader.bytes(), number::pod::kMetadataName));
        AddName(pod.labels, "io.kubernetes.pod.namespace",
                TextAt(reader.bytes(), number::pod::kMetadataNamespace));
        AddName(pod.labels, "io.kubernetes.pod.uid",
                TextAt(reader.bytes(), number::pod::kMetadataUid));
        break;
      case number::pod::kLabels:
      case number::pod::kAnnotations:
        AddLabel(pod.labels, reader.bytes());
        break;
      default:
        break;
    }
  }
  if (reader.is_broken()) return Error::Invalid("malformed pod in the CRI's answer");
  return pod;
}

// A digest says nothing to people.
std::string ImageOf(std::string_view message) {
  std::string asked = TextAt(message, number::container::kImageAsked);
  if (!asked.empty()) return asked;
  std::string image = TextAt(message, number::container::kImageName);
  return image.starts_with("sha256:") ? std::string() : image;
}

Result<ContainerInfo> ParseContainer(std::string_view message,
                                     const std::map<std::string, Labels>& pods) {
  ContainerInfo info;
  std::string pod;
  ProtobufReader reader(message);
  while (reader.Next()) {
    switch (reader.field()) {
      case number::container::kId:
        info.id = reader.bytes();
        break;
      case number::container::kPodId:
        pod = reader.bytes();
        break;
      case number::container::kMetadata:
        info.name = TextAt(reader.bytes(), number::container::kMetadataName);
        AddName(info.labels, "io.kubernetes.container.name", info.name);
        break;
      case number::container::kImage:
        info.image = ImageOf(reader.bytes());
        break;
      case number::container::kLabels:
      case number::container::kAnnotations:
        AddLabel(info.labels, reader.bytes());
        break;
      default:
        break;
    }
  }
  if (reader.is_broken()) return Error::Invalid("malformed container in the CRI's answer");
  if (const auto found = pods.find(pod); found != pods.end())
    info.labels.insert(found->second.begin(), found->second.end());
  return info;
}

// The kubelet's name for the container that holds a pod's namespaces.
constexpr const char* kSandboxName = "POD";

}  // namespace

Result<std::vector<ContainerInfo>> ParseCriContainers(std::string_view pods,
                                                      std::string_view containers) {
  std::vector<ContainerInfo> all;
  std::map<std::string, Labels> labels;  // by pod
  ProtobufReader pod_list(pods);
  while (pod_list.Next()) {
    if (pod_list.field() != number::kListed) continue;
    BALLAST_TRY(Pod pod, ParsePod(pod_list.bytes()), "pods");
    Labels sandbox = pod.labels;
    sandbox.try_emplace("io.kubernetes.container.name", kSandboxName);
    if (!pod.id.empty()) all.push_back({pod.id, kSandboxName, "", std::move(sandbox)});
    labels.emplace(std::move(pod.id), std::move(pod.labels));
  }
  ProtobufReader container_list(containers);
  while (container_list.Next()) {
    if (container_list.field() != number::kListed) continue;
    BALLAST_TRY(ContainerInfo info, ParseContainer(container_list.bytes(), labels), "containers");
    if (!info.id.empty()) all.push_back(std::move(info));
  }
  if (pod_list.is_broken() || container_list.is_broken())
    return Error::Invalid("malformed answer of the CRI");
  return all;
}

Result<std::vector<ContainerInfo>> ListCriContainers(const std::string& socket_path) {
  // Empty requests: no filter.
  BALLAST_TRY(const std::string pods,
              CallGrpc({.socket_path = socket_path,
                        .method = "/runtime.v1.RuntimeService/ListPodSandbox",
                        .request = ""}),
              "pods");
  BALLAST_TRY(const std::string containers,
              CallGrpc({.socket_path = socket_path,
                        .method = "/runtime.v1.RuntimeService/ListContainers",
                        .request = ""}),
              "containers");
  return ParseCriContainers(pods, containers);
}

}  // namespace ballast::runtime
