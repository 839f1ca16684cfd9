// What credentials that are limited to a label see: over a real loopback socket, on a host where
// every sort of record names another tenant.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "collector/record/codec.h"
#include "collector/serve/server.h"
#include "collector/serve/visibility.h"
#include "tests/support/http_client.h"
#include "tests/support/synthetic_records.h"

namespace ballast::serve {
namespace {

using model::EntityKind;
using model::EntityRef;
using model::EventKind;
using model::Field;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kEverything = "the-whole-house-0123456789";
constexpr const char* kTenant = "tenant-token-0123456789";
constexpr EntityRef kMine{1}, kTheirs{2};

class TenantsTest : public ::testing::Test {
 protected:
  TenantsTest() {
    char name[] = "/tmp/ballast-serve-XXXXXX";
    folder_ = ::mkdtemp(name);
    std::ofstream(folder_ + "/tokens") << kTenant << " name=agent-1\n"
                                       << kEverything << "\nnobodys-token-0123456789 pod=none\n";
    ::chmod((folder_ + "/tokens").c_str(), 0600);
    ServerOptions options;
    options.http.listen = "127.0.0.1:0";
    options.http.auth.bearer_tokens = folder_ + "/tokens";
    options.stream.path = folder_ + "/a.sock";
    auto server = Server::Start(options, registry_, {});
    EXPECT_TRUE(server) << server.error().ToString();
    server_ = *std::move(server);
    for (const model::Record& record : host_.Run(25)) Publish(record);
    PublishNeighbours();
  }
  ~TenantsTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Publish(const model::Record& record) {
    sequence_ = record.header.sequence;
    server_->Publish({std::make_shared<const std::string>(record::EncodeFrame(record)),
                      std::make_shared<const model::Record>(record)});
  }
  void Publish(model::Event event) {
    model::Record record{host_.state().header(), std::move(event)};
    record.header.sequence = ++sequence_;
    Publish(record);
  }
  static model::EntityRow Row(EntityRef ref, EntityKind kind, EntityRef parent, Field field,
                              std::uint64_t value) {
    model::EntityRow row{ref, kind, parent, {}, {}};
    row.fields.Set(field, value);
    return row;
  }

  // Each names the other tenant in a place of its own.
  void PublishNeighbours() {
    model::Event blame{EventKind::kWorkloadBorn, {}, {}, {}, {}};
    for (const auto& [ref, parent, holder] :
         {std::array{90U, 1U, 2U}, {91U, 1U, 3U}, {92U, 2U, 1U}, {93U, 1U, 1U}, {94U, 1U, 0U}}) {
      auto row = Row(EntityRef{ref}, EntityKind::kBlame, EntityRef{parent}, Field::kHolder, holder);
      row.fields.Set(Field::kBlameWaitNs, ref);
      blame.rows.push_back(row);
    }
    Publish(blame);
    model::Event decision{EventKind::kDecision, kTheirs, {}, {}, {}};
    decision.fields.SetText(Field::kText, "agent-2: cpu 100m -> 200m; agent-1: cpu 1 -> 2");
    decision.fields.Set(Field::kDecisionId, 7);
    decision.fields.Set(Field::kCapacityCpuMillicores, 64'000);
    for (const EntityRef ref : {kTheirs, kMine}) {
      model::EntityRow row{ref, {}, {}, {}, {}};
      row.fields.SetText(Field::kOutcome, "applied");
      decision.rows.push_back(row);
    }
    Publish(decision);
    for (const EntityRef ref : {kTheirs, kMine}) {
      model::Event call{EventKind::kToolCall, ref, {}, {}, {}};
      call.fields.SetText(Field::kProgram, ref == kMine ? "pytest" : "secret-tool");
      call.fields.Set(Field::kDurationNs, 5);
      Publish(call);
    }
    model::Event kill{EventKind::kOomKill, kMine, {}, {}, {}};
    kill.fields.SetText(Field::kText, "agent-2 3 GiB, agent-3 1 GiB");
    kill.fields.SetText(Field::kVictim, "python3");
    Publish(kill);
    model::Event source{EventKind::kSource, {}, {}, {}, {}};
    source.fields.SetText(Field::kText, "agent-2 is too deep");
    Publish(source);
  }

  unsigned short Port() const {
    const std::string address = server_->http_address();
    return static_cast<unsigned short>(std::stoi(address.substr(address.rfind(':') + 1)));
  }
  static std::string Get(const std::string& target, const std::string& token) {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n";
  }
  std::string Ask(const std::string& target, const std::string& token = kTenant) const {
    test::RawHttpClient client(Port());
    client.Send(Get(target, token) + "Connection: close\r\n\r\n");
    return client.ReadAll();
  }
  boost::json::value AskJson(const std::string& target) const {
    const std::string answer = Ask(target);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
    return boost::json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
  }

  std::string folder_;
  metrics::Registry registry_;
  test::SyntheticHost host_{{.workloads = 3}};
  std::uint64_t sequence_ = 0;
  std::unique_ptr<Server> server_;
};

class TenantsAnswerTest : public TenantsTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(TenantsAnswerTest, NamesNobodyElse) {
  const auto everything = Ask(GetParam(), kEverything);
  const auto tenants = Ask(GetParam());

  EXPECT_THAT(everything, StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(everything.find("agent-2") != std::string::npos ||
              everything.find("\"ref\":2") != std::string::npos)
      << "nothing was there to be hidden: " << everything;
  EXPECT_THAT(tenants, StartsWith("HTTP/1.1 200"));
  for (const char* hidden : {"agent-2", "agent-3", "secret-tool", "\"ref\":2", "\"ref\":3",
                             "\"holder\":2", "\"parent\":2", "64000"})
    EXPECT_THAT(tenants, Not(HasSubstr(hidden)));
}

// table
INSTANTIATE_TEST_SUITE_P(Table, TenantsAnswerTest,
                         ::testing::Values("/metrics", "/api/v1/workloads",
                                           "/api/v1/workloads?view=table",
                                           "/api/v1/events?limit=1000",
                                           "/api/v1/events?kind=decision", "/api/v1/decisions",
                                           "/api/v1/history?view=spark"));

TEST_F(TenantsTest, SeesItsOwnWorkload) {
  EXPECT_EQ(AskJson("/api/v1/workloads").at("workloads").as_array().size(), 1U);
  EXPECT_EQ(AskJson("/api/v1/workloads?workload=agent-1").at("workloads").at(0).at("name"),
            "agent-1");
  EXPECT_FALSE(AskJson("/api/v1/history?ref=1").at("times_ms").as_array().empty());
  EXPECT_FALSE(AskJson("/api/v1/history?workload=agent-1").at("times_ms").as_array().empty());
  EXPECT_THAT(Ask("/metrics"), HasSubstr("name=\"agent-1\""));
}

TEST_F(TenantsTest, OthersDoNotExist) {
  for (const char* target : {"/api/v1/history?ref=2", "/api/v1/history?workload=agent-2",
                             "/api/v1/history", "/api/v1/history?ref=0"})
    EXPECT_THAT(Ask(target), AllOf(StartsWith("HTTP/1.1 404"), HasSubstr("no such workload now")));
  EXPECT_TRUE(AskJson("/api/v1/workloads?workload=agent-2").at("workloads").as_array().empty());
  EXPECT_TRUE(AskJson("/api/v1/events?workload=agent-2").at("events").as_array().empty());
  EXPECT_TRUE(AskJson("/api/v1/entities?parent=2").at("entities").as_array().empty());
}

TEST_F(TenantsTest, BlameIsOnItselfOrOnOthersInOneSum) {
  const auto blame = AskJson("/api/v1/entities?kind=blame").at("entities").as_array();

  ASSERT_EQ(blame.size(), 2U);
  EXPECT_EQ(blame.at(0).at("fields").at("holder").to_number<int>(), 1);
  EXPECT_EQ(blame.at(0).at("fields").at("blame_wait_ns").to_number<int>(), 93);
  EXPECT_FALSE(blame.at(1).at("fields").as_object().contains("holder"));
  EXPECT_EQ(blame.at(1).at("fields").at("blame_wait_ns").to_number<int>(), 90 + 91 + 94);
}

TEST_F(TenantsTest, DecisionKeepsItsOwnRowAndNotTheHostsPart) {
  const auto events = AskJson("/api/v1/decisions").at("events").as_array();

  ASSERT_EQ(events.size(), 1U);
  const auto& decision = events.at(0).as_object();
  ASSERT_EQ(decision.at("rows").as_array().size(), 1U);
  EXPECT_EQ(decision.at("rows").at(0).at("name"), "agent-1");
  EXPECT_EQ(decision.at("rows").at(0).at("fields").at("outcome"), "applied");
  EXPECT_FALSE(decision.contains("subject"));
  EXPECT_EQ(decision.at("fields").as_object().size(), 1U) << "its id";
}

TEST_F(TenantsTest, OomKillTellsTheVictimWithoutTheNeighbours) {
  const auto events = AskJson("/api/v1/events?kind=oom_kill").at("events").as_array();

  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events.at(0).at("fields").at("victim"), "python3");
  EXPECT_FALSE(events.at(0).at("fields").as_object().contains("text"));
}

TEST_F(TenantsTest, StatusHasNothingOfTheHostButItsName) {
  const auto status = AskJson("/api/v1/status").as_object();

  EXPECT_EQ(status.at("host"), "synthetic");
  EXPECT_EQ(status.at("limited_to"), "name=agent-1");
  for (const char* hidden : {"fields", "losses", "counters"})
    EXPECT_FALSE(status.contains(hidden)) << hidden;
  EXPECT_FALSE(AskJson("/api/v1/workloads").as_object().contains("memory_available_bytes"));
}

TEST_F(TenantsTest, StreamTellsItsOwnTableAndEvents) {
  test::RawHttpClient client(Port());
  client.Send(Get("/api/v1/events?stream=page", kTenant) + "\r\n");
  std::string heard = client.ReadUntil("\n\n");

  Publish(host_.ThrottleBegin(kTheirs));
  Publish(host_.ThrottleBegin(kMine));
  heard += client.ReadUntil("throttle_begin");
  heard += client.ReadUntil("event: table");  // the next second's

  EXPECT_THAT(heard, AllOf(HasSubstr("\"name\":\"agent-1\""), Not(HasSubstr("agent-2")),
                           Not(HasSubstr("agent-3"))));
}

TEST_F(TenantsTest, DeathOfItsOwnIsToldAndOfOthersNot) {
  Publish(host_.Death(kTheirs));
  Publish(host_.Death(kMine));

  const auto events = AskJson("/api/v1/events?kind=workload_died").at("events").as_array();

  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events.at(0).at("subject").at("name"), "agent-1");
}

TEST_F(TenantsTest, WebPageIsForEverybody) {
  EXPECT_THAT(Ask("/"), StartsWith("HTTP/1.1 200"));
}

TEST(ParseScopeTest, LabelThatIsNoneIsOneClearError) {
  EXPECT_THAT(ParseScope("color=red").error().ToString(), HasSubstr("'color=red' limits nothing"));
  EXPECT_FALSE(ParseScope("namespace="));
}

}  // namespace
}  // namespace ballast::serve
