#pragma once

// What the files that wrap libvirt share: a domain for the length of one call,
// and typed parameters, which are libvirt's way to pass named values.
// Included only by them.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collector/runtime/libvirt_library.h"

namespace ballast::runtime {

struct DomainCloser {
  const LibvirtLibrary* library;
  void operator()(virDomain* domain) const { library->DomainFree(domain); }
};
using DomainPtr = std::unique_ptr<virDomain, DomainCloser>;

Result<DomainPtr> FindDomain(const LibvirtLibrary& library, virConnectPtr connection,
                             const std::string& uuid);

// One parameter as a number, whatever integer type libvirt gave it; -1 wraps.
// nullopt: no such parameter, or no integer.
std::optional<std::uint64_t> FindNumber(std::span<const virTypedParameter> parameters,
                                        const char* name);

// table: a struct's optional members and what libvirt calls them
template <typename Struct, typename Number>
struct NamedMember {
  const char* name;
  std::optional<Number> Struct::*member;
};

// `type`: VIR_TYPED_PARAM_ULLONG or _LLONG, as the parameter's documentation says.
void AppendNumber(std::vector<virTypedParameter>& parameters, const char* name, int type,
                  std::uint64_t value);

}  // namespace ballast::runtime
