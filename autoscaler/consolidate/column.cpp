#include "autoscaler/consolidate/column.h"

#include <map>

namespace ballast::consolidate {

std::vector<Column> ColumnsOf(const Packing& packing) {
  const Instance& in = packing.instance();
  std::vector<Column> columns;
  for (int host = 0; host < in.host_count(); ++host) {
    if (!packing.is_used(host)) continue;
    std::map<int, int> counts;
    for (const int vm : packing.VmsOn(host)) ++counts[in.shape_of[vm]];
    columns.push_back({in.type_of[host], {counts.begin(), counts.end()}});
  }
  return columns;
}

Packing PackColumns(const Instance& in, const std::vector<ChosenColumn>& chosen) {
  Packing packing(in);
  std::vector<std::size_t> next_vm(in.shapes.size()), next_host(in.types.size());
  for (const ChosenColumn& choice : chosen)
    for (int time = 0; time < choice.times; ++time) {
      const Type& type = in.types[static_cast<std::size_t>(choice.column.type)];
      std::size_t& at = next_host[static_cast<std::size_t>(choice.column.type)];
      if (at == type.hosts.size()) break;
      const int host = type.hosts[at];
      bool any = false;
      for (const auto& [shape, count] : choice.column.counts) {
        const std::vector<int>& vms = in.shapes[static_cast<std::size_t>(shape)].vms;
        std::size_t& vm = next_vm[static_cast<std::size_t>(shape)];
        for (int n = 0; n < count && vm < vms.size(); ++n) {
          if (!packing.Fits(vms[vm], host)) break;
          packing.Place(vms[vm++], host);
          any = true;
        }
      }
      at += any;
    }
  return packing;
}

}  // namespace ballast::consolidate
