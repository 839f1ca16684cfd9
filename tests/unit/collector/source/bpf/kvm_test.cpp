#include <gtest/gtest.h>

#include "bpf/abi/kvm_abi.h"
#include "collector/source/bpf/decide_reads.h"
#include "collector/source/bpf/kvm_exit_reason.h"
#include "collector/source/bpf/kvm_tracepoint.h"

namespace ballast::source {
namespace {

struct NamedExit {
  const char* name;
  std::uint32_t isa;
  std::uint32_t code;
  const char* word;
};
class KvmExitReasonTest : public ::testing::TestWithParam<NamedExit> {};

TEST_P(KvmExitReasonTest, SaysTheSameWordForBothProcessors) {
  EXPECT_EQ(NameOfKvmExit(GetParam().isa, GetParam().code), GetParam().word);
}

INSTANTIATE_TEST_SUITE_P(
    Codes, KvmExitReasonTest,
    ::testing::Values(NamedExit{"IntelHlt", KVM_ISA_VMX, 12, "hlt"},
                      NamedExit{"AmdHlt", KVM_ISA_SVM, 0x78, "hlt"},
                      NamedExit{"IntelIo", KVM_ISA_VMX, 30, "io"},
                      NamedExit{"AmdIo", KVM_ISA_SVM, 0x7b, "io"},
                      NamedExit{"IntelPageFault", KVM_ISA_VMX, 48, "nested_page_fault"},
                      NamedExit{"AmdPageFault", KVM_ISA_SVM, KVM_CODE_NESTED, "nested_page_fault"},
                      NamedExit{"Rest", KVM_ISA_SVM, KVM_CODE_REST, "other"},
                      NamedExit{"UnknownProcessor", 7, 12, "other"}),
    [](const auto& tested) { return tested.param.name; });

// As Linux 6.1 describes it; 6.18 adds `requests` behind.
constexpr const char* kFormat =
    "name: kvm_exit\nID: 1234\nformat:\n"
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
    "\tfield:unsigned int exit_reason;\toffset:8;\tsize:4;\tsigned:0;\n"
    "\tfield:unsigned long guest_rip;\toffset:16;\tsize:8;\tsigned:0;\n"
    "\tfield:u32 isa;\toffset:24;\tsize:4;\tsigned:0;\n"
    "\tfield:unsigned int vcpu_id;\toffset:56;\tsize:4;\tsigned:0;\n\n"
    "print fmt: \"vcpu %u\", REC->vcpu_id\n";

std::string Without(std::string text, const std::string& what, const std::string& instead) {
  return text.replace(text.find(what), what.size(), instead);
}

TEST(KvmTracepointTest, OffsetsAreFoundByName) {
  const auto format = ParseKvmExitFormat(kFormat);

  ASSERT_TRUE(format);
  EXPECT_EQ(format->reason, 8u);
  EXPECT_EQ(format->isa, 24u);
  EXPECT_EQ(format->vcpu, 56u);
}

TEST(KvmTracepointTest, RecordWithoutAFieldIsRefused) {
  EXPECT_FALSE(ParseKvmExitFormat(Without(kFormat, "exit_reason;", "ret;")));
}

TEST(KvmTracepointTest, FieldOfAnotherSizeIsRefused) {
  EXPECT_FALSE(ParseKvmExitFormat(Without(kFormat, "offset:24;\tsize:4;", "offset:24;\tsize:8;")));
}

TEST(KvmTracepointTest, OffsetBeyondTheProgramsReachIsRefused) {
  EXPECT_FALSE(ParseKvmExitFormat(Without(kFormat, "offset:56;", "offset:256;")));
}

TEST(KvmTracepointTest, OtherTextIsRefused) {
  EXPECT_FALSE(ParseKvmExitFormat(""));
  EXPECT_FALSE(ParseKvmExitFormat(" exit_reason; isa; vcpu_id;"));
}

KernelFacts SomeKernel() {
  KernelFacts facts;
  facts.btf_readable = true;
  return facts;
}

TEST(KvmSignalsTest, HostWithoutKvmLacksNothing) {
  const std::vector<ProgramState> programs = {{.name = "kvm_on_exit", .because = kKvmNotLoaded}};

  const auto choices = DecideReads(SomeKernel(), programs);

  EXPECT_EQ(ChoiceOf(choices, "vm exits").via, Via::kAbsent);
  EXPECT_TRUE(ChoiceOf(choices, "vm exits").is_moot);
}

TEST(KvmSignalsTest, LoadedKvmThatCannotBeAttachedToIsMissing) {
  const std::vector<ProgramState> programs = {{.name = "kvm_on_exit", .because = "refused"},
                                              {.name = "kvm_on_record", .because = "no tracefs"}};

  const auto choices = DecideReads(SomeKernel(), programs);

  EXPECT_EQ(ChoiceOf(choices, "vm exits").via, Via::kAbsent);
  EXPECT_FALSE(ChoiceOf(choices, "vm exits").is_moot);
  EXPECT_EQ(ChoiceOf(choices, "vm exits").because, "refused");
}

TEST(KvmSignalsTest, RecordStandsInWhereStructuresAreNotKnown) {
  const std::vector<ProgramState> programs = {
      {.name = "kvm_on_exit", .because = "not needed: kvm_on_record is there"},
      {.name = "kvm_on_record", .attached = true, .because = ""}};

  const auto choices = DecideReads(SomeKernel(), programs);

  EXPECT_EQ(ChoiceOf(choices, "vm exits").via, Via::kBpf);
  EXPECT_EQ(ChoiceOf(choices, "vm exits").because, "");
}

TEST(KvmSignalsTest, ExitsThatAreCountedWithoutReasonsSayWhy) {
  const std::vector<ProgramState> programs = {
      {.name = "kvm_on_exit", .attached = true, .because = ""},
      {.name = "kvm_on_record", .because = "tracefs cannot be read"}};

  const auto choices = DecideReads(SomeKernel(), programs);

  EXPECT_EQ(ChoiceOf(choices, "vm exits").via, Via::kBpf);
  EXPECT_EQ(ChoiceOf(choices, "vm exits").because, "without reasons: tracefs cannot be read");
}

}  // namespace
}  // namespace ballast::source
