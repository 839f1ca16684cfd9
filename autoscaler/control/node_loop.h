#pragma once

// One host's loop: records in, decisions and limits out. Live, replay and
// simulation differ only in where records come from, which actuator is given
// and what `now` is.
//
//   NodeLoop loop(options, actuator, outbox);
//   for (each record as it arrives) loop.OnRecord(record, clock.Now());
//   every 500 ms without one:       loop.OnTime(clock.Now());
//
// Fails static: with stale records, before the first key, after the collector
// began anew, or without a solution it keeps what is applied, and says so once.
// Not thread-safe.

#include <array>
#include <cstdint>
#include <string>

#include "autoscaler/actuate/actuator.h"
#include "autoscaler/control/decide.h"
#include "autoscaler/control/degradation.h"
#include "autoscaler/control/node_metrics.h"
#include "autoscaler/control/outbox.h"
#include "autoscaler/control/shared_pool.h"
#include "collector/model/histogram.h"
#include "collector/model/state.h"

namespace ballast::control {

// What the loop did; only rises.
struct NodeStats {
  std::uint64_t decisions = 0;                // solved, with or without a change
  std::uint64_t events = 0;                   // of the kernel's refusals
  std::array<std::uint64_t, 6> actuations{};  // by actuate::Outcome
  model::Histogram reaction;                  // from the kernel's refusal to the limit in the file
};

// Of what may happen in every record: said when it begins, and again after a minute at the most.
class Rarely {
 public:
  bool IsDue(BootTime at) {
    if (said_at_ && at - *said_at_ < std::chrono::minutes(1)) return false;
    said_at_ = at;
    return true;
  }

 private:
  std::optional<BootTime> said_at_;
};

class NodeLoop {
 public:
  // Both outlive the loop. Requires: Check(options) is ok.
  NodeLoop(NodeOptions options, actuate::Actuator& actuator, Outbox& outbox,
           NodeMetrics metrics = {});
  // The decider holds a pointer to the options.
  NodeLoop(const NodeLoop&) = delete;
  NodeLoop& operator=(const NodeLoop&) = delete;

  // Requires: `now` is CLOCK_BOOTTIME of this host, or the record's own time in a replay.
  void OnRecord(const model::Record& record, BootTime now);
  // When nothing arrives: notices that records are stale.
  void OnTime(BootTime now);

  // The kill switch. Until Continue(), what is applied is kept and nothing is decided, written or
  // adopted; only groups that would wait at a v1 limit for a rise are left to the kernel. Said as
  // an event.
  void Stop(const std::string& why);
  void Continue();

  // An event about the autoscaler itself; `about`: one workload.
  void Say(const std::string& text, const Tracked* about = nullptr);

  const NodeStats& stats() const { return stats_; }
  // "": everything works; else why what is applied is kept.
  const std::string& holding() const { return holding_; }
  const char* holding_kind() const { return holding_kind_; }  // nullptr: everything works
  std::size_t workloads() { return fleet_.tracked().size(); }

 private:
  void NoteDisorder(const model::RecordHeader& header, model::State::Applied applied);
  void OnTick(const model::Record& record);
  void OnEvent(const model::Record& record, const model::Event& event);
  void OnRefusal(const model::Record& record, const model::Event& event);
  // `who`: absent where the pool itself met its limit.
  void OnPoolRefusal(BootTime at, BootTime refused_at,
                     const std::optional<model::WorkloadKey>& who = std::nullopt);
  void OnTool(const model::Record& record, const model::Event& event);
  // Before the burst: raises what the calls that run now are expected to outgrow.
  void MakeRoom(const Tracked& tracked, BootTime at);
  Tracked* SubjectOf(const model::Event& event);

  void AdoptNew(BootTime at);
  void AdoptPool(BootTime at);
  void Run(const Trigger& trigger, BootTime at);
  void CarryOut(Decision& decision);
  void Settle(const Decision& decision, const Change& change, Limit& limit);
  // Where a change is remembered; nullptr: its workload is gone.
  Limit* LimitOf(const Change& change);
  void Count(const actuate::Actuation& done);
  void SetStandingValues(Tracked& tracked);
  void EndLongWaits(BootTime at);
  void EndLongWaitAtPool(BootTime at);
  void SetWaiting(bool on);
  void ShowPool();
  // Degrade before kill; `refused`: the kernel refused it memory just now.
  void Degrade(const std::optional<model::WorkloadKey>& refused, BootTime at);
  void CarryOut(const guard::DegradeStep& step, BootTime at);
  // The level that the workload stands at afterwards; `done`: what was written last.
  guard::DegradeLevel Bring(Tracked& tracked, const guard::DegradeStep& step,
                            actuate::Actuation& done, BootTime at);
  actuate::Actuation Freeze(Tracked& tracked, bool freeze);
  actuate::Actuation Throttle(Tracked& tracked, BootTime at);
  void ShowDegraded();

  // `kind` tells one reason from another; each is said when it begins.
  void Hold(const char* kind, const std::string& why);
  void Resume();

  const NodeOptions options_;
  actuate::Actuator* actuator_;
  Outbox* outbox_;
  model::State state_;
  Fleet fleet_;
  Decider decider_;
  std::optional<SharedPool> pool_;
  Degradation degradation_;
  NodeStats stats_;
  NodeMetrics metrics_;
  std::string holding_;
  const char* holding_kind_ = nullptr;
  bool stopped_ = false;
  BootTime last_record_{};
  std::chrono::nanoseconds wall_offset_{};  // of the last record
  Rarely gap_said_;
  Rarely leap_said_;
  Rarely step_said_;
  std::optional<BootTime> began_at_;  // of the first OnTime()
  std::uint64_t next_id_ = 1;
};

}  // namespace ballast::control
