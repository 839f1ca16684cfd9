// VMs through QEMU's machine protocol. One conversation for as long as the port lives.

#include "autoscaler/actuate/vm_port.h"
#include "autoscaler/actuate/vm_ports.h"

namespace ballast::actuate {
namespace {

using runtime::QmpControl;

class QmpPort final : public VmPort {
 public:
  explicit QmpPort(QmpControl qemu) : qemu_(std::move(qemu)) {}

  Result<VmMemory> Memory() override {
    VmMemory memory;
    BALLAST_TRY(memory.most, qemu_.MemoryBytes(), "memory");
    BALLAST_TRY(memory.now, qemu_.Balloon(), "memory");
    if (!memory.now) return memory;
    // The first question switches the reports of the guest's driver on.
    BALLAST_TRY(const auto available, qemu_.GuestAvailable(), "memory");
    if (available) memory.used = *memory.now - *available;
    return memory;
  }
  Result<> SetMemory(std::int64_t bytes) override { return qemu_.SetBalloon(bytes); }
  Result<runtime::QmpCpus> Vcpus() override { return qemu_.Cpus(); }
  Result<> SetVcpus(int wanted) override { return qemu_.SetCpus(wanted); }
  Result<std::vector<runtime::QmpDrive>> Drives() override { return qemu_.Drives(); }
  Result<> LimitDrive(const std::string& name, std::int64_t bytes_per_second) override {
    return qemu_.LimitDrive(name, bytes_per_second);
  }

 private:
  QmpControl qemu_;
};

}  // namespace

Result<std::unique_ptr<VmPort>> OpenQmp(const VmAddress& address) {
  const std::string socket = address.text.substr(kQmpScheme.size());
  BALLAST_TRY(QmpControl qemu, QmpControl::Open(socket), "QMP");
  // Another one may have its socket by now.
  if (static_cast<std::uint64_t>(qemu.pid()) != address.id)
    return Error::FromErrno(ENOENT, socket + ": another VM listens there");
  return std::unique_ptr<VmPort>(std::make_unique<QmpPort>(std::move(qemu)));
}

}  // namespace ballast::actuate
