#include "autoscaler/actuate/runtime_teller.h"

#include <algorithm>

namespace ballast::actuate {
namespace {

// A daemon that did not answer is left alone for so long.
constexpr std::chrono::seconds kSilence{30};

// Else a daemon said something, if only that it knows no such container.
bool IsSilence(const Error& error) {
  const auto& code = error.code();
  return code == std::errc::timed_out || code == std::errc::connection_refused ||
         code == std::errc::no_such_file_or_directory || code == std::errc::connection_reset ||
         code == std::errc::resource_unavailable_try_again;
}

}  // namespace

void RuntimeTeller::Begin(const model::WorkloadKey& key, const std::string& socket,
                          const std::string& container, const runtime::ContainerLimits& limits) {
  under_way_ = std::make_shared<Told>();
  under_way_->key = key;
  std::vector<std::string> sockets = sockets_;
  // The one that knew it last time comes first.
  std::ranges::stable_partition(sockets, [&](const std::string& one) { return one == socket; });
  aside_.Begin([told = under_way_, sockets = std::move(sockets), container, limits] {
    told->answered = false;
    for (const std::string& one : sockets) {
      const auto done = runtime::UpdateContainer(one, container, limits);
      const bool answered = done || !IsSilence(done.error());
      if (answered || !told->answered) {
        told->socket = one;
        told->error = done ? std::nullopt : std::optional(done.error());
      }
      told->answered = told->answered || answered;
      if (done) return;
    }
  });
}

std::optional<RuntimeTeller::Told> RuntimeTeller::Take(BootTime now) {
  if (!under_way_ || aside_.is_busy()) return std::nullopt;
  Told told = std::move(*std::exchange(under_way_, nullptr));
  if (!told.answered) silent_until_ = now + kSilence;
  return told;
}

}  // namespace ballast::actuate
