#include "collector/source/vmm/vm_finder.h"

#include <dirent.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "collector/base/file.h"
#include "collector/runtime/qmp.h"

namespace ballast::source {
namespace {

// Looks at a process's descriptors before it is no VMM for good.
constexpr int kLooks = 3;
// Looks after which a known process's start time is read once more. A safety net:
// the cursor can be set by hand (CRIU does), and /proc be another namespace's.
constexpr int kTurns = 15;

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

// Entries whose names are numbers; empty: no such folder.
std::vector<int> NumbersIn(const std::string& folder) {
  std::vector<int> numbers;
  const std::unique_ptr<DIR, DirCloser> dir(::opendir(folder.c_str()));
  if (!dir) return numbers;
  while (const dirent* entry = ::readdir(dir.get())) {
    int number = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    const auto [stop, error] = std::from_chars(entry->d_name, end, number);
    if (error == std::errc() && stop == end) numbers.push_back(number);
  }
  return numbers;
}

std::string TextOf(const std::string& path) {
  auto text = ReadSmallFile(path);
  return text ? *std::move(text) : std::string();
}

std::string Filled(std::string pattern, const Vm& vm) {
  const auto fill = [&](std::string_view mark, const std::string& value) {
    for (std::size_t at; (at = pattern.find(mark)) != std::string::npos;)
      pattern.replace(at, mark.size(), value);
  };
  // A guest's name may not lead out of the folder.
  if (vm.identity.name.find_first_of("/%") != std::string::npos) return {};
  fill("%n", vm.identity.name);
  fill("%p", std::to_string(vm.pid));
  return pattern;
}

}  // namespace

std::string VmFinder::PathOf(int pid, const char* file) const {
  return options_.proc + "/" + std::to_string(pid) + "/" + file;
}

bool VmFinder::Given::Includes(int pid) const {
  if (after == 0 || to == 0) return true;
  return after <= to ? after < pid && pid <= to : pid > after || pid <= to;  // wrapped around
}

// The last number in loadavg is the pid given last.
VmFinder::Given VmFinder::GivenSinceLastLook() {
  const std::string text = TextOf(options_.proc + "/loadavg");
  const std::size_t space = text.rfind(' ');
  const int last = space == std::string::npos ? 0 : std::atoi(text.c_str() + space);
  return {std::exchange(last_pid_, last), last};
}

bool VmFinder::MustAsk(int pid, const Seen& seen, const Given& given) const {
  return seen.identity || seen.looks < kLooks || given.Includes(pid) || (pid + look_) % kTurns == 0;
}

// Where no pid was given since the last look nobody is new: a list of /proc would
// hold nobody but those who are known.
std::vector<int> VmFinder::PidsToLookAt(const Given& given) const {
  if (given.after == 0 || given.after != given.to || look_ % kTurns == 0)
    return NumbersIn(options_.proc);
  std::vector<int> known;
  known.reserve(seen_.size());
  for (const auto& [pid, seen] : seen_) known.push_back(pid);
  return known;
}

std::vector<Vm> VmFinder::Find() {
  std::vector<Vm> found;
  std::map<int, Seen> now;
  ++look_;
  const Given given = GivenSinceLastLook();
  for (const int pid : PidsToLookAt(given)) {
    const auto before = seen_.find(pid);
    if (before != seen_.end() && !MustAsk(pid, before->second, given)) {
      now.emplace_hint(now.end(), pid, std::move(before->second));
      continue;
    }
    const auto stat = ParseProcessStat(TextOf(PathOf(pid, "stat")));
    if (!stat) continue;  // gone meanwhile
    Seen seen;
    if (before != seen_.end() && before->second.start_ticks == stat->start_ticks)
      seen = before->second;
    seen.start_ticks = stat->start_ticks;
    if (!seen.identity && seen.looks < kLooks) Examine(pid, seen);
    if (seen.identity) found.push_back(Describe(pid, seen));
    now.emplace_hint(now.end(), pid, std::move(seen));
  }
  seen_ = std::move(now);
  return found;
}

void VmFinder::Examine(int pid, Seen& seen) const {
  ++seen.looks;
  const std::string command_line = TextOf(PathOf(pid, "cmdline"));
  if (command_line.empty()) {
    seen.looks = kLooks;  // a kernel thread
    return;
  }
  seen.identity = ParseVmmCommandLine(command_line);
  if (!seen.identity && HoldsKvmVm(pid)) seen.identity = VmmIdentity{"kvm"};
}

bool VmFinder::HoldsKvmVm(int pid) const {
  const std::string folder = PathOf(pid, "fd");
  for (const int fd : NumbersIn(folder)) {
    std::array<char, 64> target{};
    const ssize_t length =
        ::readlink((folder + "/" + std::to_string(fd)).c_str(), target.data(), target.size());
    if (length > 0 &&
        std::string_view(target.data(), static_cast<std::size_t>(length)) == "anon_inode:kvm-vm")
      return true;
  }
  return false;
}

Vm VmFinder::Describe(int pid, const Seen& seen) const {
  Vm vm{.pid = pid,
        .start_ticks = seen.start_ticks,
        .identity = *seen.identity,
        .cgroups = {},
        .vcpus = {}};
  vm.cgroups = ParseProcessCgroups(TextOf(PathOf(pid, "cgroup")));
  for (const int tid : NumbersIn(PathOf(pid, "task"))) {
    const std::string comm = TextOf(PathOf(pid, "task/") + std::to_string(tid) + "/comm");
    if (const auto index = ParseVcpuThread(comm)) vm.vcpus[*index] = tid;
  }
  AskQmp(vm);
  AskLibvirt(vm);
  return vm;
}

// The domain and this process are the same VM by the UUID that libvirt gives its VMMs.
void VmFinder::AskLibvirt(Vm& vm) const {
  if (!options_.domain_of || vm.identity.uuid.empty()) return;
  const auto domain = options_.domain_of(vm.identity.uuid);
  if (!domain) return;
  vm.identity.name = domain->name;
  vm.identity.title = domain->title;
  if (!vm.balloon_bytes) vm.balloon_bytes = domain->memory_bytes;
  if (domain->max_memory_bytes) vm.identity.memory_bytes = domain->max_memory_bytes;
  vm.guest_available_bytes = domain->guest_available_bytes;
  vm.guest_unused_bytes = domain->guest_unused_bytes;
  vm.guest_usable_bytes = domain->guest_usable_bytes;
}

void VmFinder::AskQmp(Vm& vm) const {
  for (const std::string& pattern : options_.qmp_sockets) {
    const std::string path = Filled(pattern, vm);
    std::error_code error;
    if (path.empty() || !std::filesystem::is_socket(path, error)) continue;
    const auto told = runtime::AskQmp(path);
    if (!told) continue;
    if (!told->name.empty() && vm.identity.name.empty()) vm.identity.name = told->name;
    vm.balloon_bytes = told->balloon_bytes;
    if (vm.vcpus.empty()) vm.vcpus = told->vcpus;
    return;
  }
}

}  // namespace ballast::source
