// Consolidation: cost above the known or proven bound, against the greedy family
// on the same inputs in the same run. Defends the figures of
// autoscaler/consolidate/README.md. Recorded, not asserted.
//
//   consolidate_bench [GROUP...] [--seconds S]
//   consolidate_bench --write planted|uniform|fleet HOSTS_OR_VMS SEED   instance as JSON, for peers
//
// GROUPs: planted, planted4, huge, curve, fleet, small, hard. Time is CPU time of this
// process, so that a busy machine does not change what a second means.

#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "autoscaler/consolidate/construct.h"
#include "autoscaler/consolidate/solve.h"
#include "tests/support/consolidation_instances.h"

namespace ballast {
namespace {

using namespace consolidate;  // NOLINT(google-build-using-namespace): a program of one file

double CpuSeconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double PeakMegabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

double Above(Cost cost, Cost bound) {
  return 100 * (static_cast<double>(cost) / static_cast<double>(bound) - 1);
}

// One instance, solved; incumbents at the marks on the way.
Solution Run(const std::string& name, const Problem& problem, double seconds) {
  const double start = CpuSeconds();
  double first_s = -1, below_one_s = -1;
  SolveOptions options;
  options.should_stop = [&] { return CpuSeconds() - start > seconds; };
  options.on_progress = [&](const Progress& progress) {
    if (!progress.has_incumbent || progress.lower_bound == 0) return;
    if (first_s < 0) first_s = CpuSeconds() - start;
    if (below_one_s < 0 && Above(progress.incumbent, progress.lower_bound) <= 1)
      below_one_s = CpuSeconds() - start;
  };
  Solution solution = Solve(problem, options);
  fmt::print(
      "{:<34} gap {:7.3f} %  {:<9} {:7.2f} s  under 1 % at {:6.2f} s  {:6.0f} MB  bound: {}\n",
      name, 100 * Gap(solution), solution.status == Status::kOptimal ? "optimal" : "feasible",
      CpuSeconds() - start, below_one_s, PeakMegabytes(), solution.bound_method);
  std::fflush(stdout);
  return solution;
}

// What the greedy family reaches on the same instance, above `bound`.
void RunGreedy(const Problem& problem, Cost bound) {
  const Instance in = MakeInstance(problem);
  const std::vector<double> weights = ResourceWeights(in, ComputeVolumeBound(in));
  WorkMeter work;
  const Packing decreasing = FirstFitDecreasing(in, weights, work);
  Cost best = 0;
  const double start = CpuSeconds();
  const auto offer = [&](const Packing& packing) {
    const Cost cost = packing.cost() + in.fixed_cost;
    if (packing.unplaced_count() == 0 && (best == 0 || cost < best)) best = cost;
  };
  offer(decreasing);
  TryGreedyFamily(in, weights, work, offer);
  if (best == 0)
    fmt::print("    greedy: none of first fit, best fit, dot product, L2 placed every VM\n");
  else
    fmt::print("    greedy: best of first fit, best fit, dot product, L2: {:.3f} % in {:.2f} s\n",
               Above(best, bound), CpuSeconds() - start);
  std::fflush(stdout);
}

void BenchPlanted(int per_host, double seconds) {
  for (const double smallest : {0.0, 0.2})
    for (const double tie : {0.0, -0.7}) {
      test::PlantedOptions options;
      options.hosts = 1000;
      options.vms_per_host = per_host;
      options.smallest = smallest;
      options.correlation = tie;
      const auto planted = test::MakePlanted(options);
      const Solution solution =
          Run(fmt::format("planted 1000x{} parts>={} tie {}", per_host, smallest, tie),
              planted.problem, seconds);
      fmt::print("    cost {:.3f} % above the planted optimum\n",
                 Above(solution.cost, planted.optimum));
      RunGreedy(planted.problem, planted.optimum);
    }
}

void BenchHuge(double seconds) {
  test::PlantedOptions options;
  options.hosts = 10'000;
  const auto planted = test::MakePlanted(options);
  Run("planted 10000x10 (100,000 VMs)", planted.problem, seconds);
}

// Cost of one complete pass against the number of VMs: near-linear or not.
void BenchCurve() {
  for (const int hosts : {100, 300, 1000, 3000, 10'000}) {
    test::PlantedOptions options;
    options.hosts = hosts;
    const auto planted = test::MakePlanted(options);
    const Instance in = MakeInstance(planted.problem);
    const std::vector<double> weights = ResourceWeights(in, ComputeVolumeBound(in));
    Random random(1);
    WorkMeter work;
    const double start = CpuSeconds();
    const Packing packing = FillHostByHost(in, weights, {1e-4, 20}, random, work);
    const double seconds = CpuSeconds() - start;
    fmt::print("curve {:>7} VMs  {:8.3f} s  {:6.2f} us per VM  {:8.3f} % above\n", in.vm_count(),
               seconds, 1e6 * seconds / in.vm_count(), Above(packing.cost(), planted.optimum));
  }
}

// The generator's defaults by seed, then what a fleet may look like otherwise.
void BenchFleet(double seconds) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
    const Problem problem = test::MakeFleet({.seed = seed});
    const Solution solution = Run(fmt::format("fleet 10,000 VMs seed {}", seed), problem, seconds);
    if (seed == 1) RunGreedy(problem, solution.lower_bound);
  }
  static const std::pair<const char*, test::FleetOptions> kOthers[] = {
      {"fleet, 50 shapes, 10 types", {.shapes = 50, .types = 10, .seed = 9}},
      {"fleet, 200 shapes, 30 types", {.shapes = 200, .types = 30, .seed = 9}},
      {"fleet, nothing placed yet", {.placed = false, .seed = 9}},
      {"fleet, every host costs 1", {.unit_costs = true, .seed = 9}},
      {"fleet, sizes without units", {.free_sizes = true, .seed = 9}}};
  for (const auto& [name, options] : kOthers) Run(name, test::MakeFleet(options), seconds);
}

void Tally(const std::string& name, int instances, double seconds,
           const std::function<Problem(std::uint64_t)>& make) {
  int optimal = 0;
  double spent = 0, slowest = 0;
  for (int seed = 1; seed <= instances; ++seed) {
    const double start = CpuSeconds();
    SolveOptions options;
    options.should_stop = [&] { return CpuSeconds() - start > seconds; };
    optimal += Solve(make(static_cast<std::uint64_t>(seed)), options).status == Status::kOptimal;
    const double took = CpuSeconds() - start;
    spent += took;
    slowest = std::max(slowest, took);
  }
  fmt::print("{:<44} proven optimal {:3}/{:3}  mean {:6.2f} s  slowest {:6.2f} s\n", name, optimal,
             instances, spent / instances, slowest);
  std::fflush(stdout);
}

void BenchSmall(double seconds) {
  for (const int vms : {20, 60, 120})
    for (const int resources : {2, 3})
      for (const auto& [low, high] :
           {std::pair{0.1, 0.4}, {0.001, 1.0}, {0.2, 0.8}, {0.05, 0.2}, {0.13, 0.67}})
        Tally(fmt::format("{} VMs, {} resources, sizes {}-{}", vms, resources, low, high), 5,
              seconds, [&, lo = low, hi = high](std::uint64_t seed) {
                test::UniformOptions options;
                options.vms = vms;
                options.resources = resources;
                options.low = lo;
                options.high = hi;
                options.seed = seed;
                return test::MakeUniform(options);
              });
}

void BenchHard(double seconds) {
  for (const int per_host : {3, 4, 5, 6, 8, 10})
    for (const int types : {1, 4})
      Tally(fmt::format("120 VMs cut exactly, {} a host, {} types", per_host, types), 3, seconds,
            [&](std::uint64_t seed) {
              test::PlantedOptions options;
              options.hosts = 120 / per_host;
              options.vms_per_host = per_host;
              options.types = types;
              options.seed = seed;
              return test::MakePlanted(options).problem;
            });
}

// The instance in the project's JSON, one line a thing.
int Write(const std::string& kind, int size, std::uint64_t seed) {
  Problem problem;
  if (kind == "planted")
    problem = test::MakePlanted({.hosts = size, .vms_per_host = 10, .seed = seed}).problem;
  if (kind == "uniform") problem = test::MakeUniform({.vms = size, .seed = seed});
  if (kind == "fleet") problem = test::MakeFleet({.vms = size, .seed = seed});
  fmt::print("{{\"hosts\":[\n");
  for (std::size_t j = 0; j < problem.hosts.size(); ++j)
    fmt::print("{}{{\"name\":\"{}\",\"cpu\":{},\"memory\":{},\"cost\":{}}}\n", j == 0 ? "" : ",",
               problem.hosts[j].name, static_cast<double>(problem.hosts[j].capacity[0]) / 1000,
               problem.hosts[j].capacity[1],
               static_cast<double>(problem.hosts[j].cost) / kCostScale);
  fmt::print("],\"vms\":[\n");
  for (std::size_t i = 0; i < problem.vms.size(); ++i) {
    const Vm& vm = problem.vms[i];
    fmt::print("{}{{\"name\":\"{}\",\"cpu\":{},\"memory\":{}", i == 0 ? "" : ",", vm.name,
               static_cast<double>(vm.demand[0]) / 1000, vm.demand[1]);
    if (vm.current != kNoHost)
      fmt::print(",\"host\":\"{}\"", problem.hosts[static_cast<std::size_t>(vm.current)].name);
    fmt::print("}}\n");
  }
  fmt::print("]}}\n");
  return 0;
}

}  // namespace
}  // namespace ballast

int main(int argc, char** argv) {
  using namespace ballast;
  if (argc == 5 && std::strcmp(argv[1], "--write") == 0)
    return Write(argv[2], std::atoi(argv[3]), std::strtoull(argv[4], nullptr, 10));
  double seconds = 10;
  std::vector<std::string> groups;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
      seconds = std::atof(argv[++i]);
    else
      groups.emplace_back(argv[i]);
  }
  if (groups.empty()) groups = {"planted", "planted4", "huge", "curve", "fleet", "small", "hard"};
  for (const std::string& group : groups) {
    if (group == "planted") BenchPlanted(10, seconds);
    if (group == "planted4") BenchPlanted(4, seconds);
    if (group == "huge") BenchHuge(seconds);
    if (group == "curve") BenchCurve();
    if (group == "fleet") BenchFleet(seconds);
    if (group == "small") BenchSmall(seconds);
    if (group == "hard") BenchHard(seconds);
  }
  return 0;
}
