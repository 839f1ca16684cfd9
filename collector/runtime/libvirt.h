#pragma once

// A connection to libvirt, which runs VMs: who they are (for the collector) and
// how large they are (for the autoscaler's actuator).
//
//   auto libvirt = LibvirtConnection::Open("qemu:///system", LibvirtAccess::kWrite);
//   const auto domains = libvirt->ListDomains();
//   libvirt->SetMemory(domains->front().uuid, 512ULL << 20);
//
// Domains are told by UUID, the one name that no other domain takes: it is also
// in the VMM's command line (QEMU's -uuid) and in records (Field::kGuestUuid),
// which is how a domain, its process and its cgroup are known to be the same VM.
//
// libvirt is loaded when the first connection is opened; where it is not
// installed, Open() says so (ENOENT) and nothing else is lost. Every call blocks;
// only threads that may wait use it. A daemon that stopped answering is noticed
// within kLibvirtPatience and calls fail then; one that waits for its QEMU gives
// up after 30 s by itself. Once is_alive() is false, open a new connection.
// Operations may be called by several threads, which libvirt serialises.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/base/result.h"

namespace ballast::runtime {

struct LibvirtLibrary;

inline constexpr std::chrono::seconds kLibvirtPatience{10};

// A running domain. Absent: this driver or guest does not say.
struct Domain {
  std::string uuid;  // 36 characters, lower case
  std::string name;
  std::string title;  // empty: none was given
  // Counts a daemon's starts of domains: the same UUID, started again, has another.
  std::uint32_t id = 0;
  std::optional<std::uint32_t> vcpus = std::nullopt;
  std::optional<std::uint32_t> max_vcpus = std::nullopt;
  std::optional<std::uint64_t> memory_bytes = std::nullopt;      // the balloon lets it have
  std::optional<std::uint64_t> max_memory_bytes = std::nullopt;  // it was defined with
  // As the guest's balloon driver reports, which it does only where a period for
  // it is set (<stats period=.../>).
  std::optional<std::uint64_t> guest_available_bytes = std::nullopt;  // memory it sees
  std::optional<std::uint64_t> guest_unused_bytes = std::nullopt;     // left empty by it
  std::optional<std::uint64_t> guest_usable_bytes = std::nullopt;     // without swapping

  friend bool operator==(const Domain&, const Domain&) = default;
};

// CPU bandwidth and weight. Absent: not told by the driver (reading), left as it
// is (writing). A quota is microseconds of CPU time in each period, for each
// vCPU thread (vcpu_), for the VM as a whole (global_); -1: no bound.
struct DomainCpuTune {
  std::optional<std::uint64_t> shares = std::nullopt;  // v1: 2 to 262144; v2: 1 to 10000
  std::optional<std::uint64_t> vcpu_period_us = std::nullopt;
  std::optional<std::int64_t> vcpu_quota_us = std::nullopt;
  std::optional<std::uint64_t> global_period_us = std::nullopt;
  std::optional<std::int64_t> global_quota_us = std::nullopt;
  std::optional<std::uint64_t> emulator_period_us = std::nullopt;
  std::optional<std::int64_t> emulator_quota_us = std::nullopt;

  friend bool operator==(const DomainCpuTune&, const DomainCpuTune&) = default;
};

// Bounds of one disk, per second; 0: no bound. Absent as above. libvirt refuses a
// total beside a bound of one direction of the same kind.
struct DomainBlockTune {
  std::optional<std::uint64_t> total_bytes = std::nullopt;
  std::optional<std::uint64_t> read_bytes = std::nullopt;
  std::optional<std::uint64_t> write_bytes = std::nullopt;
  std::optional<std::uint64_t> total_operations = std::nullopt;
  std::optional<std::uint64_t> read_operations = std::nullopt;
  std::optional<std::uint64_t> write_operations = std::nullopt;

  friend bool operator==(const DomainBlockTune&, const DomainBlockTune&) = default;
};

enum class LibvirtAccess { kRead, kWrite };

class LibvirtConnection {
 public:
  // `uri` as libvirt has it: "qemu:///system", "test:///default". Errors: ENOENT
  // where libvirt is not installed, permission_denied, else libvirt's sentence.
  static Result<LibvirtConnection> Open(const std::string& uri, LibvirtAccess access);
  LibvirtConnection(LibvirtConnection&& other) noexcept;
  LibvirtConnection& operator=(LibvirtConnection&& other) noexcept;
  ~LibvirtConnection();

  bool is_alive() const;

  // Domains that run. A domain that is busy with another request is listed with
  // what can be told without waiting for it.
  Result<std::vector<Domain>> ListDomains() const;
  // Its Domain::id, without a question to its VMM.
  Result<std::uint32_t> ReadId(const std::string& uuid) const;
  // One of them, waiting for what it is busy with.
  Result<Domain> ReadDomain(const std::string& uuid) const;

  // All below are of a running domain, for its present life only. Errors:
  // no_such_process where no domain has this UUID, operation_not_permitted where
  // it does not run, not_supported where the driver cannot, permission_denied.

  // Asks the balloon; the guest follows when it can. In whole KiB, rounded down.
  // Not above max_memory_bytes.
  Result<> SetMemory(const std::string& uuid, std::uint64_t bytes) const;
  // Seconds between two reports of the guest's balloon driver; 0: it is not asked for any.
  Result<std::uint32_t> ReadMemoryReports(const std::string& uuid) const;
  Result<> SetMemoryReports(const std::string& uuid, std::uint32_t seconds) const;
  // Targets of its disks: "vda".
  Result<std::vector<std::string>> ListDisks(const std::string& uuid) const;
  // Adds or removes vCPUs, up to max_vcpus; removing needs the guest's consent.
  Result<> SetVcpus(const std::string& uuid, std::uint32_t count) const;
  Result<DomainCpuTune> ReadCpuTune(const std::string& uuid) const;
  Result<> SetCpuTune(const std::string& uuid, const DomainCpuTune& tune) const;
  // `disk`: its target in the domain ("vda") or the path of its source.
  Result<DomainBlockTune> ReadBlockTune(const std::string& uuid, const std::string& disk) const;
  Result<> SetBlockTune(const std::string& uuid, const std::string& disk,
                        const DomainBlockTune& tune) const;

 private:
  LibvirtConnection(const LibvirtLibrary& library, void* connection)
      : library_(&library), connection_(connection) {}

  const LibvirtLibrary* library_;  // lives as long as the process
  void* connection_;               // virConnectPtr; owned
};

}  // namespace ballast::runtime
