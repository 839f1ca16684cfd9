// The whole server over a real loopback socket, fed with synthetic records.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <boost/json.hpp>

#include <filesystem>
#include <fstream>

#include "collector/record/codec.h"
#include "collector/serve/metrics_page.h"
#include "collector/serve/server.h"
#include "collector/serve/web_files.h"
#include "tests/support/http_client.h"
#include "tests/support/synthetic_records.h"

namespace ballast::serve {
namespace {

using model::Field;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class PagesTest : public ::testing::Test {
 protected:
  PagesTest() {
    char name[] = "/tmp/ballast-serve-XXXXXX";
    folder_ = ::mkdtemp(name);
    ServerOptions options;
    options.http.listen = "127.0.0.1:0";
    options.stream.path = folder_ + "/records.sock";
    options.version = "9.9";
    auto server = Server::Start(std::move(options), registry_, {});
    EXPECT_TRUE(server) << server.error().ToString();
    server_ = *std::move(server);
  }
  ~PagesTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Publish(const model::Record& record) {
    server_->Publish({std::make_shared<const std::string>(record::EncodeFrame(record)),
                      std::make_shared<const model::Record>(record)});
  }
  void PublishAll(int ticks) {
    for (const model::Record& record : host_.Run(ticks)) Publish(record);
  }
  unsigned short Port() const {
    const std::string address = server_->http_address();
    return static_cast<unsigned short>(std::stoi(address.substr(address.rfind(':') + 1)));
  }
  std::string Ask(const std::string& target, const std::string& method = "GET",
                  const std::string& headers = "") const {
    test::RawHttpClient client(Port());
    client.Send(method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + headers +
                "Connection: close\r\n\r\n");
    return client.ReadAll();
  }
  boost::json::value AskJson(const std::string& target) const {
    const std::string answer = Ask(target);
    EXPECT_THAT(answer,
                AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Content-Type: application/json")));
    return boost::json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
  }

  std::string folder_;
  metrics::Registry registry_;
  test::SyntheticHost host_{{.workloads = 3}};
  std::unique_ptr<Server> server_;
};

TEST_F(PagesTest, WorkloadsCarryFieldsRatesAndLimits) {
  PublishAll(20);

  const auto answer = AskJson("/api/v1/workloads");

  EXPECT_EQ(answer.at("host"), "synthetic");
  ASSERT_EQ(answer.at("workloads").as_array().size(), 3U);
  const auto& first = answer.at("workloads").at(0);
  EXPECT_EQ(first.at("name"), "agent-1");
  EXPECT_EQ(first.at("path"), "/ballast-demo/agent-1");
  EXPECT_EQ(first.at("limits").at("cpu_cores").to_number<double>(), 1.0);
  EXPECT_GE(first.at("rates").at("cpu_cores").to_number<double>(), 0.0);
  const auto* entity = host_.state().Find(model::EntityRef{1});
  EXPECT_EQ(first.at("fields").at("cpu_usage_ns").to_number<std::uint64_t>(),
            entity->fields.Get(Field::kCpuUsageNs));
}

TEST_F(PagesTest, DecisionIsShownWithItsReason) {
  PublishAll(5);
  model::Event event{model::EventKind::kDecision, model::EntityRef{2}, {}, {}, {}};
  event.fields.SetText(Field::kReason, "throttled <b>");
  model::EntityRow row{model::EntityRef{2}, {}, {}, {}, {}};
  row.fields.SetText(Field::kOutcome, "applied");
  row.fields.SetText(Field::kReason, "throttled <b>");
  row.fields.Set(Field::kLimitCpuMillicores, 1500);
  row.fields.Set(Field::kLimitMemoryBytes, model::kUnlimited);
  event.rows.push_back(row);
  model::Record record{host_.state().header(), event};
  ++record.header.sequence;
  Publish(record);

  const auto workloads = AskJson("/api/v1/workloads?workload=agent-2");
  const auto decisions = AskJson("/api/v1/decisions?limit=1&workload=agent-2");

  const auto& workload = workloads.at("workloads").at(0);
  EXPECT_EQ(workload.at("decision").at("outcome"), "applied");
  EXPECT_EQ(workload.at("decision").at("limit_cpu_millicores").to_number<int>(), 1500);
  EXPECT_EQ(workload.at("decision").at("limit_memory_bytes"), "max");
  ASSERT_EQ(decisions.at("events").as_array().size(), 1U);
  EXPECT_EQ(decisions.at("events").at(0).at("rows").at(0).at("name"), "agent-2");
  EXPECT_EQ(decisions.at("events").at(0).at("fields").at("reason"), "throttled <b>");
}

TEST_F(PagesTest, MetricsHoldWorkloadsAndTheCollectorItself) {
  PublishAll(5);
  registry_.GetGauge(metrics::Metric::kBuildInfo, {"ballast-collector", "9.9"}).Set(1);

  const auto page = Ask("/metrics");

  EXPECT_THAT(page, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_THAT(page, HasSubstr("container_cpu_usage_seconds_total{id=\"/ballast-demo/agent-1\""));
  EXPECT_THAT(page,
              HasSubstr("ballast_build_info{program=\"ballast-collector\",version=\"9.9\"} 1\n"));
  EXPECT_THAT(Ask("/metrics"),
              HasSubstr("ballast_http_requests_total{code=\"200\",path=\"/metrics\"} 1\n"));
}

TEST_F(PagesTest, MetricsAreOpenMetricsWhereAskedFor) {
  PublishAll(5);

  const auto page = Ask("/metrics", "GET", "Accept: application/openmetrics-text\r\n");

  EXPECT_THAT(page, HasSubstr("Content-Type: application/openmetrics-text; version=1.0.0"));
  EXPECT_THAT(page, HasSubstr("# TYPE ballast_scrape_duration_seconds histogram\n"));
  EXPECT_THAT(page, HasSubstr("# EOF\n"));
}

TEST_F(PagesTest, MetricsArePackedWhereTheClientTakesGzip) {
  PublishAll(5);

  const auto page = Ask("/metrics", "GET", "Accept-Encoding: gzip\r\n");

  EXPECT_THAT(page, AllOf(HasSubstr("Content-Encoding: gzip\r\n"), HasSubstr("\x1f\x8b\x08")));
  EXPECT_THAT(page, Not(HasSubstr("container_cpu_usage_seconds_total")));
}

TEST_F(PagesTest, DeadWorkloadIsGoneFromTheApiButItsDeathIsTold) {
  PublishAll(5);
  Publish(host_.Death(model::EntityRef{1}));

  EXPECT_EQ(AskJson("/api/v1/workloads").at("workloads").as_array().size(), 2U);
  const auto events = AskJson("/api/v1/events?limit=1");
  EXPECT_EQ(events.at("events").at(0).at("kind"), "workload_died");
  EXPECT_EQ(events.at("events").at(0).at("subject").at("name"), "agent-1");
}

TEST_F(PagesTest, StatusTellsSourcesAndWhy) {
  PublishAll(1);
  server_->SetSources({{"run_queue_wait", "file", "no tp_btf/sched_switch"}});

  const auto status = AskJson("/api/v1/status");

  EXPECT_EQ(status.at("version"), "9.9");
  EXPECT_EQ(status.at("host"), "synthetic");
  EXPECT_EQ(status.at("sources").at(0).at("why"), "no tp_btf/sched_switch");
  EXPECT_EQ(status.at("fields").at("cpus_online").to_number<int>(), 4);
}

TEST_F(PagesTest, HealthFollowsTheRecords) {
  EXPECT_THAT(Ask("/healthz"), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("no record yet")));

  PublishAll(1);

  EXPECT_THAT(Ask("/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(PagesTest, ApiAnswersBeforeTheFirstRecord) {
  EXPECT_TRUE(AskJson("/api/v1/workloads").at("workloads").as_array().empty());
  EXPECT_TRUE(AskJson("/api/v1/decisions").at("events").as_array().empty());
}

TEST_F(PagesTest, WebPageMayFetchNothingFromElsewhere) {
  const auto page = Ask("/");

  EXPECT_THAT(page, AllOf(HasSubstr("<!doctype html>"), HasSubstr("default-src 'none'"),
                          HasSubstr("script-src 'self'"), Not(HasSubstr("unsafe"))));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
}

TEST_F(PagesTest, FilesOfTheWebPageAreServed) {
  for (const WebFile& file : WebFiles()) {
    const auto answer = Ask(std::string(file.path));

    EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200"),
                              HasSubstr("Content-Type: " + std::string(file.content_type))));
    EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), file.body) << file.path;
  }
}

TEST_F(PagesTest, HistoryTellsTheLastSecondsOfOneWorkloadAndOfTheHost) {
  PublishAll(35);

  const auto by_name = AskJson("/api/v1/history?workload=agent-1");
  const auto by_ref = AskJson("/api/v1/history?ref=1&since=0");

  EXPECT_EQ(by_name.at("times_ms").as_array().size(), 3U);
  EXPECT_EQ(by_name.at("series").at("memory_bytes").as_array().size(), 3U);
  EXPECT_EQ(by_name, by_ref);
  EXPECT_EQ(AskJson("/api/v1/history").at("series").at("memory_bytes").at(0).to_number<double>(),
            4.0 * (1ULL << 30));
}

TEST_F(PagesTest, HistorySinceTheLastPointIsEmpty) {
  PublishAll(35);
  const auto last = AskJson("/api/v1/history?ref=1").at("times_ms").at(2).to_number<std::int64_t>();

  const auto news = AskJson("/api/v1/history?ref=1&since=" + std::to_string(last));

  EXPECT_TRUE(news.at("times_ms").as_array().empty());
}

TEST_F(PagesTest, SparkViewHasEveryWorkload) {
  PublishAll(15);

  const auto sparks = AskJson("/api/v1/history?view=spark").at("workloads").as_array();

  ASSERT_EQ(sparks.size(), 4U) << "the host and three agents";
  EXPECT_EQ(sparks.at(1).at("cpu_cores").as_array().size(), 1U);
}

TEST_F(PagesTest, EntitiesAreThoseOfAKindOrAParent) {
  model::Event event{model::EventKind::kWorkloadBorn, {}, {}, {}, {}};
  PublishAll(1);
  model::EntityRow row{
      model::EntityRef{90}, model::EntityKind::kBlame, model::EntityRef{1}, {}, {}};
  row.fields.Set(Field::kHolder, 2);
  row.fields.Set(Field::kBlameWaitNs, 77);
  event.rows.push_back(row);
  model::Record record{host_.state().header(), event};
  ++record.header.sequence;
  Publish(record);

  const auto blame = AskJson("/api/v1/entities?kind=blame").at("entities");

  ASSERT_EQ(blame.as_array().size(), 1U);
  EXPECT_EQ(blame.at(0).at("parent").to_number<int>(), 1);
  EXPECT_EQ(blame.at(0).at("fields").at("blame_wait_ns").to_number<int>(), 77);
  EXPECT_TRUE(AskJson("/api/v1/entities?parent=2").at("entities").as_array().empty());
}

TEST_F(PagesTest, EventsOfOneKindAreFiltered) {
  PublishAll(2);
  Publish(host_.ThrottleBegin(model::EntityRef{1}));
  Publish(host_.MemoryLimit(model::EntityRef{1}));

  const auto events = AskJson("/api/v1/events?kind=throttle_begin").at("events").as_array();

  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events.at(0).at("kind"), "throttle_begin");
}

TEST_F(PagesTest, PageStreamHasTableAndEvents) {
  PublishAll(3);
  test::RawHttpClient client(Port());
  client.Send("GET /api/v1/events?stream=page HTTP/1.1\r\nHost: x\r\n\r\n");

  EXPECT_THAT(client.ReadUntil("\n\n"), HasSubstr("event: table\ndata: {"));
  Publish(host_.ThrottleBegin(model::EntityRef{1}));
  EXPECT_THAT(client.ReadUntil("throttle_begin"), HasSubstr("event: event\ndata: {"));
}

TEST_F(PagesTest, TableFeedBeginsWithTheTable) {
  PublishAll(3);
  test::RawHttpClient client(Port());
  client.Send("GET /api/v1/events?stream=table HTTP/1.1\r\nHost: x\r\n\r\n");

  EXPECT_THAT(client.ReadUntil("\n\n"),
              AllOf(HasSubstr("text/event-stream"),
                    HasSubstr("event: table\ndata: {\"host\":\"synthetic\"")));
}

TEST_F(PagesTest, EventFeedTellsEventsAsTheyHappen) {
  PublishAll(1);
  test::RawHttpClient client(Port());
  client.Send("GET /api/v1/events?stream=events HTTP/1.1\r\nHost: x\r\n\r\n");
  client.ReadUntil("\r\n\r\n");

  Publish(host_.ThrottleBegin(model::EntityRef{1}));

  EXPECT_THAT(client.ReadUntil("\n\n"), HasSubstr("\"kind\":\"throttle_begin\""));
}

struct BadCase {
  const char* name;
  const char* target;
  const char* method;
  int status;
  const char* says;
};
void PrintTo(const BadCase& bad, std::ostream* out) {
  *out << bad.name;
}
class BadApiTest : public PagesTest, public ::testing::WithParamInterface<BadCase> {};

TEST_P(BadApiTest, IsAnsweredWithWhatIsWrong) {
  const auto answer = Ask(GetParam().target, GetParam().method);

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + std::to_string(GetParam().status)));
  const auto body = boost::json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
  EXPECT_THAT(std::string(body.at("error").as_string()), HasSubstr(GetParam().says));
}

// table
INSTANTIATE_TEST_SUITE_P(
    Table, BadApiTest,
    ::testing::Values(
        BadCase{"UnknownPath", "/metrix", "GET", 404,
                "no such path; known: /metrics, /api/v1/workloads"},
        BadCase{"Post", "/metrics", "POST", 405, "only GET and HEAD"},
        BadCase{"Options", "/api/v1/workloads", "OPTIONS", 405, "only GET and HEAD"},
        BadCase{"Delete", "/", "DELETE", 405, "only GET and HEAD"},
        BadCase{"Traversal", "/../../etc/passwd", "GET", 404, "no such path"},
        BadCase{"EscapedTraversal", "/%2e%2e/%2e%2e/etc/passwd", "GET", 404, "no such path"},
        BadCase{"TraversalOverAFile", "/app.js/../../etc/passwd", "GET", 404, "no such path"},
        BadCase{"LimitIsNoNumber", "/api/v1/decisions?limit=all", "GET", 400,
                "limit: use a number from 1 to 1000"},
        BadCase{"LimitZero", "/api/v1/decisions?limit=0", "GET", 400, "limit: use a number"},
        BadCase{"LimitTooLarge", "/api/v1/events?limit=1001", "GET", 400, "limit: use a number"},
        BadCase{"UnknownParameter", "/api/v1/decisions?limt=5", "GET", 400,
                "unknown parameter 'limt'; known: limit, workload"},
        BadCase{"UnknownView", "/api/v1/workloads?view=tree", "GET", 400,
                "view: use full or table"},
        BadCase{"UnknownStream", "/api/v1/events?stream=x", "GET", 400,
                "stream: use events, table or page"},
        BadCase{"UnknownEventKind", "/api/v1/events?kind=unknown", "GET", 400,
                "kind: no event is called so"},
        BadCase{"HistoryOfNobody", "/api/v1/history?ref=4242", "GET", 404, "no such workload"},
        BadCase{"HistoryRefIsNoNumber", "/api/v1/history?ref=-1", "GET", 400, "ref: use a"},
        BadCase{"HistorySinceIsTooLarge", "/api/v1/history?since=9223372036854775807", "GET", 400,
                "since: use milliseconds"},
        BadCase{"EntitiesOfAll", "/api/v1/entities", "GET", 400, "name a kind or a parent"},
        BadCase{"EntitiesOfNoNumber", "/api/v1/entities?parent=x", "GET", 400, "parent: use a"},
        BadCase{"BadEscape", "/api/v1/events?workload=%zz", "GET", 400, "bad percent escape"}),
    [](const auto& test) { return test.param.name; });

TEST(ServerStartTest, PortInUseIsOneClearErrorAndLeavesNoSocket) {
  char name[] = "/tmp/ballast-serve-XXXXXX";
  const std::string folder = ::mkdtemp(name);
  metrics::Registry registry;
  ServerOptions first_options;
  first_options.http.listen = "127.0.0.1:0";
  first_options.stream.path = folder + "/a.sock";
  const auto first = Server::Start(first_options, registry, {});
  ASSERT_TRUE(first) << first.error().ToString();
  ServerOptions second_options = first_options;
  second_options.http.listen = (*first)->http_address();
  second_options.stream.path = folder + "/b.sock";

  const auto second = Server::Start(second_options, registry, {});

  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().ToString(),
              HasSubstr("in use by another process; stop it or choose another address"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/b.sock"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ballast::serve
