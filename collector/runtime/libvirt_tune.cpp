// The half of LibvirtConnection that changes domains.

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "collector/runtime/libvirt.h"
#include "collector/runtime/libvirt_domain.h"

namespace ballast::runtime {
namespace {

// table
constexpr std::array kCpuUnsigned = {
    NamedMember<DomainCpuTune, std::uint64_t>{VIR_DOMAIN_SCHEDULER_CPU_SHARES,
                                              &DomainCpuTune::shares},
    NamedMember<DomainCpuTune, std::uint64_t>{VIR_DOMAIN_SCHEDULER_VCPU_PERIOD,
                                              &DomainCpuTune::vcpu_period_us},
    NamedMember<DomainCpuTune, std::uint64_t>{VIR_DOMAIN_SCHEDULER_GLOBAL_PERIOD,
                                              &DomainCpuTune::global_period_us},
    NamedMember<DomainCpuTune, std::uint64_t>{VIR_DOMAIN_SCHEDULER_EMULATOR_PERIOD,
                                              &DomainCpuTune::emulator_period_us},
};
constexpr std::array kCpuSigned = {
    NamedMember<DomainCpuTune, std::int64_t>{VIR_DOMAIN_SCHEDULER_VCPU_QUOTA,
                                             &DomainCpuTune::vcpu_quota_us},
    NamedMember<DomainCpuTune, std::int64_t>{VIR_DOMAIN_SCHEDULER_GLOBAL_QUOTA,
                                             &DomainCpuTune::global_quota_us},
    NamedMember<DomainCpuTune, std::int64_t>{VIR_DOMAIN_SCHEDULER_EMULATOR_QUOTA,
                                             &DomainCpuTune::emulator_quota_us},
};
constexpr std::array kBlock = {
    NamedMember<DomainBlockTune, std::uint64_t>{VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC,
                                                &DomainBlockTune::total_bytes},
    NamedMember<DomainBlockTune, std::uint64_t>{VIR_DOMAIN_BLOCK_IOTUNE_READ_BYTES_SEC,
                                                &DomainBlockTune::read_bytes},
    NamedMember<DomainBlockTune, std::uint64_t>{VIR_DOMAIN_BLOCK_IOTUNE_WRITE_BYTES_SEC,
                                                &DomainBlockTune::write_bytes},
    NamedMember<DomainBlockTune, std::uint64_t>{VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_IOPS_SEC,
                                                &DomainBlockTune::total_operations},
    NamedMember<DomainBlockTune, std::uint64_t>{VIR_DOMAIN_BLOCK_IOTUNE_READ_IOPS_SEC,
                                                &DomainBlockTune::read_operations},
    NamedMember<DomainBlockTune, std::uint64_t>{VIR_DOMAIN_BLOCK_IOTUNE_WRITE_IOPS_SEC,
                                                &DomainBlockTune::write_operations},
};

template <typename Struct, typename Table>
void Take(std::span<const virTypedParameter> parameters, const Table& table, Struct& into) {
  for (const auto& row : table)
    if (const auto number = FindNumber(parameters, row.name))
      into.*(row.member) = static_cast<std::int64_t>(*number);
}

template <typename Struct, typename Table>
void Give(const Struct& from, const Table& table, int type,
          std::vector<virTypedParameter>& parameters) {
  for (const auto& row : table)
    if (const auto& value = from.*(row.member))
      AppendNumber(parameters, row.name, type, static_cast<std::uint64_t>(*value));
}

// libvirt's own convention: how many there are, then those.
template <typename Read>
Result<std::vector<virTypedParameter>> ReadParameters(const LibvirtLibrary& library,
                                                      const char* what, int count,
                                                      const Read& read) {
  std::vector<virTypedParameter> parameters(static_cast<std::size_t>(std::max(count, 0)));
  if (count < 0 || (count > 0 && read(parameters.data(), &count) != 0))
    return LastLibvirtError(library, what);
  parameters.resize(static_cast<std::size_t>(count));
  library.TypedParamsClear(parameters.data(), count);  // texts, which nobody here reads
  return parameters;
}

}  // namespace

Result<DomainPtr> FindDomain(const LibvirtLibrary& library, virConnectPtr connection,
                             const std::string& uuid) {
  DomainPtr domain(library.DomainLookupByUUIDString(connection, uuid.c_str()),
                   DomainCloser{&library});
  if (!domain) return LastLibvirtError(library, "domain " + uuid);
  return domain;
}

std::optional<std::uint64_t> FindNumber(std::span<const virTypedParameter> parameters,
                                        const char* name) {
  for (const virTypedParameter& parameter : parameters) {
    if (std::strcmp(parameter.field, name) != 0) continue;
    switch (parameter.type) {
      case VIR_TYPED_PARAM_INT:
        return static_cast<std::uint64_t>(parameter.value.i);
      case VIR_TYPED_PARAM_UINT:
        return parameter.value.ui;
      case VIR_TYPED_PARAM_LLONG:
        return static_cast<std::uint64_t>(parameter.value.l);
      case VIR_TYPED_PARAM_ULLONG:
        return parameter.value.ul;
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;
}

void AppendNumber(std::vector<virTypedParameter>& parameters, const char* name, int type,
                  std::uint64_t value) {
  virTypedParameter parameter{};
  std::strncpy(parameter.field, name, sizeof(parameter.field) - 1);
  parameter.type = type;
  if (type == VIR_TYPED_PARAM_LLONG)
    parameter.value.l = static_cast<std::int64_t>(value);
  else
    parameter.value.ul = value;
  parameters.push_back(parameter);
}

Result<> LibvirtConnection::SetMemory(const std::string& uuid, std::uint64_t bytes) const {
  BALLAST_TRY(const DomainPtr domain,
              FindDomain(*library_, static_cast<virConnectPtr>(connection_), uuid), "memory");
  if (library_->DomainSetMemoryFlags(domain.get(), bytes / 1024, VIR_DOMAIN_AFFECT_LIVE) != 0)
    return LastLibvirtError(*library_, "memory of domain " + uuid);
  return Ok();
}

// Only the description says it. libvirt writes it by machine, with single quotes.
Result<std::uint32_t> LibvirtConnection::ReadMemoryReports(const std::string& uuid) const {
  BALLAST_TRY(const DomainPtr domain,
              FindDomain(*library_, static_cast<virConnectPtr>(connection_), uuid), "balloon");
  char* description = library_->DomainGetXMLDesc(domain.get(), 0);
  if (description == nullptr) return LastLibvirtError(*library_, "balloon of domain " + uuid);
  const std::string text(description);
  std::free(description);  // NOLINT: libvirt's malloc
  constexpr std::string_view kPeriod = "<stats period='";
  const std::size_t balloon = text.find("<memballoon");
  const std::size_t at = balloon == std::string::npos ? balloon : text.find(kPeriod, balloon);
  if (at == std::string::npos) return std::uint32_t{0};
  return static_cast<std::uint32_t>(std::strtoul(text.c_str() + at + kPeriod.size(), nullptr, 10));
}

Result<> LibvirtConnection::SetMemoryReports(const std::string& uuid, std::uint32_t seconds) const {
  BALLAST_TRY(const DomainPtr domain,
              FindDomain(*library_, static_cast<virConnectPtr>(connection_), uuid), "balloon");
  if (library_->DomainSetMemoryStatsPeriod(domain.get(), static_cast<int>(seconds),
                                           VIR_DOMAIN_AFFECT_LIVE) != 0)
    return LastLibvirtError(*library_, "balloon of domain " + uuid);
  return Ok();
}

Result<std::vector<std::string>> LibvirtConnection::ListDisks(const std::string& uuid) const {
  BALLAST_TRY(const DomainPtr domain,
              FindDomain(*library_, static_cast<virConnectPtr>(connection_), uuid), "disks");
  virDomainPtr one[] = {domain.get(), nullptr};
  virDomainStatsRecordPtr* records = nullptr;
  const int count = library_->DomainListGetStats(one, VIR_DOMAIN_STATS_BLOCK, &records, 0);
  if (count < 0) return LastLibvirtError(*library_, "disks of domain " + uuid);
  std::vector<std::string> disks;
  for (int i = 0; count > 0 && i < records[0]->nparams; ++i) {
    const virTypedParameter& parameter = records[0]->params[i];
    const std::string_view name = parameter.field;  // "block.0.name"
    if (parameter.type == VIR_TYPED_PARAM_STRING && name.starts_with("block.") &&
        name.ends_with(".name"))
      disks.emplace_back(parameter.value.s);
  }
  library_->DomainStatsRecordListFree(records);
  return disks;
}

Result<> LibvirtConnection::SetVcpus(const std::string& uuid, std::uint32_t count) const {
  BALLAST_TRY(const DomainPtr domain,
              FindDomain(*library_, static_cast<virConnectPtr>(connection_), uuid), "vCPUs");
  if (library_->DomainSetVcpusFlags(domain.get(), count, VIR_DOMAIN_AFFECT_LIVE) != 0)
    return LastLibvirtError(*library_, "vCPUs of domain " + uuid);
  return Ok();
}

Result<DomainCpuTune> LibvirtConnection::ReadCpuTune(const std::string& uuid) const {
  BALLAST_TRY(const DomainPtr domain,
              FindDomain(*library_, static_cast<virConnectPtr>(connection_), uuid), "CPU tune");
  int count = 0;
  char* type = library_->DomainGetSchedulerType(domain.get(), &count);
  std::free(type);  // NOLINT: libvirt's malloc
  BALLAST_TRY(const auto parameters,
              ReadParameters(*library_, "scheduler", type == nullptr ? -1 : count,
                             [&](virTypedParameterPtr into, int* number) {
                               return library_->DomainGetSchedulerParametersFlags(
                                   domain.get(), into, number, VIR_DOMAIN_AFFECT_LIVE);
                             }),
              "domain " + uuid);
  DomainCpuTune tune;
  Take(parameters, kCpuUnsigned, tune);
  Take(parameters, kCpuSigned, tune);
  return tune;
}

Result<> LibvirtConnection::SetCpuTune(const std::string& uuid, const DomainCpuTune& tune) const {
  BALLAST_TRY(const DomainPtr domain,
              FindDomain(*library_, static_cast<virConnectPtr>(connection_), uuid), "CPU tune");
  std::vector<virTypedParameter> parameters;
  Give(tune, kCpuUnsigned, VIR_TYPED_PARAM_ULLONG, parameters);
  Give(tune, kCpuSigned, VIR_TYPED_PARAM_LLONG, parameters);
  if (parameters.empty()) return Ok();
  if (library_->DomainSetSchedulerParametersFlags(domain.get(), parameters.data(),
                                                  static_cast<int>(parameters.size()),
                                                  VIR_DOMAIN_AFFECT_LIVE) != 0)
    return LastLibvirtError(*library_, "CPU tune of domain " + uuid);
  return Ok();
}

Result<DomainBlockTune> LibvirtConnection::ReadBlockTune(const std::string& uuid,
                                                         const std::string& disk) const {
  BALLAST_TRY(const DomainPtr domain,
              FindDomain(*library_, static_cast<virConnectPtr>(connection_), uuid), "block tune");
  const auto read = [&](virTypedParameterPtr into, int* number) {
    return library_->DomainGetBlockIoTune(domain.get(), disk.c_str(), into, number,
                                          VIR_DOMAIN_AFFECT_LIVE);
  };
  int count = 0;
  if (read(nullptr, &count) != 0) count = -1;
  BALLAST_TRY(const auto parameters, ReadParameters(*library_, "block tune", count, read),
              "domain " + uuid + " " + disk);
  DomainBlockTune tune;
  Take(parameters, kBlock, tune);
  return tune;
}

Result<> LibvirtConnection::SetBlockTune(const std::string& uuid, const std::string& disk,
                                         const DomainBlockTune& tune) const {
  BALLAST_TRY(const DomainPtr domain,
              FindDomain(*library_, static_cast<virConnectPtr>(connection_), uuid), "block tune");
  std::vector<virTypedParameter> parameters;
  Give(tune, kBlock, VIR_TYPED_PARAM_ULLONG, parameters);
  if (parameters.empty()) return Ok();
  if (library_->DomainSetBlockIoTune(domain.get(), disk.c_str(), parameters.data(),
                                     static_cast<int>(parameters.size()),
                                     VIR_DOMAIN_AFFECT_LIVE) != 0)
    return LastLibvirtError(*library_, "block tune of domain " + uuid + " " + disk);
  return Ok();
}

}  // namespace ballast::runtime
