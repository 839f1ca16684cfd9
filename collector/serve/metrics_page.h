#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <thread>

#include "collector/export/exposition.h"
#include "collector/metrics/registry.h"
#include "collector/model/state.h"
#include "collector/net/event_loop.h"
#include "collector/net/http_message.h"
#include "collector/serve/visibility.h"

namespace ballast::serve {

// /metrics: takes a snapshot on the HTTP thread and has it written, and packed where the client
// takes gzip, by a thread of its own, piece by piece as the client takes them. A page of 100 MB
// costs the HTTP thread the snapshot and delays nobody else's page.
//
// Belongs to the thread of `http`; the pieces are made on the other.
class MetricsPage {
 public:
  // Pages at a time: as many as have so many entities together, which bounds their snapshots to
  // about 150 MB, but always a few. More are answered 503.
  static constexpr std::size_t kMaxEntities = 100'000;
  static constexpr std::size_t kMinPages = 4, kMaxPages = 32;

  // Both outlive this.
  MetricsPage(net::EventLoop& http, metrics::Registry& registry,
              exposition::ExpositionOptions options);
  ~MetricsPage();

  void Observe(const model::State& before, const model::Record& record) {
    exposition_.Observe(before, record);
  }
  // Text, OpenMetrics or protobuf, plain or gzip, as the request's headers have it; of the
  // scope only.
  net::Response Answer(const net::Request& request, const model::State& state, const Scope& scope);

 private:
  class Pieces;

  void CountLeftOut();

  net::EventLoop& http_;
  metrics::Registry& registry_;
  metrics::Histogram duration_;
  exposition::Exposition exposition_;
  exposition::Exposition::LeftOut reported_;
  // The second owners are the pages that are being written; a page may outlive this by one piece.
  std::shared_ptr<std::atomic<std::size_t>> pages_ = std::make_shared<std::atomic<std::size_t>>(0);
  net::EventLoop writer_;
  std::thread thread_;
};

}  // namespace ballast::serve
