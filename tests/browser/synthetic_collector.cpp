// A collector's server over a synthetic host, for looking at the page with a
// thousand workloads and with signals that this machine has not:
//
//   synthetic_collector FOLDER [WORKLOADS [SECONDS_BEFORE]]
//
// Prints the page's address, serves until it is told to end. SECONDS_BEFORE of
// history are made up at the start, so that the charts are full at once.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "collector/metrics/registry.h"
#include "collector/net/event_loop.h"
#include "collector/record/codec.h"
#include "collector/serve/server.h"
#include "tests/browser/synthetic_fleet.h"

using namespace ballast;

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string folder = argv[1];
  const auto workloads = static_cast<std::uint32_t>(argc > 2 ? std::atoi(argv[2]) : 1000);
  const std::chrono::seconds before(argc > 3 ? std::atoi(argv[3]) : 60);
  constexpr std::chrono::milliseconds kTick(100);

  metrics::Registry registry;
  serve::ServerOptions options;
  options.http.listen = "127.0.0.1:0";
  options.stream.path = folder + "/records.sock";
  options.version = "synthetic";
  // A minute at once is more than a live collector ever has waiting.
  options.backlog_bytes = 1ULL << 32;
  auto server = serve::Server::Start(options, registry, {});
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().ToString().c_str());
    return 1;
  }
  const auto publish = [&](model::Record record) {
    auto frame = std::make_shared<const std::string>(record::EncodeFrame(record));
    (*server)->Publish({frame, std::make_shared<const model::Record>(std::move(record))});
  };
  (*server)->SetSources({{"run_queue_wait", "bpf", ""}, {"io_latency", "bpf", ""}});

  const SystemClock clock;
  test::SyntheticFleet fleet(workloads);
  // Seconds that are past need no more than a tick each.
  const BootTime start = clock.Now();
  publish(fleet.Key(start - before));
  for (BootTime at = start - before + std::chrono::seconds(1); at < start;
       at += std::chrono::seconds(1))
    for (model::Record& record : fleet.Tick(at)) publish(std::move(record));

  net::EventLoop loop;
  const auto tick = loop.Every(kTick, [&] {
    for (model::Record& record : fleet.Tick(clock.Now())) publish(std::move(record));
  });
  const auto stop = loop.OnSignals({SIGINT, SIGTERM}, [&](int) { loop.Stop(); });
  std::printf("http://%s/\n", (*server)->http_address().c_str());
  std::fflush(stdout);
  loop.Run();
  return 0;
}
