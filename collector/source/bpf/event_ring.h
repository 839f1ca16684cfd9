#pragma once

// What cannot wait for a tick, in the kernel's order: throttling began, a memory
// limit was hit, an OOM kill, a cgroup was made or removed, a tool call began or
// ended.
//
//   BALLAST_TRY(auto ring, EventRing::Open(kernel, [](const KernelEvent& e) { ... }), "events");
//   ... when ring->poll_fd() is readable ...  ring->Consume();
//
// Not thread-safe; owned by the strand that polls it. KernelSide outlives it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "collector/base/clock.h"
#include "collector/base/result.h"
#include "collector/source/bpf/kernel_side.h"
#include "collector/source/source.h"

struct evt_tool;  // bpf/abi/event_abi.h
struct ring_buffer;

namespace ballast::source {

enum class KernelEventKind {
  kThrottled,
  kMemoryLimit,
  kOomKill,
  kCgroupMade,
  kCgroupGone,
  kToolCall,
  kToolBegin
};

// Texts are valid during the call only.
struct KernelEvent {
  KernelEventKind kind{};
  Slot slot = kHostSlot;  // made: as inherited; gone: as it was
  BootTime at{};
  std::uint32_t pid = 0;            // the thread that hit it; OOM: the victim's process; 0: none
  std::string_view comm{};          // of that thread; empty: not known
  bool slot_is_of_trigger = false;  // OOM before 6.10: of the task that needed memory

  // kCgroupMade and kCgroupGone only.
  std::uint64_t cgroup_id = 0;
  std::uint64_t hierarchy_id = 0;
  std::uint64_t parent_id = 0;  // made only
  std::string_view path{};      // from the hierarchy's root
  bool path_is_cut = false;
  bool was_root = false;  // gone: a workload's own directory

  // kOomKill only.
  std::uint64_t resident_pages = 0;  // of the victim; 0: not known
  std::string_view cause{};          // own_limit, ancestor, host; empty: not known

  // kToolCall and kToolBegin only: valid during the call.
  const evt_tool* tool = nullptr;
};

class EventRing {
 public:
  using Handler = std::function<void(const KernelEvent&)>;

  static Result<std::unique_ptr<EventRing>> Open(const KernelSide& kernel, Handler handler);
  ~EventRing();
  EventRing(const EventRing&) = delete;
  EventRing& operator=(const EventRing&) = delete;

  // Readable (EPOLLIN) while events wait. Owned by this object.
  int poll_fd() const;
  // Hands every waiting event to the handler; the number of them.
  Result<std::size_t> Consume();

 private:
  explicit EventRing(Handler handler) : handler_(std::move(handler)) {}
  static int OnRecord(void* self, void* data, std::size_t size);

  Handler handler_;
  ring_buffer* ring_ = nullptr;
};

}  // namespace ballast::source
