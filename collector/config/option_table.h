#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "collector/base/result.h"
#include "collector/config/option.h"

namespace ballast::config {

struct IntegerBounds {
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};
struct RealBounds {
  double min = 0.0;
  double max = std::numeric_limits<double>::infinity();
};
struct ByteBounds {
  std::uint64_t min = 0;
  std::uint64_t max = std::uint64_t{1} << 62;
};

// Every option of a program, once: key, place, bounds, help. The value at the
// place when it is added is the default. Keys are "section.name" or "name"; as
// flags they read --section-name.
//
//   OptionTable table("ballast-collector", "Observes what runs on this host.");
//   table.Section("http", "The HTTP server.");
//   table.Add("http.listen", &options.listen, "Address and port.");
//   table.Add("tick.interval_ms", &options.tick_ms, {.min = 10, .max = 10000}, "Time between
//   ticks."); auto start = table.Load(argc, argv, "/etc/ballast/collector.toml");
//
// Places are written when everything given was accepted, or not at all; they
// must outlive the table's use. Not thread-safe; owned by main().
class OptionTable {
 public:
  explicit OptionTable(std::string program, std::string summary = "");

  // A comment above the section in the file; sections appear in order of mention.
  void Section(std::string name, std::string help);

  void Add(std::string key, bool* place, std::string help);
  void Add(std::string key, std::string* place, std::string help);
  void Add(std::string key, std::vector<std::string>* place, std::string help);
  void Add(std::string key, double* place, RealBounds bounds, std::string help);
  template <typename Integer>
  requires(std::is_integral_v<Integer> &&
           !std::is_same_v<Integer, bool>) void Add(std::string key, Integer* place,
                                                    IntegerBounds bounds, std::string help) {
    if (std::cmp_greater(bounds.max, std::numeric_limits<Integer>::max()))
      bounds.max = static_cast<std::int64_t>(std::numeric_limits<Integer>::max());
    AddInteger(std::move(key), static_cast<std::int64_t>(*place), bounds, std::move(help),
               [place](std::int64_t value) { *place = static_cast<Integer>(value); });
  }
  // A size: bytes, or a text like "512MiB".
  void AddBytes(std::string key, std::uint64_t* place, ByteBounds bounds, std::string help);
  // One of a few names. Requires: the value at the place has a name.
  template <typename Enum>
  void AddChoice(std::string key, Enum* place, std::vector<std::pair<std::string, Enum>> names,
                 std::string help) {
    std::vector<std::string> words;
    std::size_t initial = 0;
    for (const auto& [name, value] : names) {
      if (value == *place) initial = words.size();
      words.push_back(name);
    }
    AddChoice(std::move(key), std::move(words), initial, std::move(help),
              [place, names = std::move(names)](std::size_t at) { *place = names[at].second; });
  }
  // An array of tables, [[key]] in the file; not a flag. `describe` adds the
  // options of one row; rows given replace those at the place.
  //   table.AddRows<Workload>("workload", &options.workloads, "Overrides by prefix.",
  //       [](OptionTable& row, Workload& w) { row.Add("prefix", &w.prefix, "Cgroup path."); });
  template <typename Row>
  void AddRows(std::string key, std::vector<Row>* place, std::string help,
               std::function<void(OptionTable&, Row&)> describe) {
    Option option{.key = std::move(key),
                  .type = OptionType::kRows,
                  .help = std::move(help),
                  .allowed = {},
                  .initial = {},
                  .accept = {},
                  .new_row = {},
                  .take = {}};
    option.new_row = [describe = std::move(describe)] {
      auto row = std::make_shared<Row>();
      auto table = std::make_shared<OptionTable>("");
      describe(*table, *row);
      return Option::Row{std::move(table), std::move(row)};
    };
    option.take = [place](std::vector<std::shared_ptr<void>> rows) -> Apply {
      return [place, rows = std::move(rows)] {
        place->clear();
        for (const auto& row : rows) place->push_back(*std::static_pointer_cast<Row>(row));
      };
    };
    AddOption(std::move(option));
  }

  enum class Start {
    kRun,     // options are in their places
    kAnswer,  // --help, --version, --check-config, --print-config: print `text` and exit 0
  };
  struct Loaded {
    Start start = Start::kRun;
    std::string text;
    std::string config_file;  // empty: none was read
  };
  // The command line, the file it names with --config (or `default_file`, where
  // that exists), and what wins: defaults < file < flags. Every error is one
  // line for the user; exit with status 2.
  Result<Loaded> Load(int argc, const char* const* argv, const std::string& default_file = "",
                      const std::string& version = "");

  // The parts of Load(). `file_name` is for error texts.
  Result<> ReadToml(std::string_view text, const std::string& file_name);
  Result<> ReadFlags(const std::vector<std::string>& arguments);

  // The default file: every option with its help, bounds and default, commented out.
  std::string CommentedToml() const;
  std::string Help() const;

  const std::vector<Option>& options() const { return options_; }
  const Option* Find(std::string_view key) const;

 private:
  friend class TomlReader;
  struct SectionInfo {
    std::string name;
    std::string help;
  };
  struct Flags {
    std::vector<std::pair<std::string, std::vector<std::string>>> values;  // key, texts
    std::string config_file;
    bool help = false, version = false, check = false, print = false;
  };

  void AddOption(Option option);
  void AddInteger(std::string key, std::int64_t initial, IntegerBounds bounds, std::string help,
                  std::function<void(std::int64_t)> set);
  void AddChoice(std::string key, std::vector<std::string> names, std::size_t initial,
                 std::string help, std::function<void(std::size_t)> set);

  // option_toml.cpp, option_flags.cpp: what to apply, once all is accepted.
  Result<std::vector<Apply>> StageToml(std::string_view text, const std::string& file_name) const;
  Result<Flags> ParseFlags(const std::vector<std::string>& arguments) const;
  Result<std::vector<Apply>> StageFlags(const Flags& flags) const;

  std::string program_, summary_;
  std::vector<SectionInfo> sections_;
  std::vector<Option> options_;
};

}  // namespace ballast::config
