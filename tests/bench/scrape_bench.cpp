// A scrape of 10,000 workloads x 40 series: our page against prometheus-cpp's serializer on the
// same values in the same run, and over HTTP; and what scraping does to a 10 Hz tick. Budgets: the
// page under 250 ms, in pieces (identity, chunked), with memory for the snapshot and a few pieces;
// at least 5 times as fast as prometheus-cpp (aim: 8); the tick's lag unchanged. Times are CPU time
// of the process, so that a loaded machine says the same.

#include "tests/bench/scrape_bench.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <numeric>
#include <thread>

#include "collector/export/exposition.h"
#include "collector/export/page.h"
#include "collector/record/codec.h"
#include "collector/serve/server.h"
#include "tests/support/http_client.h"
#include "tests/support/synthetic_records.h"

namespace ballast {
namespace {

using model::Field;
using Clock = std::chrono::steady_clock;

constexpr int kWorkloads = 10'000;
constexpr int kRuns = 5;
// 40 samples for each workload: these, those derived from them and the two that every workload has.
constexpr std::array kFields = {
    Field::kCpuUsageNs,
    Field::kCpuUserNs,
    Field::kCpuSystemNs,
    Field::kCpuPeriods,
    Field::kCpuThrottledPeriods,
    Field::kCpuThrottledNs,
    Field::kCpuRanNs,
    Field::kProcesses,
    Field::kThreads,
    Field::kMemoryUsageBytes,
    Field::kMemoryAnonBytes,
    Field::kMemoryFileBytes,
    Field::kSwapUsageBytes,
    Field::kMemoryMappedFileBytes,
    Field::kMemoryKernelBytes,
    Field::kMemoryActiveFileBytes,
    Field::kMemoryInactiveFileBytes,
    Field::kMemoryLifetimePeakBytes,
    Field::kMemoryMajorFaults,
    Field::kMemoryMinorFaults,
    Field::kPressureCpuSomeNs,
    Field::kPressureCpuFullNs,
    Field::kPressureMemorySomeNs,
    Field::kPressureMemoryFullNs,
    Field::kPressureIoSomeNs,
    Field::kPressureIoFullNs,
    Field::kCpuQuotaNs,
    Field::kCpuPeriodNs,
    Field::kCpuWeight,
    Field::kMemoryMaxBytes,
    Field::kPreemptedBySelf,
    Field::kPreemptedByOther,
    Field::kPreemptedBySystem,
    Field::kDemandCpuMillicores,
    Field::kDemandMemoryBytes,
    Field::kAllocatedCpuMillicores,
    Field::kAllocatedMemoryBytes,
};

double CpuMs() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

double ResidentMb() {
  std::ifstream file("/proc/self/statm");
  long total = 0, resident = 0;
  file >> total >> resident;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

model::Record Population(int workloads) {
  test::SyntheticHost host({.workloads = workloads});
  model::Key key = host.state().ToKey();
  std::uint64_t value = 1'234'567'890'123;
  for (model::EntityRow& row : key.entities) {
    if (row.kind != model::EntityKind::kContainer) continue;
    model::EntityRow slim{row.ref, row.kind, row.parent, {}, {}};
    for (const Field text : {Field::kPath, Field::kName, Field::kRuntime})
      slim.fields.SetText(text, row.fields.GetText(text));
    slim.fields.SetText(Field::kImage, "registry.example/agents/sandbox:1.2.3");
    slim.fields.Set(Field::kCgroupId, *row.fields.Get(Field::kCgroupId));
    slim.fields.Set(Field::kHierarchyId, 0);
    for (const Field field : kFields) slim.fields.Set(field, value += 7'919'000'001);
    row = std::move(slim);
  }
  return {host.state().header(), std::move(key)};
}

prometheus::ClientMetric Metric(std::string_view line, prometheus::MetricType type) {
  prometheus::ClientMetric metric;
  std::size_t at = line.find('{') + 1;
  while (line[at - 1] != '}') {
    const std::size_t equals = line.find('=', at), end = line.find('"', equals + 2);
    metric.label.push_back({std::string(line.substr(at, equals - at)),
                            std::string(line.substr(equals + 2, end - equals - 2))});
    at = end + 2;
  }
  const double value = std::stod(std::string(line.substr(line.rfind(' '))));
  (type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return metric;
}

// The page's own values as prometheus-cpp holds them.
std::vector<prometheus::MetricFamily> AsPrometheusCpp(std::string_view page) {
  std::vector<prometheus::MetricFamily> families;
  while (!page.empty()) {
    const std::string_view line = page.substr(0, page.find('\n'));
    page.remove_prefix(line.size() + 1);
    if (line.starts_with("# HELP ")) {
      const std::string_view rest = line.substr(7);
      const std::size_t space = rest.find(' ');
      families.push_back({std::string(rest.substr(0, space)),
                          std::string(rest.substr(space + 1)),
                          prometheus::MetricType::Gauge,
                          {}});
    } else if (line.starts_with("# TYPE ")) {
      if (line.ends_with("counter")) families.back().type = prometheus::MetricType::Counter;
    } else if (line.find('{') != std::string_view::npos) {
      families.back().metric.push_back(Metric(line, families.back().type));
    }
  }
  return families;
}

template <typename Function>
double BestCpuMs(Function function) {
  double best = 1e9;
  for (int i = 0; i < kRuns; ++i) {
    const double begin = CpuMs();
    function();
    best = std::min(best, CpuMs() - begin);
  }
  return best;
}

void AgainstPrometheusCpp(const model::State& state) {
  exposition::Exposition exposition;
  const std::string page = WholePage(exposition.Take(state, exposition::Format::kText));
  const auto samples = std::ranges::count(page, '\n');
  double snapshot_ms = 1e9;
  const double ours = BestCpuMs([&] {
    const double begin = CpuMs();
    auto taken = exposition.Take(state, exposition::Format::kText);
    snapshot_ms = std::min(snapshot_ms, CpuMs() - begin);
    const auto pages = exposition::MakePage(std::move(taken));
    std::string piece;
    while (pages->Next(piece)) piece.clear();
  });
  const auto families = AsPrometheusCpp(page);
  std::size_t their_bytes = 0;
  const double theirs = BestCpuMs([&] {
    const std::string text = prometheus::TextSerializer().Serialize(families);
    their_bytes = text.size();
  });
  std::printf("page of %d workloads: %.1f samples each, %.1f MB\n", kWorkloads,
              static_cast<double>(samples) / kWorkloads, static_cast<double>(page.size()) / 1e6);
  std::printf("  ours, snapshot and pieces   %7.1f ms CPU (snapshot alone %.1f ms)\n", ours,
              snapshot_ms);
  std::printf("  prometheus-cpp, same values %7.1f ms CPU, %.1f MB\n", theirs,
              static_cast<double>(their_bytes) / 1e6);
  std::printf("  ratio                       %7.1f times\n", theirs / ours);
}

class RunningServer {
 public:
  RunningServer() {
    serve::ServerOptions options;
    options.http.listen = "127.0.0.1:0";
    options.stream.path = "/tmp/ballast-bench-" + std::to_string(::getpid()) + ".sock";
    options.backlog_bytes = 1ULL << 30;
    auto server = serve::Server::Start(std::move(options), registry_, {});
    if (!server) throw std::runtime_error(server.error().ToString());
    server_ = *std::move(server);
    const std::string address = server_->http_address();
    port = static_cast<unsigned short>(std::stoi(address.substr(address.rfind(':') + 1)));
  }
  void Publish(const model::Record& record) {
    server_->Publish({std::make_shared<const std::string>(record::EncodeFrame(record)),
                      std::make_shared<const model::Record>(record)});
  }
  // Bytes of the answer, read and thrown away.
  std::size_t Scrape(std::string_view headers) const {
    test::RawHttpClient client(port);
    client.Send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) +
                "Connection: close\r\n\r\n");
    return client.Discard();
  }
  unsigned short port = 0;

 private:
  metrics::Registry registry_;
  std::unique_ptr<serve::Server> server_;
};

void OverHttp(const model::Record& population) {
  RunningServer server;
  server.Publish(population);
  server.Scrape("");  // warm, and applied
  for (const auto& [name, headers] :
       {std::pair{"identity", ""}, std::pair{"gzip", "Accept-Encoding: gzip\r\n"}}) {
    const double before_mb = ResidentMb();
    double best_wall = 1e9, most_mb = 0;
    std::size_t bytes = 0;
    const double cpu = BestCpuMs([&] {
      const auto begin = Clock::now();
      bytes = server.Scrape(headers);
      best_wall = std::min(best_wall,
                           std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
      most_mb = std::max(most_mb, ResidentMb() - before_mb);
    });
    std::printf(
        "scrape over HTTP, %-8s  %7.1f ms, %.1f ms CPU with the client, %.1f MB, resident +%.1f "
        "MB\n",
        name, best_wall, cpu, static_cast<double>(bytes) / 1e6, most_mb);
  }
}

// How late a 10 Hz beat on its own thread begins, in ms, highest and mean of `beats`.
struct Lag {
  double most = 0, mean = 0;
};
Lag TickLag(RunningServer& server, test::SyntheticHost& host, int beats) {
  Lag lag;
  auto next = Clock::now();
  for (int i = 0; i < beats; ++i) {
    next += std::chrono::milliseconds(100);
    std::this_thread::sleep_until(next);
    const double late = std::chrono::duration<double, std::milli>(Clock::now() - next).count();
    lag.most = std::max(lag.most, late);
    lag.mean += late / beats;
    server.Publish(host.NextTick());
  }
  return lag;
}

void ScrapesAndTheTick() {
  RunningServer server;
  test::SyntheticHost host({.workloads = 1000});
  server.Publish(host.Key());
  const Lag alone = TickLag(server, host, 30);
  std::atomic<bool> is_over = false;
  int scrapes = 0;
  std::thread scraper([&] {
    for (; !is_over; ++scrapes) {
      server.Scrape("");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  const Lag scraped = TickLag(server, host, 30);
  is_over = true;
  scraper.join();
  std::printf("10 Hz tick at 1,000 workloads, lag of 30 ticks: mean %.2f ms, highest %.2f ms\n",
              alone.mean, alone.most);
  std::printf("  while scraped %d times:                       mean %.2f ms, highest %.2f ms\n",
              scrapes, scraped.mean, scraped.most);
}

}  // namespace

int ScrapeBench() {
  const model::Record population = Population(kWorkloads);
  {
    model::State state;
    state.Apply(population);
    AgainstPrometheusCpp(state);
  }
  OverHttp(population);
  ScrapesAndTheTick();
  return 0;
}

}  // namespace ballast
