#include "collector/source/vmm/domain_watch.h"

#include <pthread.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace ballast::source {

std::unique_ptr<DomainWatch> DomainWatch::Start(DomainWatchOptions options) {
  std::unique_ptr<DomainWatch> watch(new DomainWatch(std::move(options)));
  watch->thread_ = std::thread([self = watch.get()] {
    ::pthread_setname_np(::pthread_self(), "ballast-libvirt");
    self->Run();
  });
  return watch;
}

DomainWatch::~DomainWatch() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::optional<runtime::Domain> DomainWatch::Find(const std::string& uuid) {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(is_wanted_, true)) wake_.notify_all();
  const auto found = domains_.find(uuid);
  return found == domains_.end() ? std::nullopt : std::optional(found->second);
}

bool DomainWatch::IsThere() const {
  const auto is_socket = [](const std::string& path) {
    std::error_code error;
    return std::filesystem::is_socket(path, error);
  };
  return !options_.uri.empty() &&
         (options_.sockets.empty() || std::ranges::any_of(options_.sockets, is_socket));
}

std::map<std::string, runtime::Domain> DomainWatch::Ask(
    std::optional<runtime::LibvirtConnection>& libvirt) {
  std::map<std::string, runtime::Domain> domains;
  if (libvirt && !libvirt->is_alive()) libvirt.reset();
  if (!libvirt && IsThere())
    if (auto opened = runtime::LibvirtConnection::Open(options_.uri, runtime::LibvirtAccess::kRead))
      libvirt.emplace(*std::move(opened));
  if (!libvirt) return domains;
  auto listed = libvirt->ListDomains();
  if (!listed) return domains;
  for (runtime::Domain& domain : *listed) domains.emplace(domain.uuid, std::move(domain));
  return domains;
}

void DomainWatch::Run() {
  std::optional<runtime::LibvirtConnection> libvirt;
  std::unique_lock lock(mutex_);
  while (!stop_) {
    wake_.wait(lock, [this] { return stop_ || is_wanted_; });
    if (stop_) return;
    // Asked for again as long as a VM with a UUID runs.
    is_wanted_ = false;
    lock.unlock();
    auto domains = Ask(libvirt);
    lock.lock();
    domains_ = std::move(domains);
    wake_.wait_for(lock, options_.period, [this] { return stop_; });
  }
}

}  // namespace ballast::source
