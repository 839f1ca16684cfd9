#pragma once

// The life of a BPF object as types: open, set rodata and map sizes, choose
// programs, load, attach. Setting rodata after the load is a silent no-op in
// libbpf; here it does not compile.
//
//   BALLAST_TRY(auto open, OpenSkeleton<ballast_bpf>::Open(), "collector");
//   open.rodata().cfg_cpus = 4;
//   BALLAST_TRY(auto loaded, std::move(open).Load(), "collector");
//
// Open() needs no privileges and no kernel support, so names, types and
// defaults are testable anywhere. Not thread-safe; owned by KernelSide.

#include <bpf/libbpf.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "collector/base/fd.h"
#include "collector/base/result.h"

namespace ballast::source {

struct LinkDeleter {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using LinkPtr = std::unique_ptr<bpf_link, LinkDeleter>;

template <typename Skel>
struct SkeletonDeleter {
  void operator()(Skel* skel) const { Skel::destroy(skel); }
};
template <typename Skel>
using SkeletonPtr = std::unique_ptr<Skel, SkeletonDeleter<Skel>>;

// Loaded: maps exist, global variables are mapped, nothing runs before Attach.
template <typename Skel>
class LoadedSkeleton {
 public:
  auto& maps() { return skel_->maps; }
  auto& progs() { return skel_->progs; }
  // The programs' global variables, shared memory with the kernel.
  auto& bss() { return *skel_->bss; }
  bpf_object* object() { return skel_->obj; }
  Skel* raw() { return skel_.get(); }

  // Attaches by the program's own section; it runs until this object dies.
  Result<> Attach(const bpf_program* program) {
    bpf_link* link = bpf_program__attach(program);
    if (link == nullptr) return Error::FromErrno(errno, "attach");
    links_.emplace_back(link);
    return Ok();
  }
  // The link owns the event from here on.
  Result<> AttachPerfEvent(const bpf_program* program, Fd event) {
    bpf_link* link = bpf_program__attach_perf_event(program, event.get());
    if (link == nullptr) return Error::FromErrno(errno, "attach to a perf event");
    static_cast<void>(event.Release());
    links_.emplace_back(link);
    return Ok();
  }

 private:
  template <typename>
  friend class OpenSkeleton;
  explicit LoadedSkeleton(SkeletonPtr<Skel> skel) : skel_(std::move(skel)) {}

  SkeletonPtr<Skel> skel_;
  std::vector<LinkPtr> links_;  // after skel_: links go before the programs
};

template <typename Skel>
class OpenSkeleton {
 public:
  static Result<OpenSkeleton> Open() {
    SkeletonPtr<Skel> skel(Skel::open());
    if (!skel) return Error::FromErrno(errno, "open BPF object");
    return OpenSkeleton(std::move(skel));
  }

  auto& rodata() { return *skel_->rodata; }
  auto& maps() { return skel_->maps; }
  auto& progs() { return skel_->progs; }
  bpf_object* object() { return skel_->obj; }

  // libbpf returns -errno here and NULL-with-errno above; both end in Error.
  Result<LoadedSkeleton<Skel>> Load() && {
    if (const int err = Skel::load(skel_.get())) return Error::FromErrno(-err, "load BPF object");
    return LoadedSkeleton<Skel>(std::move(skel_));
  }

 private:
  explicit OpenSkeleton(SkeletonPtr<Skel> skel) : skel_(std::move(skel)) {}
  SkeletonPtr<Skel> skel_;
};

}  // namespace ballast::source
