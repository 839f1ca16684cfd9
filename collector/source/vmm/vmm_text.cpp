#include "collector/source/vmm/vmm_text.h"

#include <array>
#include <charconv>

namespace ballast::source {
namespace {

using Arguments = std::vector<std::string_view>;

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Both "--id x" and "--id=x"; empty: not given.
std::string_view ValueOf(const Arguments& arguments, std::string_view option) {
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (arguments[i] == option) return i + 1 < arguments.size() ? arguments[i + 1] : "";
    if (arguments[i].starts_with(option) && arguments[i].substr(option.size()).starts_with('='))
      return arguments[i].substr(option.size() + 1);
  }
  return {};
}

// "guest=web,debug-threads=on" with key "guest" -> "web"; a first part without
// a key is what `implied` names, as QEMU has it.
std::string_view PartOf(std::string_view value, std::string_view key, bool implied) {
  bool is_first = true;
  for (const std::string_view part : Split(value, ',')) {
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos && is_first && implied) return part;
    if (equals != std::string_view::npos && part.substr(0, equals) == key)
      return part.substr(equals + 1);
    is_first = false;
  }
  return {};
}

// "512", "512M", "2G": QEMU counts MiB, cloud-hypervisor bytes.
std::optional<std::uint64_t> ParseMemory(std::string_view text, std::uint64_t unit) {
  if (text.empty()) return std::nullopt;
  constexpr std::string_view kSuffixes = "kmgt";
  const char last = static_cast<char>(text.back() | 0x20);
  if (const std::size_t at = kSuffixes.find(last); at != std::string_view::npos) {
    unit = std::uint64_t{1} << (10 * (at + 1));
    text.remove_suffix(1);
  }
  const auto value = ParseNumber<std::uint64_t>(text);
  if (!value || *value > ~std::uint64_t{0} / unit) return std::nullopt;
  return *value * unit;
}

VmmIdentity Qemu(const Arguments& arguments) {
  VmmIdentity vm{"qemu"};
  vm.name = PartOf(ValueOf(arguments, "-name"), "guest", true);
  vm.uuid = ValueOf(arguments, "-uuid");
  std::string_view memory = ValueOf(arguments, "-m");
  if (memory.empty()) memory = "128";  // QEMU's default
  vm.memory_bytes = ParseMemory(PartOf(memory, "size", true), 1 << 20);
  return vm;
}

VmmIdentity Firecracker(const Arguments& arguments) {
  VmmIdentity vm{"firecracker"};
  vm.name = ValueOf(arguments, "--id");
  return vm;
}

VmmIdentity CloudHypervisor(const Arguments& arguments) {
  VmmIdentity vm{"cloud-hypervisor"};
  // It has no name of its own; its platform may carry a UUID.
  vm.uuid = PartOf(ValueOf(arguments, "--platform"), "uuid", false);
  vm.memory_bytes = ParseMemory(PartOf(ValueOf(arguments, "--memory"), "size", false), 1);
  return vm;
}

VmmIdentity Crosvm(const Arguments& arguments) {
  VmmIdentity vm{"crosvm"};
  vm.name = ValueOf(arguments, "--name");
  return vm;
}

// table
struct Vmm {
  std::string_view program;  // the beginning of the file's name
  VmmIdentity (*read)(const Arguments&);
};
constexpr std::array kVmms = {
    Vmm{"qemu-system-", Qemu},
    Vmm{"qemu-kvm", Qemu},
    Vmm{"kvm", Qemu},
    Vmm{"firecracker", Firecracker},
    Vmm{"cloud-hypervisor", CloudHypervisor},
    Vmm{"crosvm", Crosvm},
};

}  // namespace

std::optional<VmmIdentity> ParseVmmCommandLine(std::string_view command_line) {
  while (command_line.ends_with('\0')) command_line.remove_suffix(1);
  const Arguments arguments = Split(command_line, '\0');
  if (arguments.empty()) return std::nullopt;
  std::string_view program = arguments[0];
  program = program.substr(program.find_last_of('/') + 1);
  for (const Vmm& vmm : kVmms) {
    // "qemu-system-" is a beginning; the others are whole names or versioned ones.
    const bool is_whole =
        program == vmm.program || vmm.program.ends_with('-') ||
        program.substr(0, vmm.program.size() + 1) == std::string(vmm.program) + "-";
    if (program.starts_with(vmm.program) && is_whole) return vmm.read(arguments);
  }
  return std::nullopt;
}

std::optional<std::uint32_t> ParseVcpuThread(std::string_view comm) {
  while (comm.ends_with('\n')) comm.remove_suffix(1);
  const auto number = [&](std::string_view prefix) {
    return ParseNumber<std::uint32_t>(comm.substr(prefix.size()));
  };
  for (const std::string_view prefix : {"fc_vcpu ", "vcpu", "crosvm_vcpu"})
    if (comm.starts_with(prefix)) return number(prefix);
  constexpr std::string_view kQemu = "CPU ";
  if (!comm.starts_with(kQemu)) return std::nullopt;
  const std::size_t slash = comm.find('/');
  const std::string_view how = slash == std::string_view::npos ? "" : comm.substr(slash + 1);
  if (how != "KVM" && how != "TCG") return std::nullopt;
  return ParseNumber<std::uint32_t>(comm.substr(kQemu.size(), slash - kQemu.size()));
}

std::optional<SchedStat> ParseSchedStat(std::string_view text) {
  const auto words = Split(text, ' ');
  if (words.size() < 2) return std::nullopt;
  const auto ran = ParseNumber<std::uint64_t>(words[0]);
  const auto waited = ParseNumber<std::uint64_t>(words[1]);
  if (!ran || !waited) return std::nullopt;
  return SchedStat{*ran, *waited};
}

std::optional<ProcessStat> ParseProcessStat(std::string_view text) {
  const std::size_t close = text.rfind(')');
  if (close == std::string_view::npos || close + 2 > text.size()) return std::nullopt;
  // Field 3 (proc(5)) comes first here: utime is 14, stime 15, starttime 22.
  const auto words = Split(text.substr(close + 2), ' ');
  if (words.size() < 20) return std::nullopt;
  const auto user = ParseNumber<std::uint64_t>(words[11]);
  const auto system = ParseNumber<std::uint64_t>(words[12]);
  const auto start = ParseNumber<std::uint64_t>(words[19]);
  if (!user || !system || !start) return std::nullopt;
  return ProcessStat{*user + *system, *start};
}

std::vector<std::pair<std::uint32_t, std::string>> ParseProcessCgroups(std::string_view text) {
  std::vector<std::pair<std::uint32_t, std::string>> groups;
  for (const std::string_view line : Split(text, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const auto id = ParseNumber<std::uint32_t>(line.substr(0, first));
    if (id) groups.emplace_back(*id, line.substr(second + 1));
  }
  return groups;
}

}  // namespace ballast::source
