// The program `ballast-collector`: observes this host and writes no limit.
//
//   tick thread (main)   sources -> records; never waits for anybody
//   stream thread        the record socket: frames out, submitted events in
//   HTTP thread          /metrics, /api/v1, the page
//   recorder thread      the flight recorder's file

#include <sys/mman.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "collector/base/file.h"
#include "collector/base/log.h"
#include "collector/base/priority.h"
#include "collector/config/option_table.h"
#include "collector/doctor/report.h"
#include "collector/metrics/registry.h"
#include "collector/net/event_loop.h"
#include "collector/pipeline/pipeline.h"
#include "collector/record/flight_recorder.h"
#include "collector/serve/server.h"
#include "collector/source/bpf/bpf_sources.h"
#include "collector/source/cgroupfs/cgroup_file_source.h"
#include "collector/source/procfs/host_file_source.h"
#include "collector/source/procfs/process_source.h"
#include "collector/source/vmm/vm_source.h"

namespace ballast {
namespace {

constexpr int kOk = 0;
constexpr int kBadInput = 2;
constexpr const char* kConfigFile = "/etc/ballast/collector.toml";

using metrics::Metric;

enum class BpfUse { kRequired, kPreferred, kOff };

struct Settings {
  serve::ServerOptions serve;
  std::string record_file;
  std::uint64_t record_bytes = 256ULL << 20;
  std::uint32_t tick_ms = 100;
  std::uint32_t key_seconds = 10;
  std::uint32_t max_workloads = 1024;
  std::vector<std::string> prefixes;
  std::vector<std::string> slices = {"/system.slice", "/user.slice"};
  std::vector<std::string> exclude;
  BpfUse bpf = BpfUse::kRequired;
  std::vector<std::string> qmp_sockets;
  source::DomainWatchOptions libvirt;
  discover::NamerOptions names;
  bool command_lines = false;
  LogLevel log_level = LogLevel::kInfo;
};

void Describe(config::OptionTable& table, Settings& settings) {
  serve::AddOptions(table, settings.serve);
  table.Add("records.file", &settings.record_file, "Flight recorder's file; empty: none.");
  table.AddBytes("records.file_max", &settings.record_bytes, {.min = 1 << 20},
                 "Bound of that file and the one before it.");
  table.Section("tick", "How often.");
  table.Add("tick.interval_ms", &settings.tick_ms, {.min = 10, .max = 10'000},
            "Time between ticks.");
  table.Add("tick.key_seconds", &settings.key_seconds, {.min = 1, .max = 3600},
            "Time between key records: how far back reading must start.");
  table.Section("workloads", "What is tracked.");
  table.Add(
      "workloads.max", &settings.max_workloads, {.min = 1, .max = 65'535},
      "Slots; sizes the kernel's maps. Raise it when ballast_workloads_overflowing is not 0.");
  table.Add("workloads.prefixes", &settings.prefixes,
            "Each direct child of these cgroups is a workload.");
  table.Add("workloads.slices", &settings.slices,
            "Units directly below these are tracked as slices.");
  table.Add("workloads.exclude", &settings.exclude,
            "Shell patterns of cgroup paths that are left out.");
  table.Section("sources", "From where.");
  table.AddChoice(
      "sources.bpf", &settings.bpf,
      {{"required", BpfUse::kRequired}, {"preferred", BpfUse::kPreferred}, {"off", BpfUse::kOff}},
      "Measure in the kernel. preferred: where that fails, and off: from files alone, which have "
      "no run-queue "
      "wait and no events.");
  table.Add(
      "sources.command_lines", &settings.command_lines,
      "Record the whole command lines of tool calls, secrets made unreadable; else only program "
      "and subcommand.");
  table.Section("runtime", "Names, images and labels of containers; never required.");
  table.Add("runtime.sockets", &settings.names.sockets,
            "Docker API sockets that are asked where they exist; Podman speaks it too. Kubernetes' "
            "names also come "
            "from containerd's and CRI-O's bundles, which need no socket.");
  table.Add(
      "runtime.cri_sockets", &settings.names.cri_sockets,
      "CRI sockets (containerd, CRI-O) that are asked where they exist, for pods and containers "
      "that no socket above knows.");
  table.Add("runtime.agent_label", &settings.names.agent_label,
            "Container label whose value joins several workloads to one agent.");
  table.Section("vms", "Virtual machines.");
  table.Add(
      "vms.qmp_sockets", &settings.qmp_sockets,
      "QMP sockets to ask for balloon and vCPU threads; %n is the guest's name, %p the VMM's pid. "
      "One client at a time: name none that somebody else uses.");
  table.Add(
      "vms.libvirt", &settings.libvirt.uri,
      "libvirt's address, asked read-only for names, titles and memory of VMs with a UUID; loaded "
      "and asked only while such a VM runs and the daemon listens. Empty: never.");
  table.Section("log", "What is said on standard error.");
  table.AddChoice("log.level", &settings.log_level,
                  {{"debug", LogLevel::kDebug},
                   {"info", LogLevel::kInfo},
                   {"warn", LogLevel::kWarn},
                   {"error", LogLevel::kError}},
                  "Least important line that is written.");
}

int Complain(const std::string& what) {
  std::fprintf(stderr, "ballast-collector: %s\n", what.c_str());
  return kBadInput;
}

// Best effort: the burst that must be recorded is the one that starves the recorder.
void ProtectSelf() {
  static_cast<void>(RunSoon(-10).has_value());
  static_cast<void>(WriteControlFile("/proc/self/oom_score_adj", "-800").has_value());
  // Kept descriptors of the file fallback; it never uses more than half.
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
}

struct Sources {
  std::unique_ptr<source::KernelSide> kernel;  // outlives the sources below
  std::vector<std::unique_ptr<source::Source>> list;
  std::vector<source::Choice>
      choices;  // where each signal comes from; empty without the kernel side
};

// What VMs tell is of files wherever they come from.
std::vector<source::Choice> AllChoices(std::vector<source::Choice> choices) {
  std::error_code error;
  const bool schedstat = std::filesystem::exists("/proc/self/schedstat", error);
  choices.push_back({"vm time and steal", schedstat ? source::Via::kFile : source::Via::kAbsent,
                     schedstat ? "" : "kernel built without CONFIG_SCHED_INFO"});
  return choices;
}

// Sockets are where the default address has them; another one is asked in any case.
source::DomainWatchOptions LibvirtOf(const Settings& settings) {
  source::DomainWatchOptions libvirt = settings.libvirt;
  if (libvirt.uri != source::DomainWatchOptions{}.uri) libvirt.sockets.clear();
  return libvirt;
}

// In order of precedence: files set only what the kernel side left absent.
Result<Sources> OpenSources(const Settings& settings, const model::CgroupLayout& layout,
                            const Clock& clock) {
  Sources sources;
  if (settings.bpf != BpfUse::kOff) {
    auto bpf = source::OpenBpfSources(
        source::ReadKernelFacts(), layout,
        {.slots = settings.max_workloads + 1, .command_lines = settings.command_lines});
    if (!bpf && settings.bpf == BpfUse::kRequired)
      return std::move(bpf).error().Context(
          "measuring in the kernel (--sources-bpf off measures from files alone)");
    if (bpf) {
      for (const source::Choice& choice : bpf->choices)
        if (choice.via != source::Via::kBpf)
          BALLAST_LOG(kWarn, "signal is not measured in the kernel", {"signal", choice.signal},
                      {"instead", choice.via == source::Via::kFile ? "files" : "absent"},
                      {"why", choice.because});
      sources.choices = AllChoices(std::move(bpf->choices));
      sources.kernel = std::move(bpf->kernel);
      sources.list = std::move(bpf->sources);
    } else {
      BALLAST_LOG(kWarn, "measuring from files alone", {"why", bpf.error().ToString()});
    }
  }
  sources.list.push_back(std::make_unique<source::HostFileSource>(source::HostPaths{}));
  sources.list.push_back(std::make_unique<source::ProcessSource>(source::ProcessOptions{}));
  sources.list.push_back(std::make_unique<source::CgroupFileSource>(
      layout, source::CgroupFileSource::AllFields(), source::CgroupFileOptions{}));
  auto vms =
      source::VmSource::Start(layout, clock,
                              {.finder = {.proc = "/proc", .qmp_sockets = settings.qmp_sockets},
                               .libvirt = LibvirtOf(settings)});
  if (!vms) return std::move(vms).error().Context("looking for VMs");
  sources.list.push_back(*std::move(vms));
  return sources;
}

discover::RegistryOptions ToRegistryOptions(const Settings& settings) {
  discover::RegistryOptions options;
  options.classify = {.prefixes = settings.prefixes,
                      .slices = settings.slices,
                      .include = {},
                      .exclude = settings.exclude};
  options.max_workloads = settings.max_workloads;
  return options;
}

pipeline::PipelineOptions ToPipelineOptions(const Settings& settings, bool has_hints) {
  return {.tick = std::chrono::milliseconds(settings.tick_ms),
          .key = std::chrono::seconds(settings.key_seconds),
          .scan = std::chrono::milliseconds(has_hints ? 10'000 : 1'000),
          .max_slot = settings.max_workloads};
}

// What the collector says about itself, brought up to date after each tick.
class OwnMetrics {
 public:
  OwnMetrics(metrics::Registry& registry, const source::KernelSide* kernel) : registry_(registry) {
    registry.GetGauge(Metric::kBuildInfo, {"ballast-collector", BALLAST_VERSION}).Set(1);
    if (kernel == nullptr) return;
    for (const source::ProgramState& program : kernel->programs())
      registry.GetGauge(Metric::kProgramsAttached, {program.name}).Set(program.attached ? 1 : 0);
  }

  // `recorder` may be null.
  void AfterTick(const pipeline::Pipeline& pipeline, const record::FlightRecorder* recorder,
                 std::chrono::duration<double> took) {
    const pipeline::PipelineCounters& now = pipeline.counters();
    tick_duration_.Observe(took.count());
    Raise(ticks_late_, now.late_ticks);
    Raise(registry_.GetCounter(Metric::kRecords, {"tick"}), now.ticks);
    Raise(registry_.GetCounter(Metric::kRecords, {"event"}), now.event_records);
    Raise(registry_.GetCounter(Metric::kRecords, {"key"}), now.key_records);
    for (const pipeline::SourceCounters& source : now.sources)
      Raise(registry_.GetCounter(Metric::kSourceErrors, {source.name}), source.errors);
    if (now.ticks % kTicksBetweenReports == 0) ReportLosses(pipeline.state());
    if (now.ticks % kTicksBetweenReports == 0 && recorder != nullptr)
      ReportRecorder(recorder->counters());
  }

 private:
  static constexpr std::uint64_t kTicksBetweenReports = 10;

  static void Raise(metrics::Counter counter, std::uint64_t to) {
    const double by = static_cast<double>(to) - counter.Value();
    if (by > 0) counter.Add(by);
  }
  void ReportLosses(const model::State& state) {
    for (const auto& [ref, entity] : state.entities())
      if (entity.kind == model::EntityKind::kLoss)
        Raise(registry_.GetCounter(Metric::kDroppedEvents,
                                   {entity.fields.GetText(model::Field::kMap),
                                    entity.fields.GetText(model::Field::kReason)}),
              entity.fields.Get(model::Field::kEventsLost).value_or(0));
  }

  void ReportRecorder(const record::FlightRecorder::Counters& recorder) {
    Raise(recorder_bytes_, recorder.bytes);
    // Said when it begins and when it ends, not once a second.
    if (recorder.last_error == recorder_error_) return;
    recorder_error_ = recorder.last_error;
    if (recorder_error_.empty()) {
      BALLAST_LOG(kInfo, "flight recorder writes again",
                  {"dropped_frames", recorder.dropped_frames});
    } else {
      BALLAST_LOG(kError, "flight recorder cannot write; records are streamed but not kept",
                  {"why", recorder_error_});
    }
  }

  metrics::Registry& registry_;
  metrics::Counter recorder_bytes_ = registry_.GetCounter(Metric::kRecorderBytes);
  std::string recorder_error_;
  metrics::Histogram tick_duration_ = registry_.GetHistogram(Metric::kTickDuration);
  metrics::Counter ticks_late_ = registry_.GetCounter(Metric::kTicksLate);
};

std::vector<serve::SourceStatus> ToStatus(const std::vector<source::Choice>& choices) {
  std::vector<serve::SourceStatus> status;
  for (const source::Choice& choice : choices)
    status.push_back(
        {std::string(choice.signal), std::string(doctor::NameOf(choice.via)), choice.because});
  return status;
}

int Run(const Settings& settings) {
  const auto layout = model::ReadCgroupLayout();
  if (!layout) return Complain(layout.error().ToString());
  const auto identity = pipeline::ReadHostIdentity();
  if (!identity) return Complain(identity.error().ToString());
  const SystemClock clock;
  auto sources = OpenSources(settings, *layout, clock);
  if (!sources) return Complain(sources.error().ToString());
  const bool has_hints = sources->kernel != nullptr;

  std::unique_ptr<record::FlightRecorder> recorder;
  if (!settings.record_file.empty()) {
    auto opened = record::FlightRecorder::Open(
        {.path = settings.record_file, .max_bytes = settings.record_bytes});
    if (!opened) return Complain(opened.error().ToString());
    recorder = *std::move(opened);
  }

  net::EventLoop loop;
  std::unique_ptr<pipeline::Pipeline> pipeline;
  metrics::Registry registry;
  OwnMetrics own(registry, sources->kernel.get());
  // Submissions arrive on the stream's thread and are sequenced on this one.
  auto server = serve::Server::Start(settings.serve, registry, [&](model::Record record) {
    loop.Post(
        [&pipeline, record = std::move(record)]() mutable { pipeline->Submit(std::move(record)); });
  });
  if (!server) return Complain(server.error().ToString());
  (*server)->SetSources(ToStatus(sources->choices));
  const auto publish = [&](const std::shared_ptr<const pipeline::Published>& published) {
    (*server)->Publish({net::Bytes(published, &published->frame),
                        std::shared_ptr<const model::Record>(published, &published->record)});
    if (recorder)
      recorder->Append(published->frame,
                       std::holds_alternative<model::Key>(published->record.body));
  };
  pipeline = std::make_unique<pipeline::Pipeline>(
      ToPipelineOptions(settings, has_hints), *identity, clock,
      discover::Registry(*layout, ToRegistryOptions(settings)), std::move(sources->list), publish);
  auto namer = discover::Namer::Start(settings.names);
  if (!namer) return Complain(namer.error().ToString());
  pipeline->SetNamer(*std::move(namer));
  pipeline->Start();
  std::vector<net::EventLoop::Handle> handles;
  auto names = loop.WatchFd(pipeline->namer()->event_fd(), [&pipeline] { pipeline->TakeNames(); });
  if (!names) return Complain(names.error().ToString());
  handles.push_back(*std::move(names));
  for (const auto& source : pipeline->sources()) {
    if (source->event_fd() < 0) continue;
    auto watched =
        loop.WatchFd(source->event_fd(), [&pipeline, &source] { pipeline->Drain(*source); });
    if (!watched) return Complain(watched.error().ToString());
    handles.push_back(*std::move(watched));
  }
  handles.push_back(loop.Every(std::chrono::milliseconds(settings.tick_ms), [&] {
    const auto begin = std::chrono::steady_clock::now();
    pipeline->Tick();
    own.AfterTick(*pipeline, recorder.get(), std::chrono::steady_clock::now() - begin);
  }));
  handles.push_back(loop.OnSignals({SIGINT, SIGTERM}, [&](int) { loop.Stop(); }));
  BALLAST_LOG(kInfo, "ready", {"socket", settings.serve.stream.path},
              {"http", (*server)->http_address()},
              {"workloads", pipeline->registry_counts().tracked});
  loop.Run();
  handles.clear();
  server->reset();  // before the loop and the pipeline that its threads post to
  return kOk;
}

constexpr int kMissing = 1;  // doctor: something is not measured

// ballast-collector doctor [--format text|json] [OPTION...]: the options of the
// daemon, so that it is asked as it would run.
struct DoctorCall {
  bool is_asked = false;
  bool is_json = false;
  std::vector<const char*> rest;  // the command line without these words
};

Result<DoctorCall> TakeDoctorWords(int argc, const char* const* argv) {
  DoctorCall call;
  for (int i = 0; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (i == 1 && word == "doctor") {
      call.is_asked = true;
    } else if (call.is_asked && (word == "--format" || word.starts_with("--format="))) {
      const std::string_view format =
          word.size() > 8 ? word.substr(9) : (++i < argc ? std::string_view(argv[i]) : "");
      if (format != "text" && format != "json")
        return Error::Invalid("doctor: --format: use text or json");
      call.is_json = format == "json";
    } else {
      call.rest.push_back(argv[i]);
    }
  }
  return call;
}

int Doctor(const Settings& settings, bool is_json) {
  doctor::Examined examined{.facts = doctor::ReadHostFacts(),
                            .choices = {},
                            .programs = {},
                            .start_problem = {},
                            .max_workloads = settings.max_workloads};
  if (settings.bpf == BpfUse::kOff) {
    examined.start_problem = "sources.bpf is off";
  } else {
    // A few slots: what is asked is whether the kernel takes the programs.
    auto kernel = source::KernelSide::Start(examined.facts.kernel, {.slots = 8, .max_cgroups = 64});
    if (kernel)
      examined.programs = (*kernel)->programs();
    else
      examined.start_problem = kernel.error().ToString();
  }
  examined.choices = AllChoices(source::DecideReads(examined.facts.kernel, examined.programs));
  const doctor::Report report = doctor::Diagnose(examined);
  std::fputs((is_json ? doctor::ToJson(report) : doctor::ToText(report)).c_str(), stdout);
  return report.anything_missing() ? kMissing : kOk;
}

int Main(int argc, const char* const* argv) {
  const auto doctor = TakeDoctorWords(argc, argv);
  if (!doctor) return Complain(doctor.error().ToString());
  Settings settings;
  config::OptionTable table(
      "ballast-collector",
      "Observes every container, VM and slice of this host at kernel truth.\n"
      "As `ballast-collector doctor [--format text|json]`: says what would be measured from "
      "where, what is missing and what to do; status 1 if anything is.");
  Describe(table, settings);
  const auto loaded = table.Load(static_cast<int>(doctor->rest.size()), doctor->rest.data(),
                                 kConfigFile, BALLAST_VERSION);
  if (!loaded) return Complain(loaded.error().ToString());
  if (loaded->start == config::OptionTable::Start::kAnswer) {
    std::fputs(loaded->text.c_str(), stdout);
    return kOk;
  }
  if (doctor->is_asked) return Doctor(settings, doctor->is_json);
  settings.serve.version = BALLAST_VERSION;
  SetLogLevel(settings.log_level);
  ProtectSelf();
  return Run(settings);
}

}  // namespace
}  // namespace ballast

int main(int argc, char** argv) {
  return ballast::Main(argc, argv);
}
