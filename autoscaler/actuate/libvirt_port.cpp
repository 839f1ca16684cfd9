// VMs through libvirt: what it does it knows, and writes again after a migration.

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <map>
#include <mutex>

#include "autoscaler/actuate/limit_text.h"
#include "autoscaler/actuate/vm_port.h"
#include "autoscaler/actuate/vm_ports.h"
#include "collector/runtime/libvirt.h"

namespace ballast::actuate {
namespace {

using runtime::LibvirtConnection;
using Connection = std::shared_ptr<const LibvirtConnection>;

// What a group's name holds of a domain's in any case: libvirt drops what it may not hold, and
// repeated dots and hyphens (virDomainMachineNameAppendValid()).
std::string Letters(std::string_view name) {
  std::string letters;
  std::ranges::copy_if(name, std::back_inserter(letters),
                       [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  return letters;
}

// One connection for each address, opened anew when its daemon went away. Each caller has one
// for as long as it needs it.
Result<Connection> Connect(const std::string& uri) {
  static std::mutex mutex;
  static std::map<std::string, Connection> connections;
  {
    const std::lock_guard lock(mutex);
    const Connection& known = connections[uri];
    if (known && known->is_alive()) return known;
  }
  // Without the lock: a daemon that hangs holds up those who ask for it alone.
  BALLAST_TRY(LibvirtConnection opened,
              LibvirtConnection::Open(uri, runtime::LibvirtAccess::kWrite), "libvirt");
  auto fresh = std::make_shared<const LibvirtConnection>(std::move(opened));
  const std::lock_guard lock(mutex);
  return connections[uri] = std::move(fresh);
}

class LibvirtPort final : public VmPort {
 public:
  LibvirtPort(Connection libvirt, std::string uuid)
      : libvirt_(std::move(libvirt)), uuid_(std::move(uuid)) {}

  Result<VmMemory> Memory() override {
    BALLAST_TRY(const runtime::Domain domain, libvirt_->ReadDomain(uuid_), "memory");
    VmMemory memory;
    memory.most = static_cast<std::int64_t>(domain.max_memory_bytes.value_or(0));
    if (domain.memory_bytes) memory.now = static_cast<std::int64_t>(*domain.memory_bytes);
    const auto free =
        domain.guest_usable_bytes ? domain.guest_usable_bytes : domain.guest_unused_bytes;
    // What the kernel of the guest holds for itself is in neither number, hence from the whole.
    if (memory.now && free) memory.used = *memory.now - static_cast<std::int64_t>(*free);
    return memory;
  }
  Result<> SetMemory(std::int64_t bytes) override {
    return libvirt_->SetMemory(uuid_, static_cast<std::uint64_t>(bytes));
  }
  Result<std::optional<std::int64_t>> ReportPeriod() override {
    BALLAST_TRY(const std::uint32_t seconds, libvirt_->ReadMemoryReports(uuid_), "reports");
    return std::optional<std::int64_t>(seconds);
  }
  Result<> SetReportPeriod(std::int64_t seconds) override {
    return libvirt_->SetMemoryReports(uuid_, static_cast<std::uint32_t>(seconds));
  }
  Result<std::optional<VmCpu>> Cpu() override {
    BALLAST_TRY(const runtime::DomainCpuTune tune, libvirt_->ReadCpuTune(uuid_), "CPU");
    if (!tune.global_quota_us)
      return Error::Invalid("libvirt's driver sets no quota for a whole VM");
    VmCpu cpu;
    cpu.quota_us = *tune.global_quota_us < 0 ? -1 : *tune.global_quota_us;
    cpu.period_us = static_cast<std::int64_t>(tune.global_period_us.value_or(0));
    if (cpu.period_us <= 0) cpu.period_us = kDefaultPeriodUs;
    if (tune.shares) cpu.shares = static_cast<std::int64_t>(*tune.shares);
    return std::optional<VmCpu>(cpu);
  }
  Result<> SetQuota(std::int64_t us) override {
    return libvirt_->SetCpuTune(uuid_, {.global_quota_us = us});
  }
  Result<> SetShares(std::int64_t shares) override {
    return libvirt_->SetCpuTune(uuid_, {.shares = static_cast<std::uint64_t>(shares)});
  }
  Result<runtime::QmpCpus> Vcpus() override {
    BALLAST_TRY(const runtime::Domain domain, libvirt_->ReadDomain(uuid_), "vCPUs");
    return runtime::QmpCpus{
        .plugged = static_cast<int>(domain.vcpus.value_or(1)),
        .possible = static_cast<int>(domain.max_vcpus.value_or(domain.vcpus.value_or(1)))};
  }
  Result<> SetVcpus(int wanted) override {
    return libvirt_->SetVcpus(uuid_, static_cast<std::uint32_t>(wanted));
  }
  // A disk that is bounded by direction or by operations has an owner who thought about it.
  Result<std::vector<runtime::QmpDrive>> Drives() override {
    BALLAST_TRY(const auto disks, libvirt_->ListDisks(uuid_), "disks");
    std::vector<runtime::QmpDrive> drives;
    for (const std::string& disk : disks) {
      BALLAST_TRY(const auto tune, libvirt_->ReadBlockTune(uuid_, disk), disk);
      if (tune.read_bytes.value_or(0) == 0 && tune.write_bytes.value_or(0) == 0)
        drives.push_back({disk, static_cast<std::int64_t>(tune.total_bytes.value_or(0))});
    }
    return drives;
  }
  Result<> LimitDrive(const std::string& name, std::int64_t bytes_per_second) override {
    return libvirt_->SetBlockTune(uuid_, name,
                                  {.total_bytes = static_cast<std::uint64_t>(bytes_per_second)});
  }

 private:
  Connection libvirt_;
  std::string uuid_;
};

// systemd writes what a unit's name may not hold as \x2d.
std::string Unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text.substr(i, 2) == "\\x" && i + 4 <= text.size() &&
        std::from_chars(text.data() + i + 2, text.data() + i + 4, value, 16).ec == std::errc()) {
      plain += static_cast<char>(value);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

bool StripEnds(std::string_view& text, std::string_view begin, std::string_view end) {
  if (text.size() <= begin.size() + end.size() || !text.starts_with(begin) || !text.ends_with(end))
    return false;
  text.remove_prefix(begin.size());
  text.remove_suffix(end.size());
  return true;
}

}  // namespace

std::optional<LibvirtGroup> LibvirtGroupOf(std::string_view path) {
  std::string_view last = path.substr(path.rfind('/') + 1);
  if (!StripEnds(last, "machine-qemu\\x2d", ".scope") && !StripEnds(last, "qemu-", ".libvirt-qemu"))
    return std::nullopt;
  const std::string plain = Unescape(last);  // "3-guest"
  LibvirtGroup group;
  const char* const end = plain.data() + plain.size();
  const auto [number_end, error] = std::from_chars(plain.data(), end, group.id);
  if (error != std::errc() || number_end == end || *number_end != '-') return std::nullopt;
  group.name = std::string(number_end + 1, end);
  return group;
}

Result<VmAddress> FindLibvirtDomain(const std::string& uri, const LibvirtGroup& group) {
  BALLAST_TRY(const Connection libvirt, Connect(uri), "find");
  BALLAST_TRY(const auto domains, libvirt->ListDomains(), uri);
  for (const runtime::Domain& domain : domains)
    if (domain.id == group.id && Letters(domain.name).starts_with(Letters(group.name)))
      return VmAddress{std::string(kLibvirtScheme) + domain.uuid + " " + uri, domain.id};
  return Error::FromErrno(
      ENOENT, uri + ": runs no domain " + std::to_string(group.id) + " '" + group.name + "'");
}

Result<std::unique_ptr<VmPort>> OpenLibvirt(const VmAddress& address) {
  const std::string_view rest = std::string_view(address.text).substr(kLibvirtScheme.size());
  const std::size_t space = std::min(rest.find(' '), rest.size());
  const std::string uuid(rest.substr(0, space));
  BALLAST_TRY(const Connection libvirt,
              Connect(std::string(rest.substr(std::min(space + 1, rest.size())))),
              "domain " + uuid);
  const auto id = libvirt->ReadId(uuid);
  if (!id && id.error().code() == std::errc::no_such_process)
    return Error::FromErrno(ENOENT, "domain " + uuid);
  if (!id) return id.error();
  if (*id != address.id) return Error::FromErrno(ENOENT, "domain " + uuid + ": was started anew");
  return std::unique_ptr<VmPort>(std::make_unique<LibvirtPort>(libvirt, uuid));
}

bool IsVmAddress(std::string_view text) {
  return text.starts_with(kQmpScheme) || text.starts_with(kLibvirtScheme);
}

Result<std::unique_ptr<VmPort>> OpenVm(const VmAddress& address) {
  return address.text.starts_with(kQmpScheme) ? OpenQmp(address) : OpenLibvirt(address);
}

}  // namespace ballast::actuate
