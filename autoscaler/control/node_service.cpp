#include "autoscaler/control/node_service.h"

#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <optional>

#include "autoscaler/actuate/stop_file.h"
#include "autoscaler/control/node_loop.h"
#include "collector/base/log.h"
#include "collector/net/event_loop.h"
#include "collector/net/http_server.h"
#include "collector/net/stream_client.h"
#include "collector/record/frame_reader.h"

namespace ballast::control {
namespace {

using namespace std::chrono_literals;

// A peer that sends nothing but damage is not asked more often.
constexpr auto kBetweenConnections = 1s;

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

// Frames of the events we submit. The collector gives them their place in its
// own sequence; ours tells it the time, and whether it lost one.
class Sender {
 public:
  explicit Sender(const Clock& clock) : clock_(&clock) {
    header_.host = HostName();
    header_.boot_id = actuate::ReadBootId();
    header_.incarnation = static_cast<std::uint64_t>(clock.Now().count());
  }

  void Drain(Outbox& outbox, net::StreamClient& client) {
    outbox.Drain([&](const model::Event& event) {
      if (!client.is_connected()) return false;
      header_.at = clock_->Now();
      header_.wall_offset = clock_->Wall() - header_.at;
      ++header_.sequence;
      return client.Send(record::EncodeFrame({header_, event}));
    });
  }

 private:
  const Clock* clock_;
  model::RecordHeader header_;
};

class NodeService {
 public:
  NodeService(NodeServiceOptions options, actuate::CgroupActuator actuator,
              const std::function<void()>& alive)
      : actuator_(std::move(actuator)),
        vms_(std::move(options.vms), actuator_, clock_),
        listen_(std::move(options.listen)),
        collector_socket_(std::move(options.collector_socket)),
        reload_(std::move(options.reload)),
        stop_file_(options.state_folder),
        sender_(clock_),
        alive_(alive) {
    Begin(std::move(options.node));
    HeedStop();
  }

  Result<> Run() {
    BALLAST_TRY_DO(Listen(), "metrics");
    const auto stop = events_.OnSignals({SIGTERM, SIGINT}, [this](int) { OnStop(); });
    const auto hang_up = events_.OnSignals({SIGHUP}, [this](int) { OnReload(); });
    const auto beat = events_.Every(100ms, [this] { OnBeat(); });
    node_->Say("started in " + Way());
    OnBeat();
    events_.Run();
    return std::move(ended_);
  }

 private:
  // A loop with these options, and a connection, which begins with the whole
  // state. What an earlier loop had learned is learned anew; limits only rise
  // until then.
  void Begin(NodeOptions options) {
    options_ = options;
    metrics_ = NodeMetrics::Make(registry_, options.shared_pool.has_value());
    stale_after_ = options.stale_after;
    client_.reset();
    node_.emplace(std::move(options), vms_, outbox_, metrics_);
    Connect();
  }

  void Connect() {
    client_.reset();
    reader_ = {};
    connected_at_ = clock_.Now();
    client_.emplace(
        events_, net::StreamClientOptions{.path = collector_socket_},
        net::StreamClient::Handlers{.on_up = [this] { OnUp(); },
                                    .on_bytes = [this](std::string_view bytes) { OnBytes(bytes); },
                                    .on_down = [this](const Error& error) { OnDown(error); }});
  }

  void OnReload() {
    if (last_moment_ || !reload_) return;
    auto fresh = reload_();
    if (!fresh)
      return node_->Say("not reloaded, what was configured stays: " + fresh.error().ToString());
    const auto released = Allow(*fresh);
    actuator_.SetCpuBurst(fresh->cpu_burst);
    Begin(*std::move(fresh));
    node_->Say("reloaded, in " + Way() + "; " + Describe(released));
    if (stop_) node_->Stop(stop_->why);
  }

  // Puts back what may not be written any more: nothing may while a stop with a release is in
  // force.
  Result<actuate::Released> Allow(const NodeOptions& options) {
    const bool nothing = stop_ && stop_->release;
    return nothing
               ? vms_.Narrow({})
               : vms_.Narrow(WritablePrefixes(options), WritablePool(options), LeftAlone(options));
  }

  // What a reader of the events must know to understand the decisions.
  std::string Way() const {
    std::string way = std::string("mode ") + ToString(options_.mode);
    if (options_.coupling != allocate::Coupling::kSeparate)
      way += std::string(", resources coupled by ") + ToString(options_.coupling);
    return way;
  }

  static std::string Describe(const Result<actuate::Released>& released) {
    return released ? actuate::Summary(*released)
                    : "limits not put back: " + released.error().ToString();
  }

  // The kill switch: before every record and ten times a second.
  void HeedStop() {
    const auto order = stop_file_.Find();
    if (order == stop_) return;
    const bool released = stop_ && stop_->release;
    stop_ = order;
    if (stop_) {
      node_->Stop(stop_->why.empty() ? stop_file_.path() : stop_->why);
      if (stop_->release) node_->Say(Describe(Allow(options_)));
      return;
    }
    if (!released) return node_->Continue();
    // Everything is as if it had just started.
    const auto allowed = Allow(options_);
    Begin(NodeOptions(options_));
    node_->Say("no stop any more: deciding again; " + Describe(allowed));
  }

  Result<> Listen() {
    if (listen_.empty()) return Ok();
    const auto answer = [this](const net::Request& request) {
      if (request.target.path != "/metrics")
        return net::MakeError(404, "only /metrics is served here");
      net::Response page;
      page.content_type = "text/plain; version=0.0.4; charset=utf-8";
      page.body = registry_.Serialize();
      return page;
    };
    BALLAST_TRY(
        http_,
        net::HttpServer::Listen(events_, {.listen = listen_}, {.handle = answer, .on_refused = {}}),
        "http.listen");
    return Ok();
  }

  void OnRecord(const model::Record& record) {
    if (last_moment_) return;  // nothing is written any more
    // The end of a stop waits for the next beat: it may make the connection anew that we are called
    // from.
    if (!stop_) HeedStop();
    const BootTime begin = clock_.Now();
    node_->OnRecord(record, begin);
    metrics_.records[record.body.index()].Add();
    metrics_.loop_duration.Observe(std::chrono::duration<double>(clock_.Now() - begin).count());
  }

  // Puts everything back, says so, and ends when that is on its way.
  void OnStop() {
    if (last_moment_) return;
    vms_.Settle();
    const auto released = actuator_.ReleaseAll();
    if (!released) {
      ended_ = Error(released.error()).Context("put limits back");
    } else {
      node_->Say("stopped: " + actuate::Summary(*released));
      for (const std::string& failure : released->failures)
        BALLAST_LOG(kError, "limit not put back", {"why", failure});
    }
    sender_.Drain(outbox_, *client_);
    last_moment_ = events_.After(50ms, [this] { events_.Stop(); });
  }

  bool IsDamaged() const {
    return reader_.counters().damaged_frames > 0 || reader_.counters().skipped_bytes > 0;
  }
  // A damaged length may promise more than ever comes: then nothing is whole any more.
  bool IsStuck() const {
    return reader_.pending_bytes() > 0 && clock_.Now() - whole_at_ > stale_after_;
  }

  // A socket loses nothing by itself, so what is damaged or cut was sent like that, and what was
  // in it (a birth) would be missing until the next key. A new connection begins with the whole.
  // False: it is too early for another one; sound records are read on.
  bool ConnectAgain(const std::string& why) {
    if (is_connecting_again_ || clock_.Now() - connected_at_ < kBetweenConnections) return false;
    is_connecting_again_ = true;
    node_->Say(why + ": connecting again, what is applied is kept");
    // Later: the connection may be in the middle of handing its bytes over.
    events_.Post([this] {
      is_connecting_again_ = false;
      Connect();
    });
    return true;
  }

  // What is sent on a connection that is about to be given up may never arrive.
  void Drain() {
    if (!is_connecting_again_) sender_.Drain(outbox_, *client_);
  }

  void OnUp() {
    reader_ = {};
    whole_at_ = clock_.Now();
    BALLAST_LOG(kInfo, "connected to the collector", {"workloads", node_->workloads()});
  }

  void OnBytes(std::string_view bytes) {
    if (is_connecting_again_) return;
    reader_.Feed(bytes);
    std::optional<model::Record> record;
    do {
      record = reader_.Next();
      // Before the next sound record: once that is applied, the same state would not be taken
      // again.
      if (IsDamaged() && ConnectAgain("records arrived damaged")) break;
      if (record || reader_.pending_bytes() == 0) whole_at_ = clock_.Now();
      if (record) OnRecord(*record);
    } while (record);
    Drain();
  }

  void OnDown(const Error& error) {
    BALLAST_LOG(kWarn, "no collector; what is applied is kept", {"why", error.ToString()});
  }

  void OnBeat() {
    alive_();
    if (!last_moment_) HeedStop();
    metrics_.lease_renewed.Add();
    node_->OnTime(clock_.Now());
    if (IsStuck()) ConnectAgain("a record was cut and never ended");
    for (const std::string& news : vms_.Rest(clock_.Now())) node_->Say(news);
    Drain();
    metrics_.SetHeld(node_->holding_kind());
    metrics_.journal_events.Set(static_cast<double>(outbox_.waiting()));
  }

  NodeOptions options_;
  SystemClock clock_;
  net::EventLoop events_;
  net::EventLoop::Handle last_moment_;  // set: ending
  Result<> ended_ = Ok();
  actuate::CgroupActuator actuator_;
  actuate::VmActuator vms_;
  Outbox outbox_;
  metrics::Registry registry_;
  NodeMetrics metrics_;
  std::optional<NodeLoop> node_;
  std::string listen_;
  std::string collector_socket_;
  std::function<Result<NodeOptions>()> reload_;
  actuate::StopFile stop_file_;
  std::optional<actuate::StopOrder> stop_;  // in force
  Sender sender_;
  record::FrameReader reader_;
  BootTime whole_at_{};  // when nothing was pending but a whole record, last
  BootTime connected_at_{};
  bool is_connecting_again_ = false;
  std::chrono::milliseconds stale_after_{};
  const std::function<void()>& alive_;  // the caller's, who waits in Run()
  std::unique_ptr<net::HttpServer> http_;
  std::optional<net::StreamClient> client_;  // last: its handlers use the rest
};

}  // namespace

std::vector<std::string> WritablePrefixes(const NodeOptions& options) {
  std::vector<std::string> prefixes;
  if (options.mode == Mode::kAuto) prefixes = options.auto_prefixes;
  for (const WorkloadRule& rule : options.rules)
    if (rule.mode == Mode::kAuto) prefixes.push_back(rule.prefix);
  return prefixes;
}

std::vector<std::string> LeftAlone(const NodeOptions& options) {
  std::vector<std::string> prefixes;
  for (const WorkloadRule& rule : options.rules)
    if (rule.mode && rule.mode != Mode::kAuto) prefixes.push_back(rule.prefix);
  return prefixes;
}

std::string WritablePool(const NodeOptions& options) {
  const bool is_there =
      options.shared_pool && ModeFor(options, options.shared_pool->parent) == Mode::kAuto;
  return is_there ? options.shared_pool->parent : std::string();
}

Result<> RunNodeService(NodeServiceOptions options, const std::function<void()>& alive) {
  static const SystemClock clock;
  BALLAST_TRY(actuate::CgroupActuator actuator,
              actuate::CgroupActuator::Make(options.actuator, clock), "start");
  NodeService service(std::move(options), std::move(actuator), alive);
  return service.Run();
}

}  // namespace ballast::control
