// A container's whole program that behaves as LLM agents were measured to do
// (AgentCgroup, arXiv 2602.09345): it sleeps, then calls a tool that bursts for
// one to two seconds to ten times the average, and sleeps again.
//
//   demo_agent SEED SECONDS      the agent: calls tools until the time is over
//   pytest | npm | cargo ARG...  the same file under a tool's name is that tool
//
// The plan (when, which tool, how much) comes from the seed alone, so that two
// runs under different limits have the same work in front of them. A tool's CPU
// work is an amount of CPU time: under a quota it takes longer, it is not less.
// One line of JSON per tool call on standard output; times are CLOCK_BOOTTIME.
// Linked statically: it runs in a container that has nothing but busybox.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using std::chrono::milliseconds;

std::int64_t ReadClockNs(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

void BurnCpu(milliseconds work) {
  const std::int64_t end =
      ReadClockNs(CLOCK_THREAD_CPUTIME_ID) + std::chrono::nanoseconds(work).count();
  volatile std::uint64_t sink = 0;
  while (ReadClockNs(CLOCK_THREAD_CPUTIME_ID) < end)
    for (int i = 0; i < 20'000; ++i) sink = sink * 2862933555777941757ULL + 3037000493ULL;
}

// pytest THREADS CPU_MS: the work is shared out over the threads.
int RunPytest(int threads, int cpu_ms) {
  std::vector<std::jthread> workers;
  for (int i = 0; i < threads; ++i) workers.emplace_back(BurnCpu, milliseconds(cpu_ms / threads));
  return 0;
}

// npm MEGABYTES HOLD_MS: memory rises at about 1 GB/s, stays, and is let go;
// package files are written meanwhile.
int RunNpm(int megabytes, int hold_ms) {
  constexpr std::size_t kChunk = 4 << 20;
  const auto size = static_cast<std::size_t>(megabytes) << 20;
  auto* memory = static_cast<char*>(
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (memory == MAP_FAILED) return 1;
  const int fd = ::open("/tmp/package.tar", O_CREAT | O_TRUNC | O_WRONLY, 0600);
  for (std::size_t at = 0; at < size; at += kChunk) {
    std::memset(memory + at, 1, std::min(kChunk, size - at));
    if (fd >= 0 && at % (16 * kChunk) == 0 && ::write(fd, memory + at, kChunk / 4) < 0) return 1;
    std::this_thread::sleep_for(milliseconds(4));
  }
  std::this_thread::sleep_for(milliseconds(hold_ms));
  if (fd >= 0) ::close(fd);
  ::unlink("/tmp/package.tar");
  return 0;
}

// cargo CPU_MS MEGABYTES: both at once.
int RunCargo(int cpu_ms, int megabytes) {
  const std::jthread compile(BurnCpu, milliseconds(cpu_ms));
  return RunNpm(megabytes, cpu_ms / 2);
}

struct ToolCall {
  std::string tool;
  int first = 0;
  int second = 0;
  milliseconds idle{};  // before it
};

ToolCall NextCall(std::mt19937& random) {
  const auto between = [&](int low, int high) {
    return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
  };
  const milliseconds idle(between(1200, 3200));
  switch (random() % 3) {
    case 0:
      return {"pytest", 2, between(900, 1800), idle};
    case 1:
      return {"npm", between(150, 400), between(400, 1000), idle};
    default:
      return {"cargo", between(700, 1400), between(100, 250), idle};
  }
}

void Call(const ToolCall& call) {
  const std::int64_t start = ReadClockNs(CLOCK_BOOTTIME);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string path = "/bin/" + call.tool;
    ::execl(path.c_str(), call.tool.c_str(), std::to_string(call.first).c_str(),
            std::to_string(call.second).c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::printf(
      "{\"tool\":\"%s\",\"start_ns\":%lld,\"duration_ns\":%lld,\"killed\":%s,\"exit\":%d}\n",
      call.tool.c_str(), static_cast<long long>(start),
      static_cast<long long>(ReadClockNs(CLOCK_BOOTTIME) - start),
      WIFSIGNALED(status) ? "true" : "false", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  std::fflush(stdout);
}

int RunAgent(unsigned seed, int seconds) {
  std::mt19937 random(seed);
  const std::int64_t end = ReadClockNs(CLOCK_BOOTTIME) + seconds * 1'000'000'000LL;
  while (ReadClockNs(CLOCK_BOOTTIME) < end) {
    const ToolCall call = NextCall(random);
    std::this_thread::sleep_for(call.idle);
    Call(call);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string path = argv[0];
  const std::string name = path.substr(path.find_last_of('/') + 1);
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s SEED SECONDS\n", name.c_str());
    return 2;
  }
  const int first = std::atoi(argv[1]);
  const int second = std::atoi(argv[2]);
  if (name == "pytest") return RunPytest(first, second);
  if (name == "npm") return RunNpm(first, second);
  if (name == "cargo") return RunCargo(first, second);
  return RunAgent(static_cast<unsigned>(first), second);
}
