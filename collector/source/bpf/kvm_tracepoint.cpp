#include "collector/source/bpf/kvm_tracepoint.h"

#include <bpf/btf.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "collector/base/file.h"

namespace ballast::source {
namespace {

// "	field:unsigned int exit_reason;	offset:8;	size:4;	signed:0;"
std::optional<std::uint32_t> OffsetOf(std::string_view text, std::string_view field) {
  std::string declared(1, ' ');
  declared.append(field).append(1, ';');
  const std::size_t name = text.find(declared);
  if (name == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(name, text.find('\n', name) - name);
  const auto number = [&](std::string_view key) -> std::optional<std::uint32_t> {
    const std::size_t at = line.find(key);
    if (at == std::string_view::npos) return std::nullopt;
    std::uint32_t value = 0;
    const char* begin = line.data() + at + key.size();
    const auto [end, error] = std::from_chars(begin, line.data() + line.size(), value);
    return error == std::errc() ? std::optional(value) : std::nullopt;
  };
  const auto offset = number("offset:");
  if (!offset || *offset > 255 || number("size:") != 4) return std::nullopt;
  return offset;
}

struct BtfDeleter {
  void operator()(btf* types) const { btf__free(types); }
};
using BtfPtr = std::unique_ptr<btf, BtfDeleter>;

// Bytes from the beginning of `record`; nullopt: no such type or member.
std::optional<std::uint32_t> MemberAt(const btf* types, const char* record,
                                      std::string_view member) {
  const int id = types == nullptr ? 0 : btf__find_by_name_kind(types, record, BTF_KIND_STRUCT);
  if (id <= 0) return std::nullopt;
  const btf_type* type = btf__type_by_id(types, static_cast<std::uint32_t>(id));
  for (std::uint32_t i = 0; i < btf_vlen(type); ++i)
    if (member == btf__name_by_offset(types, btf_members(type)[i].name_off))
      return btf_member_bit_offset(type, i) / 8;
  return std::nullopt;
}

// A processor's own structure begins with the kvm_vcpu, or its offsets mean nothing.
bool BeginsWithVcpu(const btf* types, const char* record) {
  return MemberAt(types, record, "vcpu") == 0U;
}

}  // namespace

Result<KvmLayout> ReadKvmLayout() {
  const BtfPtr kernel(btf__load_vmlinux_btf());
  if (!kernel) return Error::Invalid("kernel BTF not readable");
  // Built in: its types are the kernel's own.
  const auto of_module = [&](const char* name) {
    return BtfPtr(btf__load_module_btf(name, kernel.get()));
  };
  const BtfPtr kvm = of_module("kvm"), amd = of_module("kvm_amd"), intel = of_module("kvm_intel");
  const auto types = [&](const BtfPtr& module) { return module ? module.get() : kernel.get(); };
  const auto vcpu_id = MemberAt(types(kvm), "kvm_vcpu", "vcpu_id");
  if (!vcpu_id) return Error::Invalid("KVM's modules have no BTF");
  KvmLayout layout{.vcpu_id = *vcpu_id};
  if (BeginsWithVcpu(types(amd), "vcpu_svm"))
    layout.svm_vmcb = MemberAt(types(amd), "vcpu_svm", "vmcb").value_or(0);
  if (BeginsWithVcpu(types(intel), "vcpu_vmx")) {
    // Since 6.16 in a part of it, which TDX shares.
    const auto shared = MemberAt(types(intel), "vcpu_vmx", "vt");
    layout.vmx_reason = shared
                            ? *shared + MemberAt(types(intel), "vcpu_vt", "exit_reason").value_or(0)
                            : MemberAt(types(intel), "vcpu_vmx", "exit_reason").value_or(0);
  }
  if (layout.svm_vmcb == 0 && layout.vmx_reason == 0)
    return Error::Invalid("neither kvm_amd nor kvm_intel tells its structures");
  return layout;
}

std::optional<KvmExitFormat> ParseKvmExitFormat(std::string_view text) {
  const auto reason = OffsetOf(text, "exit_reason");
  const auto isa = OffsetOf(text, "isa");
  const auto vcpu = OffsetOf(text, "vcpu_id");
  if (!reason || !isa || !vcpu) return std::nullopt;
  return KvmExitFormat{*reason, *isa, *vcpu};
}

bool IsKvmLoaded() {
  std::error_code error;
  return std::filesystem::exists("/sys/module/kvm", error);
}

Result<KvmTracepoint> ReadKvmTracepoint() {
  for (const char* root : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    const std::string folder = std::string(root) + "/events/kvm/kvm_exit/";
    const auto id = ReadSmallFile(folder + "id");
    const auto format = ReadSmallFile(folder + "format");
    if (!id || !format) continue;
    const auto parsed = ParseKvmExitFormat(*format);
    if (!parsed) return Error::Invalid("this kernel's kvm_exit does not tell reason, isa and vCPU");
    return KvmTracepoint{std::strtoull(id->c_str(), nullptr, 10), *parsed};
  }
  return Error::Invalid(
      "tracefs cannot be read; mount it: mount -t tracefs none /sys/kernel/tracing");
}

}  // namespace ballast::source
