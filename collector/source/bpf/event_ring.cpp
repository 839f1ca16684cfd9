#include "collector/source/bpf/event_ring.h"

#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "bpf/abi/event_abi.h"
#include "bpf/ballast.skel.h"

namespace ballast::source {
namespace {

std::optional<KernelEventKind> KindOf(std::uint32_t kind) {
  switch (kind) {
    case EVT_THROTTLE:
      return KernelEventKind::kThrottled;
    case EVT_MEMORY_LIMIT:
      return KernelEventKind::kMemoryLimit;
    case EVT_OOM_KILL:
      return KernelEventKind::kOomKill;
    case EVT_CGROUP_MADE:
      return KernelEventKind::kCgroupMade;
    case EVT_CGROUP_GONE:
      return KernelEventKind::kCgroupGone;
    case EVT_TOOL_CALL:
      return KernelEventKind::kToolCall;
    case EVT_TOOL_BEGIN:
      return KernelEventKind::kToolBegin;
    default:
      return std::nullopt;
  }
}

std::string_view Text(const char* text, std::size_t limit) {
  return {text, ::strnlen(text, limit)};
}

std::string_view CauseOf(std::uint32_t flags) {
  if (flags & EVT_OOM_OWN) return "own_limit";
  if (flags & EVT_OOM_ANCESTOR) return "ancestor";
  return flags & EVT_OOM_HOST ? "host" : "";
}

void AddCgroup(const evt_cgroup& record, KernelEvent& event) {
  event.cgroup_id = record.cgroup_id;
  event.hierarchy_id = record.hierarchy_id;
  event.parent_id = record.parent_id;
  event.path = Text(record.path, EVT_PATH);
  event.path_is_cut = (record.head.flags & EVT_PATH_CUT) != 0;
  event.was_root = (record.head.flags & EVT_IS_ROOT) != 0;
}

}  // namespace

Result<std::unique_ptr<EventRing>> EventRing::Open(const KernelSide& kernel, Handler handler) {
  std::unique_ptr<EventRing> ring(new EventRing(std::move(handler)));
  ring->ring_ =
      ring_buffer__new(bpf_map__fd(kernel.skeleton().maps.evt_ring), OnRecord, ring.get(), nullptr);
  if (ring->ring_ == nullptr) return Error::FromErrno(errno, "open event ring");
  return ring;
}

EventRing::~EventRing() {
  ring_buffer__free(ring_);
}

int EventRing::poll_fd() const {
  return ring_buffer__epoll_fd(ring_);
}

Result<std::size_t> EventRing::Consume() {
  const int consumed = ring_buffer__consume(ring_);
  if (consumed < 0) return Error::FromErrno(-consumed, "read event ring");
  return static_cast<std::size_t>(consumed);
}

int EventRing::OnRecord(void* self, void* data, std::size_t size) {
  const auto& head = *static_cast<const evt_head*>(data);
  const auto kind = size >= sizeof(evt_head) ? KindOf(head.kind) : std::nullopt;
  if (!kind) return 0;  // of a newer object; this reader does not know it
  KernelEvent event{.kind = *kind,
                    .slot = head.slot,
                    .at = BootTime(static_cast<std::int64_t>(head.boot_ns)),
                    .pid = head.pid,
                    .comm = Text(head.comm, EVT_COMM),
                    .slot_is_of_trigger = (head.flags & EVT_SLOT_OF_TRIGGER) != 0};
  if (*kind == KernelEventKind::kToolCall || *kind == KernelEventKind::kToolBegin) {
    if (size < sizeof(evt_tool)) return 0;
    event.tool = static_cast<const evt_tool*>(data);
  } else if (*kind == KernelEventKind::kOomKill) {
    if (size < sizeof(evt_oom)) return 0;
    event.resident_pages = static_cast<const evt_oom*>(data)->resident_pages;
    event.cause = CauseOf(head.flags);
  } else if (size >= sizeof(evt_cgroup)) {
    AddCgroup(*static_cast<const evt_cgroup*>(data), event);
  }
  static_cast<EventRing*>(self)->handler_(event);
  return 0;
}

}  // namespace ballast::source
