#pragma once

// One virtual machine as whoever runs it lets it be resized: QEMU itself (QMP), or
// libvirt, behind whose back nothing is changed.
//
//   qmp:/run/agent.qmp                      with the pid of QEMU
//   libvirt:<uuid> qemu:///system           with the domain's number, which counts its starts
//
// Every call blocks, for seconds where the other side hangs: side threads alone
// make them. Not thread-safe.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/base/result.h"
#include "collector/runtime/qmp_control.h"

namespace ballast::actuate {

struct VmAddress {
  std::string text;
  std::uint64_t id = 0;  // of this life of the VM

  friend bool operator==(const VmAddress&, const VmAddress&) = default;
};

// Bytes.
struct VmMemory {
  std::int64_t most = 0;                            // it was started with
  std::optional<std::int64_t> now = std::nullopt;   // absent: it has no balloon
  std::optional<std::int64_t> used = std::nullopt;  // as the guest says; absent: it does not
};

struct VmCpu {
  std::int64_t quota_us = -1;  // of the VM as a whole; -1: none
  std::int64_t period_us = 0;
  std::optional<std::int64_t> shares = std::nullopt;  // in the unit of its cgroup version
};

class VmPort {
 public:
  virtual ~VmPort() = default;

  virtual Result<VmMemory> Memory() = 0;
  // Asks the guest, which follows over the next moments.
  virtual Result<> SetMemory(std::int64_t bytes) = 0;
  // Seconds between the reports that Memory() knows `used` from; nullopt: nothing to put back.
  virtual Result<std::optional<std::int64_t>> ReportPeriod() { return {std::nullopt}; }
  virtual Result<> SetReportPeriod(std::int64_t) { return Ok(); }
  // Absent: bandwidth and weight are the control files'.
  virtual Result<std::optional<VmCpu>> Cpu() { return {std::nullopt}; }
  virtual Result<> SetQuota(std::int64_t) { return Ok(); }
  virtual Result<> SetShares(std::int64_t) { return Ok(); }
  virtual Result<runtime::QmpCpus> Vcpus() = 0;
  virtual Result<> SetVcpus(int wanted) = 0;
  virtual Result<std::vector<runtime::QmpDrive>> Drives() = 0;
  virtual Result<> LimitDrive(const std::string& name, std::int64_t bytes_per_second) = 0;
};

// The VM that was meant: ENOENT where another one has its place, or none.
using OpenVmPort = std::function<Result<std::unique_ptr<VmPort>>(const VmAddress&)>;
// By the address. Libvirt's connections are shared and kept; thread-safe.
Result<std::unique_ptr<VmPort>> OpenVm(const VmAddress& address);

inline constexpr std::string_view kQmpScheme = "qmp:";
inline constexpr std::string_view kLibvirtScheme = "libvirt:";
bool IsVmAddress(std::string_view text);

// The number and the name that libvirt puts into its groups' names:
// "/machine.slice/machine-qemu\x2d3\x2dguest.scope", "/machine/qemu-3-guest.libvirt-qemu".
struct LibvirtGroup {
  std::uint64_t id = 0;
  std::string name;  // of the domain, without what a group's name may not hold; may be cut

  friend bool operator==(const LibvirtGroup&, const LibvirtGroup&) = default;
};
// nullopt: not a VM of libvirt's.
std::optional<LibvirtGroup> LibvirtGroupOf(std::string_view path);

// The domain that runs in that group. Blocks. Error: no such domain, or nobody answers.
Result<VmAddress> FindLibvirtDomain(const std::string& uri, const LibvirtGroup& group);

}  // namespace ballast::actuate
