#pragma once

// Tracefs where kernels keep it, for this process alone: hosts without systemd do
// not mount it, and a test leaves a host's mounts as they are. Needs root.

#include <sched.h>
#include <sys/mount.h>

#include <filesystem>
#include <string>

namespace ballast::test {

// False: there is none to be had. Requires: one thread so far.
inline bool MountTracefsForThisProcess() {
  const char* where = "/sys/kernel/tracing";
  if (std::filesystem::exists(std::string(where) + "/events")) return true;
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tracefs", where, "tracefs", 0, nullptr) == 0;
}

}  // namespace ballast::test
