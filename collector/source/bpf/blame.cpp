#include "collector/source/bpf/blame.h"

#include <algorithm>

namespace ballast::source {

// Beyond the bound the smallest are forgotten; one that matters comes back.
void Blame::AddHeld(Slot waiter, Slot holder, std::uint64_t ns) {
  if (waiter == kHostSlot) return;
  Holders& holders = waiters_[waiter];
  const auto at = std::ranges::lower_bound(holders, holder, {}, &Followed::holder);
  if (at != holders.end() && at->holder == holder)
    at->ns += static_cast<double>(ns);
  else
    holders.insert(at, {holder, static_cast<double>(ns)});
  if (holders.size() > kFollowed)
    holders.erase(std::ranges::min_element(holders, {}, &Followed::ns));
}

void Blame::Add(std::span<const CpuShare> cpu) {
  double ran = 0;
  for (const CpuShare& share : cpu) ran += static_cast<double>(share.ran_ns);
  if (ran == 0) return;
  for (const CpuShare& waiter : cpu)
    if (waiter.wait_ns > waiter.held_ns && waiter.slot != kHostSlot)
      ShareOut(waiter, ran, cpu, waiters_[waiter.slot]);
}

void Blame::ShareOut(const CpuShare& waiter, double ran, std::span<const CpuShare> cpu,
                     Holders& holders) {
  const auto wait = static_cast<double>(waiter.wait_ns), own = static_cast<double>(waiter.ran_ns);
  const double rest = 1 - static_cast<double>(waiter.held_ns) / wait;
  const double tasks = (wait + own) / ran;
  const double self = std::max(0.0, tasks - 1) * own;
  const double per_ns = ran > own ? (wait - self) / (ran - own) : 0;
  const std::size_t known = holders.size();
  for (const CpuShare& share : cpu) {
    const double ns =
        rest * (share.slot == waiter.slot ? self : static_cast<double>(share.ran_ns) * per_ns);
    if (ns <= 0) continue;
    const auto end = holders.begin() + static_cast<std::ptrdiff_t>(known);
    const auto at =
        std::ranges::lower_bound(holders.begin(), end, share.slot, {}, &Followed::holder);
    if (at != end && at->holder == share.slot)
      at->ns += ns;
    else
      holders.push_back({share.slot, ns});
  }
  if (holders.size() == known) return;
  if (holders.size() > kFollowed) {
    std::ranges::nth_element(holders, holders.begin() + kFollowed, std::ranges::greater{},
                             &Followed::ns);
    holders.resize(kFollowed);
  }
  std::ranges::sort(holders, {}, &Followed::holder);
}

std::vector<Blame::Held> Blame::Largest(Slot waiter) const {
  std::vector<Held> largest;
  const Holders* holders = waiters_.Find(waiter);
  if (holders == nullptr) return largest;
  for (const Followed& followed : *holders)
    largest.push_back({followed.holder, static_cast<std::uint64_t>(followed.ns)});
  if (largest.size() > kHolders) {
    std::ranges::nth_element(largest, largest.begin() + kHolders, std::ranges::greater{},
                             &Held::ns);
    largest.resize(kHolders);
    std::ranges::sort(largest, {}, &Held::holder);
  }
  return largest;
}

void Blame::Forget(Slot slot) {
  waiters_.Erase(slot);
  for (const Slot waiter : waiters_.slots())
    std::erase_if(waiters_.At(waiter), [&](const Followed& f) { return f.holder == slot; });
}

}  // namespace ballast::source
