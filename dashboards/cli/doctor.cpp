#include "dashboards/cli/doctor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "dashboards/cli/exit_status.h"

namespace ballast::cli {
namespace {

constexpr const char* kProgram = "ballast-collector";

struct Options {
  std::string format = "text";
  std::string collector;
  std::string config;
};

// Where both programs are installed, else whatever PATH has.
std::string Beside() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto sibling = self.parent_path() / kProgram;
  return !error && ::access(sibling.c_str(), X_OK) == 0 ? sibling.string() : kProgram;
}

int Run(const Options& options) {
  const std::string program = options.collector.empty() ? Beside() : options.collector;
  std::vector<std::string> words = {program, "doctor", "--format", options.format};
  if (!options.config.empty()) words.insert(words.end(), {"--config", options.config});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::fflush(stdout);
  ::execvp(program.c_str(), arguments.data());
  fmt::print(stderr, "ballast: doctor: {}: {}; name the collector's program with --collector\n",
             program, std::strerror(errno));
  return kBadInput;
}

}  // namespace

void AddDoctor(CLI::App& app, int& exit_status) {
  auto options = std::make_shared<Options>();  // the second owner is the callback
  CLI::App* command = app.add_subcommand(
      "doctor", "What is measured on this host from where, what is missing, what to do about it");
  command->add_option("--format", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  command->add_option("--collector", options->collector,
                      "The collector's program; default: beside this one, else from PATH");
  command->add_option("--config", options->config, "The collector's configuration");
  command->callback([options, &exit_status] { exit_status = Run(*options); });
}

}  // namespace ballast::cli
