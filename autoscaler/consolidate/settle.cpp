#include "autoscaler/consolidate/settle.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

namespace ballast::consolidate {
namespace {

// Above this many pairs of contents and hosts, single VMs instead of shapes
// vote for a host: less exact, but linear.
constexpr std::size_t kMaxPairs = 4'000'000;

using Votes = std::unordered_map<std::uint64_t, double>;  // (used host, host of its type) -> bytes

std::uint64_t Key(int from, int to) {
  return static_cast<std::uint64_t>(from) << 32 | static_cast<std::uint32_t>(to);
}

// What would stay if the contents of one host went to another, by shape.
Votes VotesOfShapes(const Packing& packing, WorkMeter& work) {
  const Instance& in = packing.instance();
  Votes votes;
  for (const Shape& shape : in.shapes) {
    std::map<int, int> wanted, living;
    double bytes = 0;
    for (const int vm : shape.vms) {
      ++wanted[packing.HostOf(vm)];
      const int current = in.problem->vms[vm].current;
      if (current != kNoHost) ++living[current];
      bytes += static_cast<double>(in.problem->vms[vm].migration_bytes) + 1;
    }
    bytes /= static_cast<double>(shape.vms.size());
    for (const auto& [from, count] : wanted)
      for (const auto& [to, there] : living) {
        if (in.type_of[from] != in.type_of[to]) continue;
        votes[Key(from, to)] += bytes * std::min(count, there);
        work.Spend(2);
      }
  }
  return votes;
}

Votes VotesOfVms(const Packing& packing) {
  const Instance& in = packing.instance();
  Votes votes;
  for (int vm = 0; vm < in.vm_count(); ++vm) {
    const int current = in.problem->vms[vm].current, host = packing.HostOf(vm);
    if (current != kNoHost && in.type_of[current] == in.type_of[host])
      votes[Key(host, current)] += static_cast<double>(in.problem->vms[vm].migration_bytes) + 1;
  }
  return votes;
}

// The new host of each used host's contents: the strongest votes first.
std::vector<int> MatchHosts(const Packing& packing, const Votes& votes) {
  const Instance& in = packing.instance();
  std::vector<std::tuple<double, int, int>> pairs;
  for (const auto& [key, bytes] : votes)
    pairs.emplace_back(-bytes, static_cast<int>(key >> 32), static_cast<int>(key & 0xffffffffU));
  std::sort(pairs.begin(), pairs.end());
  std::vector<int> target(static_cast<std::size_t>(in.host_count()), kNoHost);
  std::vector<char> taken(target.size());
  for (const auto& [bytes, from, to] : pairs) {
    if (target[from] != kNoHost || taken[to]) continue;
    target[from] = to;
    taken[to] = 1;
  }
  std::vector<std::size_t> next(in.types.size());
  for (int host = 0; host < in.host_count(); ++host) {
    if (!packing.is_used(host) || target[host] != kNoHost) continue;
    const Type& type = in.types[in.type_of[host]];
    std::size_t& at = next[in.type_of[host]];
    while (taken[type.hosts[at]]) ++at;
    target[host] = type.hosts[at];
    taken[type.hosts[at]] = 1;
  }
  return target;
}

// Which VM of a shape takes which of its places: those that can stay, stay.
void AssignVms(const Instance& in, const Shape& shape, Placement& placement) {
  std::map<int, int> places;
  for (const int vm : shape.vms) ++places[placement[vm]];
  std::vector<int> by_bytes = shape.vms, homeless;
  std::stable_sort(by_bytes.begin(), by_bytes.end(), [&](int a, int b) {
    return in.problem->vms[a].migration_bytes > in.problem->vms[b].migration_bytes;
  });
  for (const int vm : by_bytes) {
    const auto place = places.find(in.problem->vms[vm].current);
    if (place != places.end() && place->second > 0) {
      placement[vm] = place->first;
      --place->second;
    } else {
      homeless.push_back(vm);
    }
  }
  auto place = places.begin();
  for (const int vm : homeless) {
    while (place->second == 0) ++place;
    placement[vm] = place->first;
    --place->second;
  }
}

void MoveBackWhatFits(Packing& packing) {
  const Instance& in = packing.instance();
  for (int vm = 0; vm < in.vm_count(); ++vm) {
    const int current = in.problem->vms[vm].current, host = packing.HostOf(vm);
    if (current == kNoHost || current == host) continue;
    if (!packing.is_used(current) && in.CostOf(current) > 0) continue;
    packing.Remove(vm);
    packing.Place(vm, packing.Fits(vm, current) ? current : host);
  }
}

}  // namespace

Packing Settle(const Packing& packing, WorkMeter& work) {
  const Instance& in = packing.instance();
  const bool any = std::any_of(in.problem->vms.begin(), in.problem->vms.end(),
                               [](const Vm& vm) { return vm.current != kNoHost; });
  if (!any) return packing;
  std::size_t pairs = 0;
  for (const Shape& shape : in.shapes) {
    const std::size_t most = std::min<std::size_t>(shape.vms.size(), in.type_of.size());
    pairs += most * most;
  }
  const Votes votes = pairs <= kMaxPairs ? VotesOfShapes(packing, work) : VotesOfVms(packing);
  const std::vector<int> target = MatchHosts(packing, votes);
  Placement placement = packing.placement();
  for (int& host : placement) host = target[host];
  for (const Shape& shape : in.shapes) AssignVms(in, shape, placement);
  work.Spend(in.vm_count());
  Packing settled = MakePacking(in, placement);
  if (settled.unplaced_count() > 0) return packing;
  MoveBackWhatFits(settled);
  return settled;
}

}  // namespace ballast::consolidate
