#include "collector/serve/record_stream.h"

#include <pthread.h>

#include "collector/base/log.h"
#include "collector/record/codec.h"

namespace ballast::serve {

using metrics::Metric;

namespace {

// A submitted decision about a thousand workloads is 100 kB. Whoever promises
// more than this in one frame sends something else.
constexpr std::size_t kMaxSubmittedBytes = 8 << 20;

}  // namespace

RecordStream::RecordStream(std::size_t backlog_bytes, metrics::Registry& registry,
                           OnSubmit on_submit)
    : backlog_(backlog_bytes),
      on_submit_(std::move(on_submit)),
      clients_(registry.GetGauge(Metric::kStreamClients)),
      clients_dropped_(registry.GetCounter(Metric::kStreamClientsDropped)),
      publish_dropped_(registry.GetCounter(Metric::kPublishQueueDropped)),
      accepted_(registry.GetCounter(Metric::kSubmittedEvents, {"accepted"})),
      refused_(registry.GetCounter(Metric::kSubmittedEvents, {"refused"})),
      damaged_(registry.GetCounter(Metric::kSubmittedEvents, {"damaged"})) {}

Result<std::unique_ptr<RecordStream>> RecordStream::Start(net::StreamServerOptions options,
                                                          std::size_t backlog_bytes,
                                                          metrics::Registry& registry,
                                                          OnSubmit on_submit) {
  std::unique_ptr<RecordStream> stream(
      new RecordStream(backlog_bytes, registry, std::move(on_submit)));
  RecordStream* const self = stream.get();
  net::StreamServer::Handlers handlers{
      .greeting =
          [self] {
            self->ReportClients();
            return self->MakeGreeting();
          },
      .on_bytes = [self](auto client, std::string_view bytes) { self->OnBytes(client, bytes); },
      .on_closed =
          [self](auto client) {
            self->readers_.erase(client);
            self->ReportClients();
          }};
  auto server = net::StreamServer::Listen(stream->loop_, std::move(options), std::move(handlers));
  if (!server) return std::move(server).error();
  stream->server_ = *std::move(server);
  stream->thread_ = std::thread([self] {
    ::pthread_setname_np(::pthread_self(), "ballast-stream");
    self->loop_.Run();
  });
  return stream;
}

RecordStream::~RecordStream() {
  if (!thread_.joinable()) return;
  loop_.Stop();
  thread_.join();
}

void RecordStream::Publish(const Published& published) {
  if (!backlog_.Take(published.frame->size())) return publish_dropped_.Add();
  loop_.Post([this, published] {
    backlog_.Done(published.frame->size());
    // First out, then remembered: both before any new reader is greeted.
    server_->Broadcast(published.frame);
    state_.Apply(*published.record);
    if (server_->counters().dropped != reported_dropped_) ReportClients();
  });
}

net::Bytes RecordStream::MakeGreeting() const {
  if (!state_.is_whole()) return nullptr;  // the first key is on its way
  return std::make_shared<const std::string>(
      record::EncodeFrame({state_.header(), state_.ToKey()}));
}

bool RecordStream::MaySubmit(model::EventKind kind) {
  using enum model::EventKind;
  return kind == kDecision || kind == kActuation || kind == kAutoscaler || kind == kMigration;
}

void RecordStream::OnBytes(net::StreamServer::ClientId client, std::string_view bytes) {
  record::FrameReader& reader = readers_[client];
  reader.Feed(bytes);
  while (auto submitted = reader.Next()) Submit(*std::move(submitted));
  const bool is_damaged = reader.counters().damaged_frames + reader.counters().skipped_bytes > 0;
  if (!is_damaged && reader.pending_bytes() <= kMaxSubmittedBytes) return;
  // On a local socket that is no accident of transport but another program.
  damaged_.Add();
  BALLAST_LOG(kWarn, "reader sent what is no record; disconnected", {"client", client});
  server_->Disconnect(client);
}

void RecordStream::Submit(model::Record submitted) {
  const auto* event = std::get_if<model::Event>(&submitted.body);
  if (event == nullptr || !MaySubmit(event->kind)) return refused_.Add();
  accepted_.Add();
  if (on_submit_) on_submit_(std::move(submitted));
}

void RecordStream::ReportClients() {
  clients_.Set(static_cast<double>(server_->clients()));
  clients_dropped_.Add(static_cast<double>(server_->counters().dropped - reported_dropped_));
  reported_dropped_ = server_->counters().dropped;
}

}  // namespace ballast::serve
