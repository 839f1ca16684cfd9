#pragma once

// Where KVM keeps the reason of an exit. KVM is a module, so its types cannot be
// given to the kernel for relocation without CAP_SYS_ADMIN; but its BTF in sysfs
// may be read by anybody, and so may, by root, the description of its tracepoint.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/base/result.h"

namespace ballast::source {

// Offsets from struct kvm_vcpu. Of a processor whose module is not loaded: 0.
struct KvmLayout {
  std::uint32_t vcpu_id = 0;
  std::uint32_t svm_vmcb = 0;    // AMD: the pointer to the control block
  std::uint32_t vmx_reason = 0;  // Intel: the reason itself
};

// Offsets in the record of kvm_exit.
struct KvmExitFormat {
  std::uint32_t reason = 0;
  std::uint32_t isa = 0;
  std::uint32_t vcpu = 0;
};

struct KvmTracepoint {
  std::uint64_t id = 0;  // for perf_event_open
  KvmExitFormat format;
};

// Whether KVM is loaded; it may be later.
bool IsKvmLoaded();

// Error: what is not there. Takes some 50 ms (parses the kernel's BTF).
Result<KvmLayout> ReadKvmLayout();
// Error: a sentence that says what is missing and what to do.
Result<KvmTracepoint> ReadKvmTracepoint();

// The text of a `format` file. nullopt: a field that is needed is not there, or
// lies where the program does not look (beyond 255).
std::optional<KvmExitFormat> ParseKvmExitFormat(std::string_view text);

}  // namespace ballast::source
