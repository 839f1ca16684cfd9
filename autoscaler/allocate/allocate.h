#pragma once

// One resource of one host, shared out among its workloads. The model (per
// resource; the resources separate because nothing couples them):
//
//   maximise    sum_i r_i x_i
//   subject to  sum_i r_i x_i <= R                                      (1)
//               0 <= x_i <= 1                        every workload i   (2)
//               min_i <= r_i x_i <= ceiling_i        every workload i   (3)
//
// is degenerate: every split that wastes nothing is optimal. Allocate() returns
// the optimum that is also weighted max-min fair. With a_i = r_i x_i,
//
//   a_i = clamp(w_i * L, lo_i, hi_i),  hi_i = min(r_i, ceiling_i),
//                                      lo_i = min(min_i, hi_i)          (4)
//
// where the water level L is the largest for which (1) holds. A guarantee is a
// right and not a duty to take, hence lo_i <= r_i. Priorities are strict tiers:
// guarantees of all tiers come first, then each tier is filled from the highest
// down with what is left. That split is unique: among equal optima there are only
// those of rounding to whole units, and whole_units.h takes the one nearest to what
// is applied. To stay where one is although the optimum has moved costs somebody
// something; guard/ weighs that (deadband, economic test).
//
// L is found between the breakpoints lo_i/w_i, hi_i/w_i (water_level.h). Several
// resources of one host, separate or coupled: host.h.
// Reference: Radunovic and Le Boudec, "A unified framework for max-min and
// min-max fairness with applications", IEEE/ACM ToN 15(5), 2007 (water-filling).
//
// Pure: no clock, no I/O, no state. Units are the caller's (cores, millicores,
// bytes), the same for the whole problem.

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace ballast::allocate {

inline constexpr double kNoCeiling = std::numeric_limits<double>::infinity();

// Requires: demand, guarantee, ceiling >= 0, guarantee <= ceiling, weight > 0, all but
// the ceiling finite. Allocate() checks it and ends the process on a breach:
// callers that read user input check first and answer with a sentence.
struct Item {
  double demand = 0;            // r_i: what it could use now
  double guarantee = 0;         // min_i
  double ceiling = kNoCeiling;  // ceiling_i
  double weight = 1;            // w_i: its share of what is scarce
  int priority = 0;             // tiers; the highest is filled first
};

struct Problem {
  double capacity = 0;  // R
  std::vector<Item> items;
};

// Which side of (4) holds an item where it is. Exported by name; append only.
enum class Binding {
  kDemand,      // it has all it asked for
  kCeiling,     // its ceiling is below its demand
  kGuarantee,   // its guarantee lifts it above its share of the water
  kWaterLevel,  // its share of what is scarce
  kCoupled,     // coupled resources: it could not use more of this one, for want of another
};
const char* ToString(Binding binding);

enum class Status {
  kOptimal,
  kInfeasible,  // the guarantees alone exceed the capacity; `explanation` says by how much
};

struct Allocation {
  Status status = Status::kOptimal;
  std::vector<double> amounts;    // a_i, by item; empty if infeasible
  std::vector<Binding> bindings;  // by item; empty if infeasible
  // L of the tier in which the capacity ran out; infinity while everybody has
  // what they may have.
  double water_level = std::numeric_limits<double>::infinity();
  double objective = 0;     // sum of a_i
  double shadow_price = 0;  // what one more unit of capacity adds to the objective: 0 or 1
  std::string explanation;  // why infeasible; empty otherwise
};

Allocation Allocate(const Problem& problem);

// What Allocate() requires; ends the process on a breach.
void CheckProblem(const Problem& problem);
// The sentence that says by how much guarantees exceed the capacity; absent: they fit, rounding
// apart.
std::optional<std::string> GuaranteesExceed(double guaranteed, double capacity);

}  // namespace ballast::allocate
