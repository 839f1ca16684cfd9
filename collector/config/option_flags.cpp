// The command line: arguments to staged values, by CLI11.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "collector/config/nearest_name.h"
#include "collector/config/option_table.h"

namespace ballast::config {
namespace {

// "http.listen_port" -> "--http-listen-port"
std::string FlagName(std::string_view key) {
  std::string flag = "--" + std::string(key);
  for (char& c : flag)
    if (c == '.' || c == '_') c = '-';
  return flag;
}

// Where CLI11 puts what it read for one option.
struct Raw {
  const Option* option;
  std::vector<std::string> texts;
  std::string one;  // for flags that need no value
};

Error UnknownArgument(const OptionTable& table, const std::string& argument) {
  if (!argument.starts_with("-"))
    return Error::Invalid(fmt::format("'{}': unexpected argument; see --help", argument));
  const std::string flag = argument.substr(0, argument.find('='));
  std::vector<std::string> flags = {"--help", "--version", "--config", "--check-config",
                                    "--print-config"};
  for (const Option& option : table.options())
    if (option.type != OptionType::kRows) flags.push_back(FlagName(option.key));
  const auto nearest = FindNearest(flag, {flags.begin(), flags.end()});
  return Error::Invalid(nearest
                            ? fmt::format("{}: unknown option; did you mean {}?", flag, *nearest)
                            : fmt::format("{}: unknown option; see --help", flag));
}

}  // namespace

Result<OptionTable::Flags> OptionTable::ParseFlags(
    const std::vector<std::string>& arguments) const {
  CLI::App app;
  app.set_help_flag();  // ours, so that it prints from the table
  app.allow_extras();
  Flags flags;
  app.add_flag("-h,--help", flags.help);
  app.add_flag("--version", flags.version);
  app.add_flag("--check-config", flags.check);
  app.add_flag("--print-config", flags.print);
  app.add_option("-c,--config", flags.config_file);
  std::vector<Raw> raws;
  raws.reserve(options_.size());  // CLI11 keeps references into it
  for (const Option& option : options_) {
    if (option.type == OptionType::kRows) continue;
    Raw& raw = raws.emplace_back(Raw{&option, {}, {}});
    if (option.type == OptionType::kBool)
      app.add_flag(FlagName(option.key), raw.one);
    else
      app.add_option(FlagName(option.key), raw.texts)
          ->expected(1)
          ->take_all()
          ->allow_extra_args(false);
  }
  try {
    std::vector<std::string> reversed(arguments.rbegin(),
                                      arguments.rend());  // CLI11 takes them from the end
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    return Error::Invalid(std::string(error.what()) + "; see --help");
  }
  const auto extras = app.remaining();
  if (!extras.empty()) return UnknownArgument(*this, extras.front());
  for (Raw& raw : raws) {
    if (!raw.one.empty()) raw.texts = {raw.one};
    if (!raw.texts.empty()) flags.values.emplace_back(raw.option->key, std::move(raw.texts));
  }
  return flags;
}

Result<std::vector<Apply>> OptionTable::StageFlags(const Flags& flags) const {
  std::vector<Apply> staged;
  for (const auto& [key, texts] : flags.values) {
    const Option& option = *Find(key);
    if (texts.size() > 1 && option.type != OptionType::kList)
      return Error::Invalid(FlagName(key) + ": given more than once");
    const Value value = option.type == OptionType::kList && texts.size() > 1
                            ? Value(texts)
                            : ValueFromText(option.type, texts.front());
    auto accepted = option.accept(value);
    if (!accepted) return std::move(accepted).error().Context(FlagName(key));
    staged.push_back(*std::move(accepted));
  }
  return staged;
}

std::string OptionTable::Help() const {
  std::string text = fmt::format("usage: {} [OPTION...]\n", program_);
  if (!summary_.empty()) text += "\n" + summary_ + "\n";
  const auto line = [&text](const std::string& flag, const std::string& help) {
    // A long flag gets a line of its own, so that the column stays.
    text += flag.size() > 32 ? fmt::format("  {}\n  {:32}  {}\n", flag, "", help)
                             : fmt::format("  {:32}  {}\n", flag, help);
  };
  text += "\nOptions; defaults < file < flags:\n";
  line("-c, --config FILE", "Configuration (TOML).");
  line("--check-config",
       "Check the file and the flags, then exit: status 0, or 2 with one line that says what is "
       "wrong.");
  line("--print-config", "Print the default file, with comments.");
  line("--version", "Print the version.");
  line("-h, --help", "Print this.");
  for (const Option& option : options_) {
    if (option.type == OptionType::kRows) continue;
    const std::string what = option.allowed.empty() ? "" : option.allowed + "; ";
    line(FlagName(option.key) +
             (option.type == OptionType::kBool ? "" : " " + std::string(NameOf(option.type))),
         fmt::format("{} [{}{}]", option.help, what, option.initial));
  }
  return text;
}

}  // namespace ballast::config
