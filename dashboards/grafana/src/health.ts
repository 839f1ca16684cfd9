import { RowBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, heatmap, lines, stat, table } from "./panels.js";

const here = 'instance=~"$instance"';

/** Ballast itself: does it tick, does it lose anything, what does it cost. */
export const health = dashboard("health", "Ballast's own health", "Does it tick, does it lose anything, what does it cost.")
  .withPanel(stat("Daemons that answer", 'sum(up{job=~"ballast-.*"})'))
  .withPanel(stat("Ticks per second", `sum(rate(ballast_records_total{${here}, kind="tick"}[$__rate_interval]))`))
  .withPanel(stat("Late ticks", `sum(increase(ballast_collector_ticks_late_total{${here}}[$__range]))`))
  .withPanel(stat("Events lost", `sum(increase(ballast_publish_dropped_total{${here}}[$__range]))`))
  .withPanel(stat("Left out of pages", `sum(increase(ballast_export_left_out_total{${here}}[$__range])) or vector(0)`))
  .withPanel(stat("Readers", `sum(ballast_stream_clients{${here}})`))
  .withRow(new RowBuilder("Measuring"))
  .withPanel(heatmap("Tick", "ballast_collector_tick_duration_seconds", here))
  .withPanel(heatmap("Writing the metrics page", "ballast_scrape_duration_seconds", here))
  .withPanel(lines("Walk over cgroups", [[`rate(ballast_walk_seconds_total{${here}}[$__rate_interval])`, "{{instance}}"]], { unit: "s" }))
  .withPanel(lines("Cgroups walked", [[`rate(ballast_cgroups_walked_total{${here}}[$__rate_interval])`, "{{instance}}"]], { unit: "ops" }))
  .withPanel(lines("Records", [[`sum by (kind) (rate(ballast_records_total{${here}}[$__rate_interval]))`, "{{kind}}"]], { unit: "ops" }))
  .withPanel(lines("Flight recorder", [[`rate(ballast_recorder_bytes_total{${here}}[$__rate_interval])`, "{{instance}}"]], { unit: "Bps" }))
  .withRow(new RowBuilder("Losing"))
  .withPanel(lines("Events dropped in the kernel", [[`sum by (program, reason) (rate(ballast_bpf_dropped_events_total{${here}}[$__rate_interval]))`, "{{program}} {{reason}}"]], { unit: "ops" }))
  .withPanel(lines("Source errors", [[`sum by (source) (rate(ballast_source_errors_total{${here}}[$__rate_interval]))`, "{{source}}"]], { unit: "ops" }))
  .withPanel(table("BPF programs", [[`ballast_bpf_programs_attached{${here}}`, ""]], { width: 12 }))
  .withPanel(table("Versions", [["ballast_build_info", ""]], { width: 12 }))
  .withRow(new RowBuilder("Serving"))
  .withPanel(lines("Requests", [[`sum by (path, code) (rate(ballast_http_requests_total{${here}}[$__rate_interval]))`, "{{path}} {{code}}"]], { unit: "ops" }))
  .withPanel(lines("Submitted by the autoscaler", [[`sum by (result) (rate(ballast_submitted_events_total{${here}}[$__rate_interval]))`, "{{result}}"]], { unit: "ops" }));
