#include "collector/source/bpf/blame.h"

#include <algorithm>

namespace ballast::source {

void Blame::Add(std::span<const CpuShare> cpu) {
  double ran = 0;
  for (const CpuShare& share : cpu) ran += static_cast<double>(share.ran_ns);
  if (ran == 0) return;
  for (const CpuShare& waiter : cpu) {
    if (waiter.wait_ns == 0 || waiter.slot == kHostSlot) continue;
    const double per_ns = static_cast<double>(waiter.wait_ns) / ran;
    Holders& holders = waiters_[waiter.slot];
    for (const CpuShare& holder : cpu)
      if (holder.ran_ns != 0) holders[holder.slot] += static_cast<double>(holder.ran_ns) * per_ns;
    Bound(holders);
  }
}

// Beyond the bound the smallest are forgotten; one that matters comes back.
void Blame::Bound(Holders& holders) {
  while (holders.size() > 3 * kHolders)
    holders.erase(std::ranges::min_element(holders, {}, &Holders::value_type::second));
}

std::vector<Blame::Held> Blame::Largest(Slot waiter) const {
  std::vector<Held> largest;
  const auto found = waiters_.find(waiter);
  if (found == waiters_.end()) return largest;
  for (const auto& [holder, ns] : found->second)
    largest.push_back({holder, static_cast<std::uint64_t>(ns)});
  if (largest.size() > kHolders) {
    std::ranges::nth_element(largest, largest.begin() + kHolders, std::ranges::greater{},
                             &Held::ns);
    largest.resize(kHolders);
    std::ranges::sort(largest, {}, &Held::holder);
  }
  return largest;
}

void Blame::Forget(Slot slot) {
  waiters_.erase(slot);
  for (auto& [waiter, holders] : waiters_) holders.erase(slot);
}

}  // namespace ballast::source
