// What reading the accounting of 1,000 idle cgroups costs: the walk through all of
// them, visits to each, and files two ways. Unit: ns per cgroup and hierarchy
// (label ns/cgroup). BALLAST_BENCH_GROUPS=n for another number of groups.
//
// Budget it defends: the walk at most 1 us per cgroup and hierarchy, and at
// least 10 times cheaper than the files in the same run (main prints both).
//
// Same values on both sides, as far as files have them: usage, user, system,
// throttling, quota, share, memory usage and limit, watermark, page lists,
// pressure. The file reader is the honest fast one: it parses nothing, and in
// one variant keeps every descriptor open (as many as the limit allows).

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "collector/base/fd.h"
#include "collector/model/cgroup_layout.h"
#include "collector/source/bpf/slot_table.h"
#include "collector/source/bpf/walk.h"

namespace ballast::source {
namespace {

std::uint32_t Groups() {
  static const char* given = std::getenv("BALLAST_BENCH_GROUPS");
  return given != nullptr ? static_cast<std::uint32_t>(std::atoi(given)) : 1000;
}

// One v2 directory or its v1 siblings hold the same values under these names.
constexpr const char* kV2Files[] = {"cpu.stat",       "cpu.max",         "cpu.weight",
                                    "memory.current", "memory.max",      "memory.high",
                                    "memory.peak",    "memory.stat",     "memory.swap.current",
                                    "cpu.pressure",   "memory.pressure", "io.pressure"};
constexpr const char* kV1Files[] = {"cpu.stat",
                                    "cpu.cfs_quota_us",
                                    "cpu.cfs_period_us",
                                    "cpu.shares",
                                    "memory.usage_in_bytes",
                                    "memory.limit_in_bytes",
                                    "memory.max_usage_in_bytes",
                                    "memory.stat",
                                    "memory.memsw.usage_in_bytes"};

// Exits with the reason: a benchmark that measured nothing must not look fine.
template <typename T>
T Must(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "walk_bench: %s\n", result.error().ToString().c_str());
  std::exit(2);
}

// The groups of all benchmarks, made once, removed at exit.
class World {
 public:
  static World& Get() {
    static World world;
    return world;
  }
  ~World() {
    walk_.reset();
    for (auto directory = directories_.rbegin(); directory != directories_.rend(); ++directory)
      ::rmdir(directory->directory.c_str());
  }

  CgroupWalk& walk() { return *walk_; }
  std::size_t hierarchies() const { return hierarchies_.size(); }
  const std::vector<std::string>& files() const { return files_; }
  std::size_t group_directories() const { return Groups() * hierarchies_.size(); }

 private:
  World() {
    hierarchies_ = MeasuredHierarchies(Must(model::ReadCgroupLayout()));
    kernel_ = Must(
        KernelSide::Start(ReadKernelFacts(), {.slots = Groups() + 1, .max_cgroups = 8 * Groups()}));
    SlotTable slots(*kernel_);
    const std::string top = "/ballast-bench-" + std::to_string(::getpid());
    for (const auto& hierarchy : hierarchies_) {
      Make(hierarchy, hierarchy.mount_point + top);
      for (std::uint32_t i = 1; i <= Groups(); ++i) {
        Must(
            slots.Track(i, Make(hierarchy, hierarchy.mount_point + top + "/" + std::to_string(i))));
        AddFiles(directories_.back().directory, hierarchy.is_v2);
      }
    }
    walk_ = std::make_unique<CgroupWalk>(Must(CgroupWalk::Open(*kernel_, hierarchies_)));
    Must(walk_->Run());  // visits go where it met them
  }

  const model::CgroupDirectory& Make(const model::Hierarchy& hierarchy, const std::string& path) {
    struct stat status {};
    if (::mkdir(path.c_str(), 0755) != 0 || ::stat(path.c_str(), &status) != 0) {
      std::perror(path.c_str());
      std::exit(2);
    }
    return directories_.emplace_back(model::CgroupDirectory{hierarchy.id, status.st_ino, path});
  }

  void AddFiles(const std::string& directory, bool is_v2) {
    const auto add = [&](const char* name) {
      const std::string path = directory + "/" + name;
      if (::access(path.c_str(), R_OK) == 0) files_.push_back(path);
    };
    if (is_v2)
      std::ranges::for_each(kV2Files, add);
    else
      std::ranges::for_each(kV1Files, add);
  }

  std::vector<model::Hierarchy> hierarchies_;
  std::unique_ptr<KernelSide> kernel_;
  std::unique_ptr<CgroupWalk> walk_;
  std::vector<model::CgroupDirectory> directories_;
  std::vector<std::string> files_;
};

// The thread's own CPU time: other work on the machine must not count.
double CpuNs() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// What the three cost, for the verdict at the end: ns per cgroup and hierarchy.
double walk_ns = 0, visit_ns = 0, kept_ns = 0, opened_ns = 0;

template <typename Body>
void Measure(benchmark::State& state, double& result, Body body) {
  World& world = World::Get();
  const double begin = CpuNs();
  for (auto _ : state) body(world);
  result = (CpuNs() - begin) / static_cast<double>(state.iterations()) /
           static_cast<double>(world.group_directories());
  state.counters["ns/cgroup"] = result;
}

void BM_Walk(benchmark::State& state) {
  Measure(state, walk_ns, [](World& world) {
    Must(world.walk().Run());
    for (Slot slot = 1; slot <= Groups(); ++slot) benchmark::DoNotOptimize(world.walk().Find(slot));
  });
}
BENCHMARK(BM_Walk)->Unit(benchmark::kMicrosecond)->MinTime(1.0);

void BM_Visits(benchmark::State& state) {
  std::vector<Slot> all(Groups());
  std::iota(all.begin(), all.end(), Slot{1});
  Measure(state, visit_ns, [&](World& world) {
    Must(world.walk().RunOnly(all));
    for (const Slot slot : all) benchmark::DoNotOptimize(world.walk().Find(slot));
  });
}
BENCHMARK(BM_Visits)->Unit(benchmark::kMicrosecond)->MinTime(1.0);

void BM_FilesOnKeptDescriptors(benchmark::State& state) {
  // RLIMIT_NOFILE may not hold them all: a part is measured and scaled.
  std::vector<Fd> kept;
  for (const std::string& file : World::Get().files()) {
    Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.is_open()) break;
    kept.push_back(std::move(fd));
  }
  const double share =
      static_cast<double>(kept.size()) / static_cast<double>(World::Get().files().size());
  Measure(state, kept_ns, [&](World&) {
    char text[8192];
    for (const Fd& fd : kept) benchmark::DoNotOptimize(::pread(fd.get(), text, sizeof(text), 0));
  });
  kept_ns /= share;
  state.counters["ns/cgroup"] = kept_ns;
  state.counters["share"] = share;
}
BENCHMARK(BM_FilesOnKeptDescriptors)->Unit(benchmark::kMicrosecond)->MinTime(1.0);

void BM_FilesOpenedEachTime(benchmark::State& state) {
  Measure(state, opened_ns, [](World& world) {
    char text[8192];
    for (const std::string& file : world.files()) {
      const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
      benchmark::DoNotOptimize(::read(fd.get(), text, sizeof(text)));
    }
  });
}
BENCHMARK(BM_FilesOpenedEachTime)->Unit(benchmark::kMicrosecond)->MinTime(1.0);

}  // namespace
}  // namespace ballast::source

int main(int argc, char** argv) {
  using namespace ballast::source;
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  if (walk_ns > 0 && kept_ns > 0 && opened_ns > 0)
    std::printf(
        "walk %.0f ns per cgroup and hierarchy (budget 1000), visits %.0f; files on kept "
        "descriptors %.1fx, "
        "opened each time %.1fx as much (budget 10x)\n",
        walk_ns, visit_ns, kept_ns / walk_ns, opened_ns / walk_ns);
}
