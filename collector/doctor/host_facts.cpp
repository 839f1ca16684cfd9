#include "collector/doctor/host_facts.h"

#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "collector/base/file.h"

namespace ballast::doctor {
namespace {

// Where each runtime listens unless told otherwise.
constexpr struct {
  const char* runtime;
  const char* path;
} kSockets[] = {
    {"docker", "/run/docker.sock"},
    {"podman", "/run/podman/podman.sock"},
    {"containerd", "/run/containerd/containerd.sock"},
    {"cri-o", "/run/crio/crio.sock"},
    {"libvirt", "/run/libvirt/libvirt-sock-ro"},
};

std::vector<std::string> WordsOf(const std::string& path) {
  auto text = ReadSmallFile(path);
  std::istringstream in(text ? *text : std::string());
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::optional<std::uint64_t> EffectiveCapabilities() {
  auto text = ReadSmallFile("/proc/self/status");
  if (!text) return std::nullopt;
  const std::size_t at = text->find("CapEff:");
  if (at == std::string::npos) return std::nullopt;
  return std::strtoull(text->c_str() + at + 7, nullptr, 16);
}

}  // namespace

HostFacts ReadHostFacts() {
  HostFacts facts;
  facts.kernel = source::ReadKernelFacts();
  facts.capabilities = EffectiveCapabilities();
  auto layout = model::ReadCgroupLayout();
  if (layout)
    facts.layout = *std::move(layout);
  else
    facts.layout_problem = layout.error().ToString();
  if (const model::Hierarchy* v2 = facts.layout.FindV2()) {
    facts.v2_controllers = WordsOf(v2->mount_point + "/cgroup.controllers");
    facts.v2_enabled = WordsOf(v2->mount_point + "/cgroup.subtree_control");
  }
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) facts.open_files = files.rlim_max;
  std::error_code error;
  for (const auto& socket : kSockets)
    facts.sockets.push_back(
        {socket.runtime, socket.path, std::filesystem::is_socket(socket.path, error)});
  facts.kvm = std::filesystem::exists("/dev/kvm", error);
  return facts;
}

}  // namespace ballast::doctor
