#pragma once

#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "collector/metrics/registry.h"
#include "collector/model/state.h"
#include "collector/net/event_loop.h"
#include "collector/net/stream_server.h"
#include "collector/record/frame_reader.h"
#include "collector/serve/backlog.h"
#include "collector/serve/published.h"

namespace ballast::serve {

// The record socket, on a thread of its own, so that no page that is being
// written delays a record on its way to the autoscaler. A reader gets a key of
// the whole state, then every frame. What readers send are events to be
// recorded: those of the kinds that others may submit are handed on.
class RecordStream {
 public:
  using OnSubmit = std::function<void(model::Record)>;

  // `on_submit` is called on the stream's thread.
  static Result<std::unique_ptr<RecordStream>> Start(net::StreamServerOptions options,
                                                     std::size_t backlog_bytes,
                                                     metrics::Registry& registry,
                                                     OnSubmit on_submit);
  ~RecordStream();

  // Thread-safe; never waits. Over the backlog the record is dropped and
  // counted: readers see the gap by its sequence.
  void Publish(const Published& published);

 private:
  RecordStream(std::size_t backlog_bytes, metrics::Registry& registry, OnSubmit on_submit);
  net::Bytes MakeGreeting() const;
  void OnBytes(net::StreamServer::ClientId client, std::string_view bytes);
  void Submit(model::Record record);
  void ReportClients();

  // Others may say what they decided and did; what was measured is ours alone.
  static bool MaySubmit(model::EventKind kind);

  Backlog backlog_;
  OnSubmit on_submit_;
  metrics::Gauge clients_;
  metrics::Counter clients_dropped_, publish_dropped_, accepted_, refused_, damaged_;
  std::uint64_t reported_dropped_ = 0;
  model::State state_;
  std::map<net::StreamServer::ClientId, record::FrameReader> readers_;
  net::EventLoop loop_;
  std::unique_ptr<net::StreamServer> server_;
  std::thread thread_;
};

}  // namespace ballast::serve
