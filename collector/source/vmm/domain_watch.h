#pragma once

// What libvirt says about the VMs that it runs, asked by a thread of its own,
// because its calls block.
//
//   auto libvirt = DomainWatch::Start({.uri = "qemu:///system"});
//   if (auto domain = libvirt->Find(uuid)) ...
//
// Nothing is asked, and the library is not loaded, before the first Find(): a host
// whose VMs carry no UUID, or that has none, pays nothing. Never required: where
// libvirt is not installed or does not answer, nobody is found. Thread-safe.

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "collector/runtime/libvirt.h"

namespace ballast::source {

struct DomainWatchOptions {
  std::string uri = "qemu:///system";  // empty: nobody is asked
  // One of these is there where that URI's daemon listens; else it is not asked,
  // so that the library is not loaded in vain. Empty: asked in any case.
  std::vector<std::string> sockets = {"/run/libvirt/libvirt-sock-ro",
                                      "/run/libvirt/virtqemud-sock-ro"};
  std::chrono::milliseconds period{5000};  // one request, and a title for each domain
};

class DomainWatch {
 public:
  static std::unique_ptr<DomainWatch> Start(DomainWatchOptions options);
  ~DomainWatch();
  DomainWatch(const DomainWatch&) = delete;
  DomainWatch& operator=(const DomainWatch&) = delete;

  // As of the last answer; nullopt: libvirt does not run it, or was not asked yet.
  std::optional<runtime::Domain> Find(const std::string& uuid);

 private:
  explicit DomainWatch(DomainWatchOptions options) : options_(std::move(options)) {}
  void Run();
  // Opens a connection where there is none. Empty: nobody answers.
  std::map<std::string, runtime::Domain> Ask(std::optional<runtime::LibvirtConnection>& libvirt);
  bool IsThere() const;

  const DomainWatchOptions options_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  bool stop_ = false;
  bool is_wanted_ = false;
  std::map<std::string, runtime::Domain> domains_;  // by UUID
  std::thread thread_;
};

}  // namespace ballast::source
