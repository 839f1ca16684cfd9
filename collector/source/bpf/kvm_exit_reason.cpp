#include "collector/source/bpf/kvm_exit_reason.h"

#include <algorithm>
#include <array>
#include <span>

#include "bpf/abi/kvm_abi.h"

namespace ballast::source {
namespace {

struct Reason {
  std::uint32_t first, last;
  std::string_view word;
};

// table: Intel SDM volume 3, appendix C "VMX basic exit reasons"; by code
constexpr std::array kVmx = {
    Reason{0, 0, "exception"},
    Reason{1, 1, "external_interrupt"},
    Reason{2, 2, "triple_fault"},
    Reason{3, 6, "smi"},
    Reason{7, 8, "interrupt_window"},
    Reason{9, 9, "task_switch"},
    Reason{10, 10, "cpuid"},
    Reason{12, 12, "hlt"},
    Reason{13, 13, "wbinvd"},
    Reason{14, 14, "invlpg"},
    Reason{15, 15, "rdpmc"},
    Reason{16, 16, "rdtsc"},
    Reason{18, 18, "hypercall"},
    Reason{19, 27, "nested"},
    Reason{28, 28, "cr_access"},
    Reason{29, 29, "dr_access"},
    Reason{30, 30, "io"},
    Reason{31, 32, "msr"},
    Reason{33, 34, "invalid_state"},
    Reason{36, 36, "mwait"},
    Reason{39, 39, "monitor"},
    Reason{40, 40, "pause"},
    Reason{43, 45, "apic"},
    Reason{46, 47, "descriptor_table"},
    Reason{48, 48, "nested_page_fault"},
    Reason{49, 49, "mmio"},
    Reason{50, 50, "nested"},
    Reason{51, 51, "rdtsc"},
    Reason{52, 52, "preemption_timer"},
    Reason{53, 53, "nested"},
    Reason{54, 54, "wbinvd"},
    Reason{55, 55, "xsetbv"},
    Reason{56, 56, "apic"},
    Reason{57, 57, "random"},
    Reason{58, 58, "invlpg"},
    Reason{61, 61, "random"},
    Reason{62, 62, "page_log_full"},
    Reason{67, 68, "pause"},
    Reason{74, 74, "bus_lock"},
    Reason{75, 75, "notify"},
};

// table: AMD64 APM volume 2, appendix C "SVM intercept exit codes"; by code
constexpr std::array kSvm = {
    Reason{0x00, 0x1f, "cr_access"},
    Reason{0x20, 0x3f, "dr_access"},
    Reason{0x40, 0x5f, "exception"},
    Reason{0x60, 0x61, "external_interrupt"},
    Reason{0x62, 0x63, "smi"},
    Reason{0x64, 0x64, "interrupt_window"},
    Reason{0x65, 0x65, "cr_access"},
    Reason{0x66, 0x6d, "descriptor_table"},
    Reason{0x6e, 0x6e, "rdtsc"},
    Reason{0x6f, 0x6f, "rdpmc"},
    Reason{0x72, 0x72, "cpuid"},
    Reason{0x73, 0x73, "smi"},
    Reason{0x74, 0x74, "interrupt_window"},
    Reason{0x76, 0x76, "wbinvd"},
    Reason{0x77, 0x77, "pause"},
    Reason{0x78, 0x78, "hlt"},
    Reason{0x79, 0x7a, "invlpg"},
    Reason{0x7b, 0x7b, "io"},
    Reason{0x7c, 0x7c, "msr"},
    Reason{0x7d, 0x7d, "task_switch"},
    Reason{0x7f, 0x7f, "triple_fault"},
    Reason{0x80, 0x80, "nested"},
    Reason{0x81, 0x81, "hypercall"},
    Reason{0x82, 0x86, "nested"},
    Reason{0x87, 0x87, "rdtsc"},
    Reason{0x89, 0x89, "wbinvd"},
    Reason{0x8a, 0x8a, "monitor"},
    Reason{0x8b, 0x8c, "mwait"},
    Reason{0x8d, 0x8d, "xsetbv"},
    Reason{0x8f, 0x8f, "msr"},
    Reason{0x90, 0x9f, "cr_access"},
    Reason{0xa0, 0xa2, "invlpg"},
    Reason{0xa5, 0xa5, "bus_lock"},
    Reason{0xa6, 0xa6, "hlt"},
    Reason{KVM_CODE_NESTED + 0, KVM_CODE_NESTED + 0, "nested_page_fault"},
    Reason{KVM_CODE_NESTED + 1, KVM_CODE_NESTED + 2, "apic"},
    Reason{KVM_CODE_NESTED + 3, KVM_CODE_NESTED + 3, "hypercall"},
};

consteval bool IsAscending(std::span<const Reason> reasons) {
  for (std::size_t i = 0; i < reasons.size(); ++i)
    if (reasons[i].last < reasons[i].first || (i > 0 && reasons[i].first <= reasons[i - 1].last))
      return false;
  return true;
}
static_assert(IsAscending(kVmx) && IsAscending(kSvm));

}  // namespace

std::string_view NameOfKvmExit(std::uint32_t isa, std::uint32_t code) {
  std::span<const Reason> reasons;
  if (isa == KVM_ISA_VMX) reasons = kVmx;
  if (isa == KVM_ISA_SVM) reasons = kSvm;
  const auto found = std::ranges::find_if(
      reasons, [code](const Reason& r) { return r.first <= code && code <= r.last; });
  return found == reasons.end() ? "other" : found->word;
}

}  // namespace ballast::source
