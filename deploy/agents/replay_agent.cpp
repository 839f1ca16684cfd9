// A container's whole program that uses what a recorded agent used.
//
//   replay_agent PLAN      lines on PLAN, in order:
//     use MS WORK_MS BYTES     hold BYTES and use WORK_MS of CPU time within MS
//     begin NAME               a tool call starts here
//     end MS                   ... and ends; MS is how long it took when it was recorded
//
// Work is an amount of CPU time: under a quota a line takes longer than its MS,
// and everything after it comes later. Memory that is refused ends the process,
// as it ends an agent. One line of JSON per tool call on standard output, and
// {"finished":true} at the end. Linked statically, as the demo's agent is.

#include <sys/mman.h>
#include <time.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kPage = 4096;
constexpr std::size_t kMost = std::size_t{64} << 30;  // of address space

std::int64_t CpuNs() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return used.tv_sec * 1'000'000'000LL + used.tv_nsec;
}

void BurnCpu(milliseconds work) {
  const std::int64_t end = CpuNs() + std::chrono::nanoseconds(work).count();
  volatile std::uint64_t sink = 0;
  while (CpuNs() < end)
    for (int i = 0; i < 20'000; ++i) sink = sink * 2862933555777941757ULL + 3037000493ULL;
}

// What the process holds: the first bytes of one region, each page written.
class Memory {
 public:
  Memory()
      : begin_(static_cast<char*>(::mmap(nullptr, kMost, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {}
  bool is_there() const { return begin_ != MAP_FAILED; }
  void Hold(std::size_t bytes) {
    bytes = std::min(bytes, kMost) / kPage * kPage;
    for (std::size_t at = held_; at < bytes; at += kPage) begin_[at] = 1;
    if (bytes < held_) ::madvise(begin_ + bytes, held_ - bytes, MADV_DONTNEED);
    held_ = bytes;
  }

 private:
  char* begin_;
  std::size_t held_ = 0;
};

long long Milliseconds(Clock::duration duration) {
  return std::chrono::duration_cast<milliseconds>(duration).count();
}

void Use(Memory& memory, milliseconds length, milliseconds work, std::size_t bytes) {
  const auto end = Clock::now() + length;
  memory.Hold(bytes);
  BurnCpu(work);
  std::this_thread::sleep_until(end);
}

int Replay(std::istream& plan) {
  Memory memory;
  if (!memory.is_there()) return 1;
  std::string what, tool;
  Clock::time_point began;
  while (plan >> what) {
    if (what == "use") {
      long length = 0, work = 0;
      std::size_t bytes = 0;
      plan >> length >> work >> bytes;
      Use(memory, milliseconds(length), milliseconds(work), bytes);
    } else if (what == "begin") {
      plan >> tool;
      began = Clock::now();
    } else if (what == "end") {
      long recorded = 0;
      plan >> recorded;
      std::printf("{\"tool\":\"%s\",\"took_ms\":%lld,\"recorded_ms\":%ld}\n", tool.c_str(),
                  Milliseconds(Clock::now() - began), recorded);
      std::fflush(stdout);
    } else {
      std::fprintf(stderr, "replay_agent: no such line: %s\n", what.c_str());
      return 2;
    }
  }
  std::puts("{\"finished\":true}");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::ifstream plan(argc == 2 ? argv[1] : "");
  if (!plan) {
    std::fputs("usage: replay_agent PLAN\n", stderr);
    return 2;
  }
  return Replay(plan);
}
