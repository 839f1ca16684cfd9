// The pure file reader that the collector's cost is held against: what it takes
// merely to read the control files of every group below a prefix, as often as
// the collector measures. It parses nothing and keeps every descriptor open, so
// nothing that reads files can be cheaper.
//
//   file_reader PREFIX ROUNDS     // "groups 1000 files 12000 us_per_round 41234"
//
// One process and thread; the time is its CPU time by the kernel's clock.

#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "collector/base/fd.h"
#include "collector/model/cgroup_layout.h"

namespace {

// The same values that the walk has, as far as files have them; one v2
// directory or its v1 siblings.
constexpr const char* kFiles[] = {"cpu.stat",
                                  "cpu.max",
                                  "cpu.weight",
                                  "memory.current",
                                  "memory.max",
                                  "memory.high",
                                  "memory.peak",
                                  "memory.stat",
                                  "memory.events",
                                  "cpu.pressure",
                                  "memory.pressure",
                                  "io.pressure",
                                  "cpu.cfs_quota_us",
                                  "cpu.shares",
                                  "memory.usage_in_bytes",
                                  "memory.limit_in_bytes",
                                  "memory.max_usage_in_bytes"};

std::vector<ballast::Fd> OpenFiles(const std::string& prefix, std::size_t& groups) {
  std::vector<ballast::Fd> files;
  const auto layout = ballast::model::ReadCgroupLayout();
  if (!layout) return files;
  for (const auto& hierarchy : layout->hierarchies) {
    std::error_code error;
    std::size_t here = 0;
    for (const auto& group :
         std::filesystem::directory_iterator(hierarchy.mount_point + prefix, error)) {
      if (!group.is_directory(error)) continue;
      ++here;
      for (const char* name : kFiles) {
        ballast::Fd fd(::open((group.path() / name).c_str(), O_RDONLY | O_CLOEXEC));
        if (fd.is_open()) files.push_back(std::move(fd));
      }
    }
    groups = std::max(groups, here);
  }
  return files;
}

double CpuMicroseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc == 3 ? std::atoi(argv[2]) : 0;
  if (rounds < 1) {
    std::fprintf(stderr, "usage: file_reader PREFIX ROUNDS\n");
    return 2;
  }
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  std::size_t groups = 0;
  const auto files = OpenFiles(argv[1], groups);
  if (files.empty()) {
    std::fprintf(stderr, "file_reader: no groups below %s\n", argv[1]);
    return 2;
  }
  char text[16 * 1024];
  const auto read_all = [&] {
    for (const ballast::Fd& fd : files)
      static_cast<void>(::pread(fd.get(), text, sizeof(text), 0) < 0);  // EOPNOTSUPP: psi=0
  };
  read_all();  // the first read of a file allocates
  const double begin = CpuMicroseconds();
  for (int round = 0; round < rounds; ++round) read_all();
  std::printf("groups %zu files %zu us_per_round %.0f\n", groups, files.size(),
              (CpuMicroseconds() - begin) / rounds);
  return 0;
}
