#pragma once

// What the processors' exit codes mean, in the same words for Intel and AMD.
// Pure.

#include <cstdint>
#include <string_view>

namespace ballast::source {

// `isa`: KVM_ISA_*; `code`: dense, as bpf/abi/kvm_abi.h has it. "hlt", "io",
// "cpuid", ...: at most some forty words, "other" for what has none. Static text.
std::string_view NameOfKvmExit(std::uint32_t isa, std::uint32_t code);

}  // namespace ballast::source
