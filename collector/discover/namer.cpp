#include "collector/discover/namer.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "collector/discover/identity_fields.h"
#include "collector/runtime/cri_api.h"
#include "collector/runtime/docker_api.h"
#include "collector/runtime/oci_bundle.h"

namespace ballast::discover {
namespace {

using std::chrono::steady_clock;

// A cgroup is made before its runtime lists the container, so the first answers
// may be missing: 0.2, 0.4, ... 51 s; then the refresh finds it, or nobody does.
constexpr int kTries = 9;

model::FieldSet FieldsOf(const runtime::ContainerNames& names) {
  model::FieldSet fields;
  const auto set = [&](model::Field field, const std::string& text) {
    if (!text.empty()) fields.SetText(field, CleanText(text));
  };
  set(model::Field::kName, names.name);
  set(model::Field::kImage, names.image);
  set(model::Field::kPod, names.pod);
  set(model::Field::kNamespace, names.name_space);
  set(model::Field::kContainer, names.container);
  set(model::Field::kAgent, names.agent);
  return fields;
}

}  // namespace

Result<std::unique_ptr<Namer>> Namer::Start(NamerOptions options) {
  Fd ready(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!ready.is_open()) return Error::FromErrno(errno, "eventfd");
  std::unique_ptr<Namer> namer(new Namer(std::move(options), std::move(ready)));
  namer->thread_ = std::thread([self = namer.get()] {
    ::pthread_setname_np(::pthread_self(), "ballast-names");
    self->Run();
  });
  return namer;
}

Namer::~Namer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Namer::Want(Wanted wanted) {
  const std::lock_guard lock(mutex_);
  const std::uint32_t slot = wanted.slot;
  asked_.insert_or_assign(slot, Asked{std::move(wanted), 0, {}, {}});
  wake_.notify_all();
}

void Namer::Forget(std::uint32_t slot) {
  const std::lock_guard lock(mutex_);
  asked_.erase(slot);
}

std::vector<Named> Namer::Take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(ready_.get(), &count, sizeof(count));
  const std::lock_guard lock(mutex_);
  return std::exchange(named_, {});
}

std::vector<Wanted> Namer::Due(steady_clock::time_point now) const {
  std::vector<Wanted> due;
  for (const auto& [slot, asked] : asked_)
    if (asked.next <= now) due.push_back(asked.wanted);
  return due;
}

void Namer::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    const std::vector<Wanted> due = Due(steady_clock::now());
    if (!due.empty()) {
      lock.unlock();
      const auto known = Ask(due);
      lock.lock();
      Note(due, known);
    }
    // What was wanted during the round waits for the gap: births come in flocks.
    wake_.wait_for(lock, options_.gap, [this] { return stop_; });
    while (!stop_ && Due(steady_clock::now()).empty()) {
      auto next = steady_clock::time_point::max();
      for (const auto& [slot, asked] : asked_) next = std::min(next, asked.next);
      if (asked_.empty())
        wake_.wait(lock);
      else
        wake_.wait_until(lock, next);
    }
  }
}

std::map<std::string, runtime::ContainerInfo> Namer::Ask(const std::vector<Wanted>& wanted) const {
  std::map<std::string, runtime::ContainerInfo> known;
  for (const std::string& socket : options_.sockets) {
    std::error_code error;
    if (!std::filesystem::is_socket(socket, error)) continue;
    auto listed = runtime::ListContainers(socket);
    if (!listed) continue;
    for (runtime::ContainerInfo& info : *listed) known.emplace(info.id, std::move(info));
  }
  const auto is_known = [&](const Wanted& one) { return known.contains(one.container_id); };
  for (const std::string& socket : options_.cri_sockets) {
    std::error_code error;
    if (std::ranges::all_of(wanted, is_known)) break;
    if (!std::filesystem::is_socket(socket, error)) continue;
    auto listed = runtime::ListCriContainers(socket);
    if (!listed) continue;
    for (runtime::ContainerInfo& info : *listed) known.emplace(info.id, std::move(info));
  }
  for (const Wanted& one : wanted)
    if (!known.contains(one.container_id))
      if (auto info = runtime::ReadBundle(options_.root, one.container_id, one.name_space))
        known.emplace(one.container_id, *std::move(info));
  return known;
}

void Namer::Note(const std::vector<Wanted>& due,
                 const std::map<std::string, runtime::ContainerInfo>& known) {
  const auto now = steady_clock::now();
  for (const Wanted& wanted : due) {
    const auto found = asked_.find(wanted.slot);
    // Forgotten meanwhile, or the slot is another's.
    if (found == asked_.end() || found->second.wanted.ref != wanted.ref) continue;
    Asked& asked = found->second;
    const auto info = known.find(wanted.container_id);
    if (info == known.end()) {
      asked.next =
          now + (asked.tries < kTries ? options_.gap * (1 << asked.tries) : options_.refresh);
      asked.tries = std::min(asked.tries + 1, kTries);
      continue;
    }
    asked.next = now + options_.refresh;
    model::FieldSet fields = FieldsOf(runtime::NamesOf(info->second, options_.agent_label));
    if (fields == asked.told) continue;
    asked.told = fields;
    named_.push_back({wanted.slot, wanted.ref, std::move(fields)});
  }
  const std::uint64_t one = 1;
  if (!named_.empty()) [[maybe_unused]]
    const ssize_t written = ::write(ready_.get(), &one, sizeof(one));
}

}  // namespace ballast::discover
