// Tool calls against what the parent process learns of them: wait4(2).

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "bpf/abi/event_abi.h"
#include "collector/model/field.h"
#include "collector/source/bpf/bpf_sources.h"
#include "collector/source/bpf/tool_calls.h"
#include "tests/kernel/test_cgroups.h"
#include "tests/support/map_sample.h"

namespace ballast::source {
namespace {

using model::Field;
using test::Child;
using test::TestGroup;

constexpr Slot kSlot = 9;

class ToolSink final : public EventSink {
 public:
  void OnEvent(SourceEvent event) override {
    if (event.kind == model::EventKind::kToolCall && event.slot == kSlot)
      calls.push_back(std::move(event.fields));
    else if (event.kind == model::EventKind::kToolBegin && event.slot == kSlot)
      begins.push_back(std::move(event.fields));
  }
  void OnCgroup(const CgroupChange&) override {}

  std::vector<model::FieldSet> calls;
  std::vector<model::FieldSet> begins;
};

class ToolTest : public ::testing::Test {
 protected:
  void SetUp() override { Start({.slots = 64, .max_cgroups = 4096}); }

  void Start(const KernelSideOptions& options) {
    bpf_.reset();
    auto layout = model::ReadCgroupLayout();
    ASSERT_TRUE(layout) << layout.error().ToString();
    auto bpf = OpenBpfSources(ReadKernelFacts(), *layout, options);
    ASSERT_TRUE(bpf) << bpf.error().ToString();
    bpf_.emplace(*std::move(bpf));
    ASSERT_TRUE(bpf_->kernel->IsAttached("tol_on_exec"));
    ASSERT_TRUE(bpf_->kernel->IsAttached("tol_on_exit"));
  }
  void Track(const TestGroup& group) {
    for (auto& source : bpf_->sources)
      ASSERT_TRUE(source->Track({.slot = kSlot, .key = {}, .directories = group.directories()}));
  }
  const std::vector<model::FieldSet>& Drain() {
    for (auto& source : bpf_->sources) source->Drain(sink_);
    return sink_.calls;
  }
  test::MapSample Collect() {
    test::MapSample sample;
    for (auto& source : bpf_->sources) EXPECT_TRUE(source->Collect(sample));
    return sample;
  }
  const model::FieldSet* Find(std::string_view program) {
    for (const auto& call : Drain())
      if (call.GetText(Field::kProgram) == program) return &call;
    return nullptr;
  }

  std::optional<BpfSources> bpf_;
  ToolSink sink_;
};

// Runs `command` as a shell's child in the group.
int Shell(const TestGroup& group, const std::string& command) {
  return Child(group,
               [&] {
                 ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
                 ::_exit(127);
               })
      .Wait();
}

TEST_F(ToolTest, SpanHasWhatTheParentLearnsByWait) {
  constexpr std::uint64_t kBytes = std::uint64_t{64} * (32 << 20);
  TestGroup group("wait");
  Track(group);
  Child child(group, [] {
    const pid_t tool = ::fork();
    if (tool == 0) {
      ::execl("/bin/dd", "dd", "if=/dev/zero", "of=/dev/null", "bs=32M", "count=64", "status=none",
              nullptr);
      ::_exit(127);
    }
    int status = 0;
    rusage used{};
    ::wait4(tool, &status, 0, &used);
    std::ofstream out("/tmp/ballast-tool-witness");
    out << used.ru_utime.tv_sec * 1000000L + used.ru_utime.tv_usec +
               used.ru_stime.tv_sec * 1000000L + used.ru_stime.tv_usec
        << ' ' << used.ru_maxrss;
  });
  child.Wait();
  std::istringstream witness(test::ReadText("/tmp/ballast-tool-witness"));
  double cpu_us = 0, peak_kib = 0;
  witness >> cpu_us >> peak_kib;
  ::unlink("/tmp/ballast-tool-witness");

  const model::FieldSet* call = Find("dd");

  ASSERT_NE(call, nullptr);
  EXPECT_EQ(call->Get(Field::kExitCode), 0u);
  ASSERT_GT(cpu_us, 10'000);
  // The parent also sees what came before the exec and after the exit began; the
  // kernel brings its sum up to date once a scheduler tick.
  EXPECT_NEAR(static_cast<double>(*call->Get(Field::kCpuUsageNs)) / 1e3, cpu_us,
              0.05 * cpu_us + 20'000);
  if (const auto peak = call->Get(Field::kResidentPeakBytes)) {
    EXPECT_NEAR(static_cast<double>(*peak) / 1024, peak_kib, 2048);
  }
  EXPECT_GE(*call->Get(Field::kReadBytes), kBytes);
  EXPECT_LT(*call->Get(Field::kReadBytes), (kBytes) + (1 << 20));  // and its libraries
  EXPECT_EQ(*call->Get(Field::kWrittenBytes), kBytes);
  EXPECT_GE(*call->Get(Field::kDurationNs), *call->Get(Field::kCpuUsageNs) / 2);
}

TEST_F(ToolTest, ExitStatusIsThatOfWait) {
  TestGroup group("status");
  Track(group);

  const int exited = Shell(group, "exit 7");
  const int killed = Shell(group, "kill -9 $$");

  const auto& calls = Drain();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].Get(Field::kExitCode), static_cast<std::uint64_t>(exited));
  EXPECT_EQ(calls[1].Get(Field::kExitCode), static_cast<std::uint64_t>(killed));
  EXPECT_TRUE(WIFSIGNALED(static_cast<int>(*calls[1].Get(Field::kExitCode))));
}

TEST_F(ToolTest, ParentSpanIsWhoCalled) {
  TestGroup group("parent");
  Track(group);

  Shell(group, "( ( /bin/true ) ; /bin/true ) ; exit 0");  // through subshells, which are no calls

  const model::FieldSet* outer = Find("sh -c");
  ASSERT_NE(outer, nullptr);
  EXPECT_FALSE(outer->Has(Field::kParentSpanId));
  int inner = 0;
  for (const auto& call : Drain())
    if (call.GetText(Field::kProgram) == "true") {
      ++inner;
      EXPECT_EQ(call.Get(Field::kParentSpanId), outer->Get(Field::kSpanId));
      EXPECT_NE(call.Get(Field::kSpanId), outer->Get(Field::kSpanId));
    }
  EXPECT_EQ(inner, 2);
}

// A large parent's memory is not its small child's: ru_maxrss says so, we do not.
TEST_F(ToolTest, PeakMemoryOfTheCallerIsNotTheTools) {
  TestGroup group("large");
  Track(group);
  constexpr std::size_t kLarge = 64 << 20;
  Child(group, [] {
    auto* memory = static_cast<char*>(::mmap(nullptr, kLarge, PROT_READ | PROT_WRITE,
                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
    memory[0] = 1;
    ::execl("/bin/true", "true", nullptr);
  }).Wait();

  const model::FieldSet* call = Find("true");

  ASSERT_NE(call, nullptr);
  if (const auto peak = call->Get(Field::kResidentPeakBytes)) {
    EXPECT_LT(*peak, kLarge / 2);
  }
}

TEST_F(ToolTest, ProgramThatBecomesAnotherIsOneCall) {
  TestGroup group("becomes");
  Track(group);

  Shell(group, "exec env true");

  const auto& calls = Drain();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].GetText(Field::kProgram), "true");
}

TEST_F(ToolTest, UntrackedProcessesAreNoToolCalls) {
  TestGroup group("tracked"), stranger("stranger");
  Track(group);

  Shell(stranger, "true");

  EXPECT_TRUE(Drain().empty());
}

TEST_F(ToolTest, CommandLineIsRecordedOnlyIfAskedFor) {
  {
    TestGroup group("silent");
    Track(group);
    Shell(group, "/bin/true --token=abc plain");
    ASSERT_NE(Find("true"), nullptr);
    EXPECT_FALSE(Find("true")->GetText(Field::kCommandLine).size());
  }
  sink_.calls.clear();
  Start({.slots = 64, .max_cgroups = 4096, .command_lines = true});
  TestGroup group("asked");
  Track(group);

  Shell(group, "/bin/true --token=abc plain");

  ASSERT_NE(Find("true"), nullptr);
  EXPECT_EQ(Find("true")->GetText(Field::kCommandLine), "/bin/true --token=*** plain");
}

// What its burst is answered by: the exec is told while the call runs.
TEST_F(ToolTest, ExecIsToldWhileTheCallRuns) {
  TestGroup group("begins");
  Track(group);
  Child child(group, [] {
    ::execl("/bin/sleep", "sleep", "600", nullptr);
    ::_exit(127);
  });
  for (int i = 0; i < 3000 && sink_.begins.empty(); ++i) {
    Drain();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }

  ASSERT_EQ(sink_.begins.size(), 1u);
  EXPECT_TRUE(Drain().empty()) << "it has not ended";
  EXPECT_EQ(sink_.begins[0].GetText(Field::kProgram), "sleep");
  EXPECT_EQ(sink_.begins[0].Get(Field::kPid), static_cast<std::uint64_t>(child.pid()));
  ::kill(child.pid(), SIGKILL);
  child.Wait();
  const model::FieldSet* call = Find("sleep");
  ASSERT_NE(call, nullptr);
  EXPECT_EQ(call->Get(Field::kSpanId), sink_.begins[0].Get(Field::kSpanId));
  EXPECT_LE(*call->Get(Field::kBootRelativeStartNs), *sink_.begins[0].Get(Field::kEventTimeNs));
}

TEST_F(ToolTest, ProgramThatBecomesAnotherBeginsAgainUnderItsName) {
  TestGroup group("renamed");
  Track(group);

  // By its path: busybox, the shell of small guests, would run itself under the name of exe.
  Shell(group, "exec /bin/true");
  Drain();

  std::vector<std::string> names;
  for (const auto& begin : sink_.begins) {
    names.emplace_back(begin.GetText(Field::kProgram));
    EXPECT_EQ(begin.Get(Field::kSpanId), sink_.begins[0].Get(Field::kSpanId));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"sh -c", "true"}));
}

// A storm wakes nobody for each of its execs, and what is not told is counted.
TEST_F(ToolTest, ExecsBeyondTheRateAreCounted) {
  TestGroup group("rate");
  Track(group);
  constexpr int kCalls = 300;
  const auto began = std::chrono::steady_clock::now();

  Shell(group, "i=0; while [ $i -lt " + std::to_string(kCalls) +
                   " ]; do /bin/true; i=$((i+1)); done; exit 0");

  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  Drain();
  std::uint64_t lost = 0;
  for (const auto& [key, fields] : Collect().children) {
    const auto& [slot, kind, name] = key;
    if (kind == model::EntityKind::kLoss && name.starts_with("tools/begin"))
      lost += *fields.Get(Field::kEventsLost);
  }
  const auto told = static_cast<double>(sink_.begins.size());
  EXPECT_GE(told, 32);
  EXPECT_LE(told, 32 + 50 * took.count() + 1);  // the burst, and one for each 20 ms
  EXPECT_EQ(sink_.begins.size() + lost, static_cast<std::uint64_t>(kCalls) + 1);  // and the shell
}

// Every exec is in the sums, in a single record, or counted as lost.
TEST_F(ToolTest, StormIsBoundedAndCounted) {
  Start({.slots = 64, .max_cgroups = 4096, .ring_bytes = 64 * 1024});
  TestGroup group("storm");
  Track(group);
  constexpr int kCalls = 600;

  Shell(group, "i=0; while [ $i -lt " + std::to_string(kCalls) +
                   " ]; do /bin/true; i=$((i+1)); done; exit 0");

  EXPECT_LE(static_cast<double>(Drain().size()), ToolCalls::kBurst + 1);
  const auto sample = Collect();
  std::uint64_t summed = 0, lost = 0;
  for (const auto& [key, fields] : sample.children) {
    const auto& [slot, kind, name] = key;
    if (kind == model::EntityKind::kTool && name == "true") summed = *fields.Get(Field::kCalls);
    if (kind == model::EntityKind::kLoss && name == "tools/ring_full")
      lost = *fields.Get(Field::kEventsLost);
  }
  EXPECT_GT(lost, 0u);  // nobody drained, and half of the ring is for others
  EXPECT_GT(summed, 0u);
  // The shell's own span, which ended last, may be among the lost.
  EXPECT_GE(summed + lost, static_cast<std::uint64_t>(kCalls));
  EXPECT_LE(summed + lost, static_cast<std::uint64_t>(kCalls) + 1);
}

}  // namespace
}  // namespace ballast::source
