// Runs and removes a pod through a CRI socket, as a kubelet would: the half of the
// CRI that the collector has no use for.
//
//   cri_pod SOCKET run CGROUP_PARENT NAME NAMESPACE IMAGE   prints the pod's id and its container's
//   cri_pod SOCKET remove POD_ID

#include <cstdio>
#include <cstdlib>
#include <string>

#include "collector/runtime/grpc_unary.h"
#include "collector/runtime/protobuf_reader.h"
#include "tests/support/protobuf_field.h"

namespace {

using ballast::test::ProtobufField;

std::string Call(const std::string& socket, const std::string& method, const std::string& request) {
  const std::string path = "/runtime.v1.RuntimeService/" + method;
  auto answer = ballast::runtime::CallGrpc({.socket_path = socket,
                                            .method = path,
                                            .request = request,
                                            .patience = std::chrono::seconds(60)});
  if (!answer) {
    std::fprintf(stderr, "cri_pod: %s\n", answer.error().ToString().c_str());
    std::exit(1);
  }
  ballast::runtime::ProtobufReader reader(*answer);
  return reader.Next() && reader.field() == 1 ? std::string(reader.bytes()) : "";
}

std::string Label(const std::string& key, const std::string& value) {
  return ProtobufField(1, key) + ProtobufField(2, value);
}

// PodSandboxConfig in the host's network, so that no network plug-in is asked.
std::string Pod(const std::string& parent, const std::string& name, const std::string& name_space) {
  const std::string in_host_network("\x08\x02", 2);  // NamespaceOption.network = NODE
  return ProtobufField(1, ProtobufField(1, name) + ProtobufField(2, "uid-" + name) +
                              ProtobufField(3, name_space)) +
         ProtobufField(6, Label("ballast.agent", "agent-of-" + name)) +
         ProtobufField(
             8, ProtobufField(1, parent) + ProtobufField(2, ProtobufField(1, in_host_network)));
}

int Run(const std::string& socket, const std::string& pod, const std::string& image) {
  const std::string pod_id = Call(socket, "RunPodSandbox", ProtobufField(1, pod));
  const std::string container = ProtobufField(1, ProtobufField(1, "app")) +
                                ProtobufField(2, ProtobufField(1, image)) +
                                ProtobufField(3, "/bin/sleep") + ProtobufField(4, "600");
  const std::string id =
      Call(socket, "CreateContainer",
           ProtobufField(1, pod_id) + ProtobufField(2, container) + ProtobufField(3, pod));
  Call(socket, "StartContainer", ProtobufField(1, id));
  std::printf("%s %s\n", pod_id.c_str(), id.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[2] : "";
  if (what == "run" && argc == 7) return Run(argv[1], Pod(argv[3], argv[4], argv[5]), argv[6]);
  if (what == "remove" && argc == 4) {
    Call(argv[1], "StopPodSandbox", ProtobufField(1, argv[3]));
    Call(argv[1], "RemovePodSandbox", ProtobufField(1, argv[3]));
    return 0;
  }
  std::fprintf(stderr,
               "usage: cri_pod SOCKET run CGROUP_PARENT NAME NAMESPACE IMAGE | remove POD_ID\n");
  return 2;
}
