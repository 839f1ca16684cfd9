#include "autoscaler/actuate/vm_actuator.h"

#include <fmt/format.h>
#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "autoscaler/actuate/cgroup_files.h"
#include "collector/base/file.h"
#include "collector/runtime/unix_request.h"

namespace ballast::actuate {
namespace {

// A VM that did not answer for so long is said to be silent.
constexpr std::chrono::seconds kSilence{1};
// So long a release waits for what was asked before it, or that would come after it.
constexpr std::chrono::milliseconds kSettlePatience{300};
// After somebody was waited for in vain nobody is, for so long.
constexpr std::chrono::seconds kImpatience{1};
// No record says that somebody else resized a VM. What is between two sizes is looked at sooner:
// only from the one it comes to can another writer's be told.
constexpr std::chrono::milliseconds kLookEvery{5'000};
constexpr std::chrono::milliseconds kLookOnTheWayEvery{500};
// Less than a lease in all: who stops has so long before the watcher stops it.
constexpr std::chrono::milliseconds kReleasePatience{2'000};
// libvirt gives a guest 5 s to let go of a vCPU, and goes on without us.
constexpr std::chrono::milliseconds kUnplugPatience{500};

std::vector<std::string> Matches(std::string_view named) {
  std::string pattern;
  for (std::size_t i = 0; i < named.size(); ++i) {
    const std::string_view place = named.substr(i, 2);
    const bool stands_for_any = place == "%n" || place == "%p";
    pattern += stands_for_any ? '*' : named[i];
    i += stands_for_any ? 1 : 0;
  }
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return paths;
}

bool IsLibvirts(const Vm& vm) {
  return vm.address().text.starts_with(kLibvirtScheme);
}

Error NotYet(const std::string& what) {
  return Error::FromErrno(EAGAIN, what + " has not answered yet");
}

}  // namespace

std::optional<VmAddress> VmActuator::FindByQmp(const Group& group) const {
  for (const std::string& pattern : options_.qmp_sockets)
    for (const std::string& socket : Matches(pattern)) {
      const auto peer = runtime::UnixConversation::Open(socket, std::chrono::milliseconds(100));
      const auto text =
          peer ? ReadSmallFile(fmt::format("{}/{}/cgroup", options_.proc, peer->PeerPid()))
               : Result<std::string>(peer.error());
      if (text && LivesIn(*text, group.path))
        return VmAddress{std::string(kQmpScheme) + socket,
                         static_cast<std::uint64_t>(peer->PeerPid())};
    }
  return std::nullopt;
}

VmActuator::Known* VmActuator::Meet(const Group& group) {
  const auto libvirt = LibvirtGroupOf(group.path);
  auto address = libvirt ? std::nullopt : FindByQmp(group);
  if (!libvirt && !address) return nullptr;
  Known& known =
      vms_.emplace(group.key, Known(group.path, std::make_shared<Acquaintance>())).first->second;
  const bool is_v2 =
      !options_.unified_root.empty() &&
      ::access((options_.unified_root + group.path + "/" + kWeight).c_str(), F_OK) == 0;
  known.aside.Begin([met = known.acquaintance, libvirt, address, is_v2, uri = options_.libvirt,
                     find = options_.find_domain, open = options_.open, clock = clock_] {
    auto where = libvirt ? find(uri, *libvirt) : Result<VmAddress>(*address);
    if (!where) {
      met->error = where.error();
      return;
    }
    met->vm = std::make_shared<Vm>(*std::move(where), open, is_v2, *clock);
    auto originals = met->vm->Remember();
    if (originals)
      met->originals = *std::move(originals);
    else
      met->error = originals.error();
  });
  return &known;
}

// What an earlier run journaled is older than what stands there now.
Result<> VmActuator::JournalOnce(const Vm& vm, const std::vector<Original>& originals) {
  if (files_->FindInJournal(vm.address().id, vm.address().text)) return Ok();
  return files_->AddToJournal({vm.address().id, vm.address().text, originals});
}

std::optional<Error> VmActuator::Finish(Known& known) {
  const Acquaintance& met = *known.acquaintance;
  if (met.error) return met.error;
  if (auto journaled = JournalOnce(*met.vm, met.originals); !journaled)
    return std::move(journaled).error();
  known.vm = met.vm;
  known.acquaintance.reset();
  return std::nullopt;
}

std::vector<Adoption> VmActuator::Adopt(const std::vector<Group>& groups) {
  std::vector<Adoption> adoptions;
  std::vector<Group> of_files;
  for (const Group& group : groups)
    if (!LibvirtGroupOf(group.path)) of_files.push_back(group);
  if (!of_files.empty()) adoptions = files_->Adopt(of_files);
  for (const Group& group : groups) {
    if (!LibvirtGroupOf(group.path)) continue;
    Adoption& adoption = adoptions.emplace_back(Adoption{group, std::nullopt});
    if (!files_->IsAllowed(group.path))
      adoption.error = Error::Invalid(group.path + ": is below no configured prefix");
    else if (options_.libvirt.empty())
      adoption.error = Error::Invalid(
          group.path + ": libvirt runs it, and vms.libvirt is empty; it is resized by nobody else");
  }
  for (Adoption& adoption : adoptions) {
    if (adoption.error) continue;
    const auto known = vms_.find(adoption.group.key);
    Known* vm = known != vms_.end() ? &known->second : Meet(adoption.group);
    if (vm == nullptr || vm->vm) continue;
    if (!WaitFor(*vm))
      adoption.error = NotYet(adoption.group.path);
    else if (adoption.error = Finish(*vm); adoption.error)
      vms_.erase(adoption.group.key);
  }
  return adoptions;
}

void VmActuator::Forget(const model::WorkloadKey& key) {
  if (const auto found = vms_.find(key); found != vms_.end()) {
    if (found->second.vm)
      files_->TakeFromJournal(found->second.vm->address().id, found->second.vm->address().text);
    vms_.erase(found);
  }
  files_->Forget(key);
}

Result<Released> VmActuator::Narrow(std::vector<std::string> prefixes, std::string shared_pool,
                                    std::vector<std::string> left_alone) {
  auto released =
      files_->Narrow(std::move(prefixes), std::move(shared_pool), std::move(left_alone));
  bool answers = true;
  for (auto& [key, known] : vms_) {
    if (!known.vm || files_->IsAllowed(known.path)) continue;
    const VmAddress address = known.vm->address();
    known.aside.Wait(kSettlePatience);
    auto group = files_->TakeFromJournal(address.id, address.text);
    if (!group || !released) continue;
    // One that hangs is enough to wait for; what is left stays in the journal.
    answers = answers && ReleaseVm(*group, *released, options_.open);
    if (group->originals.empty()) continue;
    if (auto kept = files_->AddToJournal(*group); !kept) return std::move(kept).error();
  }
  vms_.clear();
  return released;
}

void VmActuator::Settle() {
  const BootTime until = clock_->Now() + kSettlePatience;
  for (auto& [key, known] : vms_)
    known.aside.Wait(
        std::max(std::chrono::milliseconds(0),
                 std::chrono::duration_cast<std::chrono::milliseconds>(until - clock_->Now())));
}

std::string VmActuator::OwnerOf(const Group& group) const {
  const auto found = vms_.find(group.key);
  if (found == vms_.end() || !found->second.vm) return files_->OwnerOf(group);
  return IsLibvirts(*found->second.vm) ? "libvirt" : "qmp";
}

std::vector<std::string> VmActuator::Rest(BootTime now) {
  std::vector<std::string> news = files_->Rest(now);
  for (auto& [key, known] : vms_) {
    const bool is_busy = known.aside.is_busy();
    if (!is_busy && known.vm) {
      TakeForeign(*known.vm);
      std::ranges::move(known.vm->TakeNews(), std::back_inserter(news));
      if (now - known.looked_at >= (known.vm->is_on_its_way() ? kLookOnTheWayEvery : kLookEvery)) {
        known.looked_at = now;
        known.aside.Begin([vm = known.vm] { vm->Look(); });
      }
    }
    if (!is_busy) known.silent_since.reset();
    if (is_busy && !known.silent_since) known.silent_since = now;
    const bool is_silent = known.silent_since && now - *known.silent_since >= kSilence;
    if (is_silent == known.is_said) continue;
    known.is_said = is_silent;
    news.push_back((known.vm ? known.vm->address().text : known.path) +
                   (is_silent ? ": who runs the VM does not answer; what it has stays"
                              : ": who runs the VM answers again"));
  }
  return news;
}

void VmActuator::TakeForeign(Vm& vm) {
  const std::vector<Original> foreign = vm.TakeForeign();
  if (foreign.empty()) return;
  auto group = files_->FindInJournal(vm.address().id, vm.address().text);
  if (!group) return;
  for (const Original& original : foreign) ReplaceOriginal(group->originals, original);
  static_cast<void>(files_->AddToJournal(*group).has_value());
}

bool VmActuator::WaitFor(Known& known) {
  const bool may_wait = !known.silent_since && clock_->Now() >= impatient_until_;
  if (known.aside.Wait(may_wait ? kVmPatience : std::chrono::milliseconds(0))) {
    known.silent_since.reset();
    return true;
  }
  // Hundreds of VMs behind one daemon that hangs would add up.
  if (may_wait) impatient_until_ = clock_->Now() + kImpatience;
  if (!known.silent_since) known.silent_since = clock_->Now();
  return false;
}

Actuation VmActuator::Ask(Known& known, Resource resource, std::int64_t amount) {
  Actuation late;
  late.outcome = Outcome::kRefused;
  late.file = known.vm->address().text + " " + ToString(resource);
  late.error = NotYet(known.vm->address().text).what();
  if (!WaitFor(known)) return late;
  TakeForeign(*known.vm);
  // The answer to the same question, which came late.
  const auto before = std::exchange(known.asked, std::nullopt);
  if (before && before->resource == resource && before->amount == amount)
    return std::move(*before->done);
  known.asked = Known::Asked{resource, amount, std::make_shared<Actuation>()};
  known.aside.Begin([vm = known.vm, asked = *known.asked] {
    *asked.done = vm->Set(asked.resource, asked.amount);
  });
  if (!WaitFor(known)) return late;
  TakeForeign(*known.vm);
  return std::move(*std::exchange(known.asked, std::nullopt)->done);
}

Actuation VmActuator::Set(const Group& group, Resource resource, std::int64_t amount) {
  const auto found = vms_.find(group.key);
  if (found == vms_.end() || !found->second.vm) return files_->Set(group, resource, amount);
  Known& known = found->second;
  Actuation nothing;
  nothing.outcome = Outcome::kUnchanged;
  switch (resource) {
    case Resource::kMemory:
    case Resource::kIoBandwidth:
      return Ask(known, resource, amount);
    case Resource::kMemoryWait:
    case Resource::kMemoryGuarantee:
      return nothing;  // what the guest has it has
    case Resource::kFreeze: {
      Actuation refused;
      refused.outcome = Outcome::kRefused;
      refused.error = known.vm->address().text + ": a VM is not frozen";
      return refused;
    }
    case Resource::kMemoryPool:
      return files_->Set(group, resource, amount);
    case Resource::kCpuWeight:
      return IsLibvirts(*known.vm) ? Ask(known, resource, amount)
                                   : files_->Set(group, resource, amount);
    case Resource::kCpu: {
      if (IsLibvirts(*known.vm)) return Ask(known, resource, amount);
      Actuation done = files_->Set(group, resource, amount);
      if (IsDone(done) && !known.aside.is_busy())
        known.aside.Begin([vm = known.vm, amount] { vm->PlugFor(amount); });
      return done;
    }
  }
  return nothing;
}

bool IsVm(const JournalGroup& group) {
  return IsVmAddress(group.directory);
}

bool ReleaseVm(JournalGroup& group, Released& released, const OpenVmPort& open) {
  struct Work {  // its second owner is the thread
    JournalGroup group;
    Released released;
    std::vector<Original> vcpus;
    std::unique_ptr<VmPort> port;
  };
  const auto result = std::make_shared<Work>(Work{group, {}, {}, nullptr});
  SideThread aside("ballast-release");
  aside.Begin([result, open] {
    JournalGroup& vm = result->group;
    auto port = open({vm.directory, vm.inode});
    if (port) {
      result->port = *std::move(port);
      result->vcpus = TakeVcpus(vm.originals);
      result->released.restored =
          PutBackVm(*result->port, vm.directory, vm.originals, result->released.failures);
    } else if (IsVmGone(port.error())) {
      ++result->released.gone;
      vm.originals.clear();
    } else {
      result->released.failures.push_back(port.error().ToString());
    }
  });
  if (!aside.Wait(kReleasePatience)) {
    released.failures.push_back(group.directory + ": does not answer");
    return false;
  }
  group = std::move(result->group);
  released.restored += result->released.restored;
  released.gone += result->released.gone;
  std::ranges::move(result->released.failures, std::back_inserter(released.failures));
  if (result->vcpus.empty()) return true;
  aside.Begin(
      [result] { PutBackVm(*result->port, "vCPUs", result->vcpus, result->released.failures); });
  released.restored += aside.Wait(kUnplugPatience) ? 1 : 0;
  return true;
}

}  // namespace ballast::actuate
