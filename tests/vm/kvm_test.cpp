// What KVM's tracepoints make of a virtual machine whose exits are known: runs in
// guests only (matrix.py), where QEMU's TCG emulates AMD's SVM. Witnesses: the
// machine's own program, and KVM's statistics of its vCPU.

#include <sys/mman.h>

#include "collector/base/clock.h"
#include "collector/model/field.h"
#include "collector/source/bpf/kvm_source.h"
#include "tests/kernel/kernel_fixture.h"
#include "tests/kernel/test_cgroups.h"
#include "tests/support/map_sample.h"
#include "tests/vm/tiny_vm.h"

namespace ballast::source {
namespace {

using model::EntityKind;
using model::Field;
using namespace std::chrono_literals;

constexpr Slot kSlot = 3;

// Shared with the VM's process.
struct Account {
  bool is_good;
  char problem[200];
  std::uint64_t exits, io_exits, halt_exits, halt_ns;
  std::uint64_t ran_ns, waited_ns;  // of the vCPU thread, at its end
};

class KvmTest : public test::KernelTest {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    ASSERT_TRUE(kernel_->IsAttached("kvm_on_exit")) << Why("kvm_on_exit");
    ASSERT_TRUE(Why("kvm_on_record").starts_with("not needed")) << Why("kvm_on_record");
    ASSERT_TRUE(kernel_->IsAttached("kvm_on_entry")) << Why("kvm_on_entry");
    ASSERT_TRUE(kernel_->IsAttached("kvm_on_wakeup")) << Why("kvm_on_wakeup");
    account_ = static_cast<Account*>(::mmap(nullptr, sizeof(Account), PROT_READ | PROT_WRITE,
                                            MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    source_ = std::make_unique<KvmSource>(*kernel_, clock_, KvmSourceOptions{.read = 0ms});
    ASSERT_TRUE(source_->Track({.slot = kSlot, .key = {}, .directories = {}}));
    Track(kSlot, group_);
  }

  std::string Why(const char* name) const {
    for (const ProgramState& program : kernel_->programs())
      if (program.name == name) return program.because;
    return "no such program";
  }

  // The VM runs one round and stands still.
  std::unique_ptr<test::Child> RunVm(const test::Round& round) {
    Account* account = account_;
    auto vm = std::make_unique<test::Child>(group_, [account, round] {
      test::TinyVm machine;
      account->is_good = machine.Open() && machine.RunRound(round);
      std::strncpy(account->problem, machine.problem().c_str(), sizeof(account->problem) - 1);
      auto stats = machine.ReadStats();
      account->exits = stats["exits"];
      account->io_exits = stats["io_exits"];
      account->halt_exits = stats["halt_exits"];
      account->halt_ns =
          stats["halt_wait_ns"] + stats["halt_poll_success_ns"] + stats["halt_poll_fail_ns"];
      const std::string schedstat = test::ReadText("/proc/thread-self/schedstat");
      account->ran_ns = std::strtoull(schedstat.c_str(), nullptr, 10);
      ::raise(SIGSTOP);
    });
    vm->WaitUntilStopped();
    return vm;
  }

  test::MapSample Collect() {
    test::MapSample sample;
    EXPECT_TRUE(source_->Collect(sample));
    return sample;
  }
  static std::uint64_t Exits(test::MapSample& sample, const char* reason) {
    return sample.children[{kSlot, EntityKind::kExit, reason}].Get(Field::kVmExits).value_or(0);
  }

  const SystemClock clock_;
  test::TestGroup group_{"kvm"};
  Account* account_ = nullptr;
  std::unique_ptr<KvmSource> source_;
};

constexpr test::Round kRound{.outs = 400, .cpuids = 150, .halts = 20, .halt = 20ms};

TEST_F(KvmTest, ExitsByReasonAreThoseOfTheGuestsProgram) {
  const auto vm = RunVm(kRound);
  ASSERT_TRUE(account_->is_good) << account_->problem;

  test::MapSample sample = Collect();

  EXPECT_EQ(Exits(sample, "io"), kRound.io_exits());
  EXPECT_EQ(Exits(sample, "cpuid"), kRound.cpuids);
  EXPECT_EQ(Exits(sample, "hlt"), kRound.halts);
}

TEST_F(KvmTest, ExitsAgreeWithKvmsOwnStatistics) {
  const auto vm = RunVm(kRound);
  ASSERT_TRUE(account_->is_good) << account_->problem;

  test::MapSample sample = Collect();

  std::uint64_t all = 0;
  for (const auto& [key, fields] : sample.children)
    if (std::get<1>(key) == EntityKind::kExit) all += fields.Get(Field::kVmExits).value_or(0);
  EXPECT_EQ(all, account_->exits);
  EXPECT_EQ(Exits(sample, "io"), account_->io_exits);
  EXPECT_EQ(Exits(sample, "hlt"), account_->halt_exits);
}

TEST_F(KvmTest, HaltTimeIsWhatKvmCounts) {
  const auto vm = RunVm(kRound);
  ASSERT_TRUE(account_->is_good) << account_->problem;
  ASSERT_GT(account_->halt_ns, 20'000'000u) << "the vCPU hardly halted";

  test::MapSample sample = Collect();

  const auto halted = sample.children[{kSlot, EntityKind::kVcpu, "0"}].Get(Field::kVcpuHaltNs);
  ASSERT_TRUE(halted);
  EXPECT_NEAR(static_cast<double>(*halted) / static_cast<double>(account_->halt_ns), 1, 0.01);
}

TEST_F(KvmTest, HaltsAreNoTimeOfTheHosts) {
  const auto vm = RunVm(kRound);
  ASSERT_TRUE(account_->is_good) << account_->problem;

  test::MapSample sample = Collect();

  const auto host = sample.children[{kSlot, EntityKind::kExit, "hlt"}].Get(Field::kVmExitNs);
  ASSERT_TRUE(host);
  EXPECT_GT(*host, 0u);
  EXPECT_LT(*host, account_->halt_ns / 2);
}

TEST_F(KvmTest, VcpuThreadsTimeIsKnownWithoutItsName) {
  const auto vm = RunVm(kRound);
  ASSERT_TRUE(account_->is_good) << account_->problem;

  test::MapSample sample = Collect();

  // As of the last exit, so never more; what follows it is short beside the round.
  const auto ran = sample.children[{kSlot, EntityKind::kVcpu, "0"}].Get(Field::kVcpuTimeNs);
  ASSERT_TRUE(ran);
  EXPECT_LE(*ran, account_->ran_ns);
  EXPECT_GT(static_cast<double>(*ran), 0.5 * static_cast<double>(account_->ran_ns));
}

TEST_F(KvmTest, VmThatEndsLeavesItsExitsAndNoVcpu) {
  auto vm = RunVm(kRound);
  ASSERT_TRUE(account_->is_good) << account_->problem;

  vm->Kill();
  test::MapSample first = Collect();
  test::MapSample second = Collect();

  EXPECT_EQ(Exits(first, "io"), kRound.io_exits());
  EXPECT_FALSE(second.children.contains({kSlot, EntityKind::kVcpu, "0"}));
}

}  // namespace
}  // namespace ballast::source
