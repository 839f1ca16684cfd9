#pragma once

// Changing a running QEMU through its machine protocol, and reading back what
// became of it. One conversation for as long as the object lives; QEMU serves
// one client at a time on a socket, so keep it short or give Ballast a socket
// of its own (-qmp unix:PATH,server=on,wait=off).
//
//   BALLAST_TRY(QmpControl qemu, QmpControl::Open(path), "resize");
//   qemu.SetBalloon(bytes); qemu.Balloon();
//
// Blocking, at most half a second in all. Not thread-safe.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/base/result.h"
#include "collector/runtime/unix_request.h"

namespace ballast::runtime {

struct QmpDrive {
  std::string name;                   // its device, or the path of its qdev
  std::int64_t bytes_per_second = 0;  // 0: no limit
};

struct QmpCpus {
  int plugged = 0;
  int possible = 0;
};

class QmpControl {
 public:
  // The greeting and the capabilities are behind it.
  static Result<QmpControl> Open(const std::string& socket_path);

  // Who listens at the other end: QEMU itself.
  pid_t pid() const { return pid_; }

  // Bytes of memory that the guest was started with.
  Result<std::int64_t> MemoryBytes();
  // What the guest has at the moment; nullopt: no balloon device, or no driver in the guest.
  Result<std::optional<std::int64_t>> Balloon();
  // Asks the guest; it gives or takes the memory over the next moments.
  Result<> SetBalloon(std::int64_t bytes);
  // What the guest's driver says could be given away without swapping; nullopt: it says nothing.
  // The first call switches the driver's reports on, so the second knows more.
  Result<std::optional<std::int64_t>> GuestAvailable();

  Result<std::vector<QmpDrive>> Drives();
  Result<> LimitDrive(const std::string& name, std::int64_t bytes_per_second);

  Result<QmpCpus> Cpus();
  // Plugs or unplugs until `wanted` are there. Unplugging is a request that the guest may take its
  // time for, or ignore.
  Result<> SetCpus(int wanted);

 private:
  struct Reply;  // keeps JSON out of the header
  explicit QmpControl(UnixConversation qemu, pid_t pid) : qemu_(std::move(qemu)), pid_(pid) {}
  Result<Reply> Ask(const std::string& command, const std::string& arguments = "");
  // The balloon's path in QEMU's object tree; empty: none.
  Result<std::string> FindBalloon();

  UnixConversation qemu_;
  pid_t pid_ = 0;
};

}  // namespace ballast::runtime
