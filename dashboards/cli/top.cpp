#include "dashboards/cli/top.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>

#include "collector/net/event_loop.h"
#include "collector/net/stream_client.h"
#include "collector/record/frame_reader.h"
#include "dashboards/cli/exit_status.h"
#include "dashboards/cli/top_screen.h"
#include "dashboards/cli/top_view.h"

namespace ballast::cli {
namespace {

// Rates are of a second; one that begins now has them after it.
constexpr auto kOnceAfter = std::chrono::milliseconds(1300);
// How long --once waits for a collector.
constexpr auto kOncePatience = std::chrono::seconds(5);

struct Options {
  std::string socket = "/run/ballast/records.sock";
  std::string sort = "cpu";
  std::string filter;
  bool is_flat = false;
  bool is_once = false;
};

// Records into the model, from one collector after the other.
class Feed {
 public:
  Feed(net::EventLoop& loop, const std::string& socket, TopModel& model)
      : model_(model),
        client_(loop, {.path = socket},
                {.on_up =
                     [this] {
                       reader_ = {};
                       link_.clear();
                     },
                 .on_bytes =
                     [this](std::string_view bytes) {
                       reader_.Feed(bytes);
                       while (const auto record = reader_.Next()) model_.Apply(*record);
                     },
                 .on_down =
                     [this](const Error& error) { link_ = "no collector: " + error.ToString(); }}) {
  }

  // Empty: connected.
  const std::string& link() const { return link_; }

 private:
  TopModel& model_;  // outlives this
  record::FrameReader reader_;
  std::string link_ = "connecting";
  net::StreamClient client_;
};

int PrintOnce(net::EventLoop& loop, Feed& feed, const TopModel& model, const RowsWish& wish) {
  std::chrono::milliseconds waited{0}, known{0};
  constexpr std::chrono::milliseconds kStep(100);
  const auto turn = loop.Every(kStep, [&] {
    waited += kStep;
    if (model.state().is_whole()) known += kStep;
    if (known >= kOnceAfter || (known.count() == 0 && waited >= kOncePatience)) loop.Stop();
  });
  loop.Run();
  if (!model.state().is_whole()) {
    fmt::print(stderr, "ballast: top: {}\n",
               feed.link().empty() ? "the collector sent no state" : feed.link());
    return kBadInput;
  }
  fmt::print("{}\n", PlainText(HeadLine(wish, {})));
  for (const TopRow& row : model.Rows(wish)) fmt::print("{}\n", PlainText(RowLine(row, {}, {})));
  return kSolved;
}

int ShowLive(net::EventLoop& loop, Feed& feed, TopModel& model, const RowsWish& wish) {
  auto opened = TopScreen::Open();
  if (!opened) {
    fmt::print(stderr, "ballast: top: {}\n", opened.error().ToString());
    return kBadInput;
  }
  TopScreen& screen = **opened;
  TopView view(wish);
  const auto draw = [&] {
    screen.Show(view.Draw(model, screen.width(), screen.height(), feed.link()));
  };
  const auto beat = loop.Every(std::chrono::seconds(1), [&] {
    model.Beat();
    draw();
  });
  // Before the first beat: whoever starts it wants to see something.
  const auto first = loop.After(std::chrono::milliseconds(250), draw);
  const auto keys = loop.WatchFd(STDIN_FILENO, [&] {
    while (const auto press = screen.Read())
      if (!view.Handle(*press, model)) return loop.Stop();
    draw();
  });
  if (!keys) return kInternalError;
  const auto resized = loop.OnSignals({SIGWINCH}, [&](int) {
    screen.Resize();
    draw();
  });
  // The terminal went away (SIGHUP), or somebody wants us to: leave by the same door.
  const auto ended = loop.OnSignals({SIGINT, SIGTERM, SIGHUP}, [&](int) { loop.Stop(); });
  draw();
  loop.Run();
  return kSolved;
}

int Run(const Options& options) {
  net::EventLoop loop;
  TopModel model;
  Feed feed(loop, options.socket, model);
  const RowsWish wish{.sort = FindSortBy(options.sort).value_or(SortBy::kCpu),
                      .is_tree = !options.is_flat,
                      .filter = options.filter};
  return options.is_once ? PrintOnce(loop, feed, model, wish) : ShowLive(loop, feed, model, wish);
}

}  // namespace

void AddTop(CLI::App& app, int& exit_status) {
  auto options = std::make_shared<Options>();  // the second owner is the callback
  CLI::App* command = app.add_subcommand("top", "Workloads live, like htop");
  command->add_option("--socket", options->socket, "The collector's record socket");
  command->add_option("--sort", options->sort, "What comes first")
      ->check(CLI::IsMember({"cpu", "memory", "throttled", "wait", "name"}));
  command->add_option("--filter", options->filter, "Only what has this in its name or path");
  command->add_flag("--flat", options->is_flat, "No tree of slices");
  command->add_flag("--once", options->is_once, "One table on standard output, for scripts");
  command->callback([options, &exit_status] { exit_status = Run(*options); });
}

}  // namespace ballast::cli
