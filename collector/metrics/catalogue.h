#pragma once

#include <array>

#include "collector/metrics/spec.h"

namespace ballast::metrics {

// Every metric that a daemon has about itself; index into kCatalogue.
enum class Metric {
  kBuildInfo,
  kTickDuration,
  kTicksLate,
  kProgramsAttached,
  kDroppedEvents,
  kSourceErrors,
  kRecords,
  kStreamClients,
  kStreamClientsDropped,
  kSubmittedEvents,
  kPublishQueueDropped,
  kHttpRequests,
  kHttpConnectionsRefused,
  kScrapeDuration,
  kRowsLeftOut,
  kRecorderBytes,
  kDecisions,
  kActuations,
  kLoopDuration,
  kReaction,
  kHeld,
  kJournalEvents,
  kMemoryPool,
  kDegraded,
  kDegradeSteps,
  kLeaseRenewed,
  kRecordsRead,
  kChangedCpu,
  kChangedMemory,
  kUneconomic,
  kConsolidationStatus,
  kConsolidationHostsNow,
  kConsolidationHostsPlanned,
  kConsolidationVms,
  kConsolidationCost,
  kConsolidationLowerBound,
  kConsolidationGap,
  kConsolidationMoves,
  kConsolidationMoveBytes,
  kConsolidationDuration,
  kConsolidationSolvedAt,
  kNum
};

// table
// One row a line.
// clang-format off
inline constexpr std::array kCatalogue = {
    Spec{"ballast_build_info", Kind::kGauge, "program,version", "Always 1; the labels say what runs."},
    Spec{"ballast_collector_tick_duration_seconds", Kind::kHistogram, "", "Time from the begin of a tick to its record."},
    Spec{"ballast_collector_ticks_late_total", Kind::kCounter, "", "Ticks that began over one period late."},
    Spec{"ballast_bpf_programs_attached", Kind::kGauge, "program", "1 while the BPF program is attached."},
    Spec{"ballast_bpf_dropped_events_total", Kind::kCounter, "program,reason", "Events of the kernel side that could not be recorded."},
    Spec{"ballast_source_errors_total", Kind::kCounter, "source", "Ticks in which a source failed."},
    Spec{"ballast_records_total", Kind::kCounter, "kind", "Records written: tick, event, key."},
    Spec{"ballast_stream_clients", Kind::kGauge, "", "Readers connected to the record socket."},
    Spec{"ballast_stream_clients_dropped_total", Kind::kCounter, "", "Readers disconnected because they could not follow."},
    Spec{"ballast_submitted_events_total", Kind::kCounter, "result", "Events submitted on the record socket: accepted, refused, damaged."},
    Spec{"ballast_publish_dropped_total", Kind::kCounter, "", "Records that the network thread had no room for."},
    Spec{"ballast_http_requests_total", Kind::kCounter, "code,path", "Requests answered, by status and known path."},
    Spec{"ballast_http_connections_refused_total", Kind::kCounter, "", "Connections above the bound, answered 503."},
    Spec{"ballast_scrape_duration_seconds", Kind::kHistogram, "", "Time to write the metrics page, packing included; not the time that the client took."},
    Spec{"ballast_export_left_out_total", Kind::kCounter, "what,reason", "Workloads, devices, programs, ... not written to a page: limit, same_labels."},
    Spec{"ballast_recorder_bytes_total", Kind::kCounter, "", "Bytes appended to the flight recorder."},
    Spec{"ballast_autoscaler_decisions_total", Kind::kCounter, "outcome", "Decisions about a workload."},
    Spec{"ballast_autoscaler_actuations_total", Kind::kCounter, "outcome", "Limits written, or not."},
    Spec{"ballast_autoscaler_loop_duration_seconds", Kind::kHistogram, "", "Time from a record to the decision made from it."},
    Spec{"ballast_autoscaler_reaction_seconds", Kind::kHistogram, "", "Time from the kernel's first refusal to the raised limit in the file."},
    Spec{"ballast_autoscaler_held", Kind::kGauge, "reason", "1 while the autoscaler keeps what is applied and decides nothing."},
    Spec{"ballast_autoscaler_journal_events", Kind::kGauge, "", "Events kept until the collector takes them."},
    Spec{"ballast_autoscaler_memory_pool_bytes", Kind::kGauge, "value", "The shared pool: its limit, what is used of it, what is needed."},
    Spec{"ballast_autoscaler_degraded_workloads", Kind::kGauge, "level", "Workloads that are throttled or frozen so that memory lasts for who comes first."},
    Spec{"ballast_autoscaler_degrade_steps_total", Kind::kCounter, "level", "Workloads brought to a level: none is back to normal, throttled, frozen."},
    Spec{"ballast_autoscaler_lease_renewed_total", Kind::kCounter, "", "Heartbeats that kept the limits' lease."},
    Spec{"ballast_autoscaler_records_total", Kind::kCounter, "kind", "Records read: tick, event, key."},
    Spec{"ballast_autoscaler_changed_cpu_cores_total", Kind::kCounter, "direction", "How far CPU limits were moved, or would have been where they are recommended: up, down."},
    Spec{"ballast_autoscaler_changed_memory_bytes_total", Kind::kCounter, "direction", "How far memory limits were moved, or would have been where they are recommended: up, down."},
    Spec{"ballast_autoscaler_uneconomic_total", Kind::kCounter, "", "Changes that were not made because they would have gained less than they cost."},
    Spec{"ballast_consolidation_status", Kind::kGauge, "status", "Always 1; how the last run ended: optimal, feasible, infeasible, unknown."},
    Spec{"ballast_consolidation_hosts_now", Kind::kGauge, "", "Hosts that carry a VM before any move."},
    Spec{"ballast_consolidation_hosts_planned", Kind::kGauge, "", "Hosts that carry a VM after the planned moves."},
    Spec{"ballast_consolidation_vms", Kind::kGauge, "", "VMs that were placed."},
    Spec{"ballast_consolidation_cost", Kind::kGauge, "", "Cost of the planned hosts; their number where every host costs 1."},
    Spec{"ballast_consolidation_cost_lower_bound", Kind::kGauge, "", "Certified: no valid placement costs less."},
    Spec{"ballast_consolidation_gap_ratio", Kind::kGauge, "", "Cost over its lower bound, minus 1; 0 is proven optimal."},
    Spec{"ballast_consolidation_moves_planned", Kind::kGauge, "", "Migrations that lead to the plan."},
    Spec{"ballast_consolidation_move_bytes_planned", Kind::kGauge, "", "Memory that they carry."},
    Spec{"ballast_consolidation_solve_seconds", Kind::kGauge, "", "Time that the last run took."},
    Spec{"ballast_consolidation_solved_timestamp_seconds", Kind::kGauge, "", "When the last run ended, in seconds since 1970."},
};
// clang-format on
static_assert(kCatalogue.size() == static_cast<std::size_t>(Metric::kNum),
              "one Spec for each Metric, in its order");
static_assert(NamesAreSound(kCatalogue));

constexpr const Spec& SpecOf(Metric metric) {
  return kCatalogue[static_cast<std::size_t>(metric)];
}

}  // namespace ballast::metrics
