#pragma once

// Asks runtimes for what cgroup paths do not say: names, images, pods, agents.
//
//   auto namer = Namer::Start(options);
//   namer->Want({.slot = slot, .ref = ref, .container_id = id, .name_space = ns});  // at birth
//   when namer->event_fd() is readable: for (const Named& named : namer->Take()) ...
//
// Asynchronous: a thread of its own does the asking. Cached: one list request
// serves every container born meanwhile. Never required: where nobody answers,
// workloads keep going by their path. All operations belong to the tick thread.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "collector/base/fd.h"
#include "collector/base/result.h"
#include "collector/model/entity.h"
#include "collector/model/field_set.h"
#include "collector/runtime/container_info.h"

namespace ballast::discover {

struct NamerOptions {
  // Docker API sockets that are asked where they exist.
  std::vector<std::string> sockets = {"/run/docker.sock", "/run/podman/podman.sock"};
  // CRI sockets that are asked for what those do not know, where they exist.
  std::vector<std::string> cri_sockets = {"/run/containerd/containerd.sock",
                                          "/run/k3s/containerd/containerd.sock",
                                          "/run/crio/crio.sock"};
  std::string agent_label = "ballast.agent";
  std::string root;  // before the paths of OCI bundles; for tests
  // Affects cost: one list request and one file for each container nobody lists.
  std::chrono::milliseconds gap{200};         // least time between two rounds of asking
  std::chrono::milliseconds refresh{60'000};  // names may change: docker rename
};

struct Wanted {
  std::uint32_t slot = 0;
  model::EntityRef ref{};
  std::string container_id;
  std::string name_space;  // containerd's; empty: not known
};

struct Named {
  std::uint32_t slot = 0;
  model::EntityRef ref{};  // compare: the slot may have another owner by now
  model::FieldSet identity;
};

class Namer {
 public:
  static Result<std::unique_ptr<Namer>> Start(NamerOptions options);
  ~Namer();
  Namer(const Namer&) = delete;
  Namer& operator=(const Namer&) = delete;

  void Want(Wanted wanted);
  void Forget(std::uint32_t slot);
  int event_fd() const { return ready_.get(); }
  std::vector<Named> Take();

 private:
  struct Asked {
    Wanted wanted;
    int tries = 0;  // without an answer
    std::chrono::steady_clock::time_point next{};
    model::FieldSet told;
  };

  Namer(NamerOptions options, Fd ready) : options_(std::move(options)), ready_(std::move(ready)) {}
  void Run();
  std::map<std::string, runtime::ContainerInfo> Ask(const std::vector<Wanted>& wanted) const;
  std::vector<Wanted> Due(std::chrono::steady_clock::time_point now) const;  // mutex_ held
  void Note(const std::vector<Wanted>& due,
            const std::map<std::string, runtime::ContainerInfo>& known);  // mutex_ held

  const NamerOptions options_;
  Fd ready_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  bool stop_ = false;
  std::map<std::uint32_t, Asked> asked_;  // by slot
  std::vector<Named> named_;
  std::thread thread_;
};

}  // namespace ballast::discover
