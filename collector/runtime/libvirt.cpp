#include "collector/runtime/libvirt.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <span>
#include <utility>

#include "collector/runtime/libvirt_domain.h"

namespace ballast::runtime {
namespace {

// One message each, so many unanswered: kLibvirtPatience in all.
constexpr int kKeepAliveSeconds = 2;
constexpr unsigned kKeepAliveCount = 4;
static_assert(kKeepAliveSeconds * (kKeepAliveCount + 1) == kLibvirtPatience.count());

constexpr std::uint64_t kKiB = 1024;  // libvirt counts memory in it

std::optional<std::uint64_t> Bytes(std::optional<std::uint64_t> kib) {
  if (!kib || *kib > ~std::uint64_t{0} / kKiB) return std::nullopt;
  return *kib * kKiB;
}

std::optional<std::uint32_t> Count(std::optional<std::uint64_t> number) {
  if (!number) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

std::string UuidOf(const LibvirtLibrary& library, virDomainPtr domain) {
  std::array<char, VIR_UUID_STRING_BUFLEN> text{};
  return library.DomainGetUUIDString(domain, text.data()) == 0 ? text.data() : "";
}

// A running domain's title is its own for this life; none is no error.
std::string TitleOf(const LibvirtLibrary& library, virDomainPtr domain) {
  char* title =
      library.DomainGetMetadata(domain, VIR_DOMAIN_METADATA_TITLE, nullptr, VIR_DOMAIN_AFFECT_LIVE);
  if (title == nullptr) return {};
  std::string text(title);
  std::free(title);  // NOLINT: libvirt's malloc
  return text;
}

Domain Describe(const LibvirtLibrary& library, const virDomainStatsRecord& record) {
  const std::span parameters(record.params, static_cast<std::size_t>(record.nparams));
  const auto number = [&](const char* name) { return FindNumber(parameters, name); };
  Domain domain{.uuid = UuidOf(library, record.dom),
                .name = library.DomainGetName(record.dom),
                .title = TitleOf(library, record.dom),
                .id = library.DomainGetID(record.dom)};
  domain.vcpus = Count(number("vcpu.current"));
  domain.max_vcpus = Count(number("vcpu.maximum"));
  domain.memory_bytes = Bytes(number("balloon.current"));
  domain.max_memory_bytes = Bytes(number("balloon.maximum"));
  domain.guest_available_bytes = Bytes(number("balloon.available"));
  domain.guest_unused_bytes = Bytes(number("balloon.unused"));
  domain.guest_usable_bytes = Bytes(number("balloon.usable"));
  // Drivers without these statistics (and busy domains) answer this one.
  virDomainInfo info{};
  if (!domain.memory_bytes && library.DomainGetInfo(record.dom, &info) == 0) {
    domain.memory_bytes = Bytes(info.memory);
    domain.max_memory_bytes = Bytes(info.maxMem);
    domain.vcpus = info.nrVirtCpu;
  }
  return domain;
}

}  // namespace

Result<LibvirtConnection> LibvirtConnection::Open(const std::string& uri, LibvirtAccess access) {
  BALLAST_TRY(const LibvirtLibrary* library, LoadLibvirt(), "libvirt");
  virConnectPtr connection = access == LibvirtAccess::kWrite
                                 ? library->ConnectOpen(uri.c_str())
                                 : library->ConnectOpenReadOnly(uri.c_str());
  if (connection == nullptr) return LastLibvirtError(*library, "connect to " + uri);
  // Drivers within this process (test:///) have none to keep alive.
  library->ConnectSetKeepAlive(connection, kKeepAliveSeconds, kKeepAliveCount);
  return LibvirtConnection(*library, connection);
}

LibvirtConnection::LibvirtConnection(LibvirtConnection&& other) noexcept
    : library_(other.library_), connection_(std::exchange(other.connection_, nullptr)) {}

LibvirtConnection& LibvirtConnection::operator=(LibvirtConnection&& other) noexcept {
  std::swap(library_, other.library_);
  std::swap(connection_, other.connection_);
  return *this;
}

LibvirtConnection::~LibvirtConnection() {
  if (connection_ != nullptr) library_->ConnectClose(static_cast<virConnectPtr>(connection_));
}

bool LibvirtConnection::is_alive() const {
  return library_->ConnectIsAlive(static_cast<virConnectPtr>(connection_)) == 1;
}

Result<std::vector<Domain>> LibvirtConnection::ListDomains() const {
  virDomainStatsRecordPtr* records = nullptr;
  const int count = library_->ConnectGetAllDomainStats(
      static_cast<virConnectPtr>(connection_), VIR_DOMAIN_STATS_BALLOON | VIR_DOMAIN_STATS_VCPU,
      &records,
      VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
  if (count < 0) return LastLibvirtError(*library_, "list domains");
  std::vector<Domain> domains;
  domains.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) domains.push_back(Describe(*library_, *records[i]));
  library_->DomainStatsRecordListFree(records);
  return domains;
}

Result<std::uint32_t> LibvirtConnection::ReadId(const std::string& uuid) const {
  BALLAST_TRY(const DomainPtr domain,
              FindDomain(*library_, static_cast<virConnectPtr>(connection_), uuid), "read");
  return static_cast<std::uint32_t>(library_->DomainGetID(domain.get()));
}

Result<Domain> LibvirtConnection::ReadDomain(const std::string& uuid) const {
  BALLAST_TRY(const DomainPtr domain,
              FindDomain(*library_, static_cast<virConnectPtr>(connection_), uuid), "read");
  virDomainPtr one[] = {domain.get(), nullptr};
  virDomainStatsRecordPtr* records = nullptr;
  const int count = library_->DomainListGetStats(
      one, VIR_DOMAIN_STATS_BALLOON | VIR_DOMAIN_STATS_VCPU, &records, 0);
  if (count < 0) return LastLibvirtError(*library_, "domain " + uuid);
  auto described = count == 0 ? Result<Domain>(Error::FromErrno(ESRCH, "domain " + uuid))
                              : Result<Domain>(Describe(*library_, *records[0]));
  library_->DomainStatsRecordListFree(records);
  return described;
}

}  // namespace ballast::runtime
