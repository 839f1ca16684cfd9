#include "collector/serve/metrics_page.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

#include "collector/export/page.h"
#include "collector/net/gzip.h"

namespace ballast::serve {

using exposition::Group;
using metrics::Metric;
using Clock = std::chrono::steady_clock;

// One page on its way to one client.
class MetricsPage::Pieces final : public net::Body, public std::enable_shared_from_this<Pieces> {
 public:
  Pieces(net::EventLoop& http, net::EventLoop& writer, metrics::Histogram duration,
         std::shared_ptr<std::atomic<std::size_t>> pages,
         std::shared_ptr<const exposition::Snapshot> snapshot, bool gzip)
      : http_(http),
        writer_(writer),
        duration_(duration),
        pages_(std::move(pages)),
        page_(exposition::MakePage(std::move(snapshot))),
        gzip_(gzip ? std::make_unique<net::GzipStream>() : nullptr) {}
  ~Pieces() override { --*pages_; }

  void Next(Done done) override {
    writer_.Post([self = shared_from_this(), done = std::move(done)]() mutable {
      std::string piece;
      const bool more = self->Make(piece);
      // The last owner lets go on the HTTP thread, like everything of a session.
      self->http_.Post([self, done = std::move(done), piece = std::move(piece), more]() mutable {
        done(std::move(piece), more);
      });
    });
  }

 private:
  bool Make(std::string& piece) {
    const auto begin = Clock::now();
    bool more = true;
    if (gzip_ == nullptr) {
      more = page_->Next(piece);
    } else {
      // Packed pieces are a tenth as long: one is filled from several.
      while (more && piece.size() < exposition::Page::kPieceBytes / 4) {
        plain_.clear();
        more = page_->Next(plain_);
        gzip_->Add(plain_, piece);
      }
      if (!more) gzip_->Finish(piece);
    }
    spent_ += Clock::now() - begin;
    if (!more) duration_.Observe(std::chrono::duration<double>(spent_).count());
    return more;
  }

  net::EventLoop& http_;
  net::EventLoop& writer_;
  metrics::Histogram duration_;
  std::shared_ptr<std::atomic<std::size_t>> pages_;
  std::unique_ptr<exposition::Page> page_;
  std::unique_ptr<net::GzipStream> gzip_;
  std::string plain_;
  Clock::duration spent_{};
};

MetricsPage::MetricsPage(net::EventLoop& http, metrics::Registry& registry,
                         exposition::ExpositionOptions options)
    : http_(http),
      registry_(registry),
      duration_(registry.GetHistogram(Metric::kScrapeDuration)),
      exposition_(std::move(options)),
      thread_([this] {
        ::pthread_setname_np(::pthread_self(), "ballast-metrics");
        writer_.Run();
      }) {}

MetricsPage::~MetricsPage() {
  writer_.Stop();
  thread_.join();
}

void MetricsPage::CountLeftOut() {
  const auto& now = exposition_.left_out();
  const auto report = [&](const auto& counts, auto& reported, std::string_view reason) {
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] == reported[i]) continue;
      registry_.GetCounter(Metric::kRowsLeftOut, {NameOf(static_cast<Group>(i)), reason})
          .Add(static_cast<double>(counts[i] - reported[i]));
      reported[i] = counts[i];
    }
  };
  report(now.over_limit, reported_.over_limit, "limit");
  report(now.same_labels, reported_.same_labels, "same_labels");
}

net::Response MetricsPage::Answer(const net::Request& request, const model::State& state,
                                  const Scope& scope) {
  const std::size_t most =
      std::clamp(kMaxEntities / (state.entities().size() + 1), kMinPages, kMaxPages);
  if (pages_->load() >= most) {
    auto busy = net::MakeError(503, "too many scrapes at a time; try again in a second");
    busy.headers.emplace_back("Retry-After", "1");
    return busy;
  }
  const auto format = exposition::NegotiateFormat(request.FindHeader("accept").value_or(""));
  const bool gzip = exposition::AcceptsGzip(request.FindHeader("accept-encoding").value_or(""));
  net::Response response{.status = 200,
                         .content_type = std::string(exposition::ContentTypeOf(format)),
                         .body = "",
                         .headers = {{"Cache-Control", "no-store"}, {"Vary", "Accept-Encoding"}},
                         .next_piece = {},
                         .feed = nullptr};
  if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  if (request.method == "HEAD") return response;  // nobody to take the pieces
  auto snapshot = exposition_.Take(state, format, scope);
  CountLeftOut();
  if (!scope) snapshot->own = registry_.Collect();
  ++*pages_;
  response.pieces =
      std::make_shared<Pieces>(http_, writer_, duration_, pages_, std::move(snapshot), gzip);
  return response;
}

}  // namespace ballast::serve
