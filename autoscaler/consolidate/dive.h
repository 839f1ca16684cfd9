#pragma once

// From the LP to a placement: fix the columns the LP is surest of, lower the
// demand by them, generate columns for the rest, and so on. Usually ends at the
// rounded LP value, which then proves itself optimal.

#include <optional>

#include "autoscaler/consolidate/column_generation.h"
#include "autoscaler/consolidate/random.h"

namespace ballast::consolidate {

struct DiveOptions {
  // Of chance in the choice of columns; 0 is the plain dive, repeats need more.
  double jitter = 0;
  // Of interest only if the whole is cheaper; an end to hopeless dives.
  Cost below = 0;
  std::int64_t nodes = 2'000;  // of one pricing
  int iterations = 12;         // of column generation between two fixings; its tail changes little
  // In large problems this share of the hosts left is fixed at once, as far as the
  // LP gives their columns at least `sure`: one column a time would need as many
  // LPs as there are hosts.
  double share_at_once = 0.04;
  double sure = 0.5;
  // With so many hosts left each fixing is weighed against others.
  double tail_hosts = 60;
  // Hosts that are filled already and stay so; the dive fills the rest.
  std::vector<Column> kept;
  // Columns that hold more than is left are forgotten on the way: the LP would
  // cover the last few VMs with shares of hosts that are full of others, and the
  // dive learn only at its end that they need hosts of their own. For repeating
  // shapes, in a column generation that is this dive's own.
  bool drop_surplus = false;
};

// All chosen columns, the kept ones first; nullopt when the dive was cut off.
// `cg` gets its full demand back at the end and keeps the columns it learned, or
// those without surplus.
std::optional<std::vector<ChosenColumn>> Dive(const Instance& in, ColumnGeneration& cg,
                                              const DiveOptions& options, Random& random,
                                              WorkMeter& work);

// Which hosts of a placement to keep for the next dive: `share` of them are
// given up, half of those the ones whose contents are worth least for what they
// cost at the LP's prices, half by chance.
std::vector<Column> KeepBestHosts(const Packing& packing, const std::vector<double>& prices,
                                  double share, Random& random);

}  // namespace ballast::consolidate
