// ProgramOf() of trace.h: the shell's part of the work, as far as traces need it.

#include <algorithm>
#include <array>
#include <vector>

#include "autoscaler/simulate/trace.h"

namespace ballast::simulate {
namespace {

// Words behind which the program that does the work comes.
constexpr std::array<std::string_view, 10> kWrappers = {
    "sudo", "env", "time", "nice", "nohup", "exec", "timeout", "xvfb-run", "command", "stdbuf"};
// What prepares and does no work; the next command of the line is looked at.
constexpr std::array<std::string_view, 8> kPreparations = {"cd",    "source", ".",    "export",
                                                           "mkdir", "set",    "echo", "sleep"};
// Programs whose first plain argument says what they do.
constexpr std::array<std::string_view, 18> kWithSubcommand = {
    "npm", "pnpm", "yarn",   "pip", "pip3", "uv",  "poetry", "cargo", "go",
    "git", "make", "docker", "tox", "nox",  "mvn", "gradle", "conda", "apt-get"};

template <std::size_t N>
bool Has(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::vector<std::string_view> Words(std::string_view command) {
  std::vector<std::string_view> words;
  while (true) {
    const auto begin = command.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return words;
    command.remove_prefix(begin);
    const std::string_view word = command.substr(0, command.find_first_of(" \t\r\n"));
    words.push_back(word);
    command.remove_prefix(word.size());
  }
}

bool IsAssignment(std::string_view word) {
  const auto equals = word.find('=');
  return equals != std::string_view::npos && equals > 0 &&
         word.substr(0, equals).find_first_of("/-\"'") == std::string_view::npos;
}

std::string_view BaseName(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool IsPython(std::string_view name) {
  return name == "python" || name.starts_with("python2") || name.starts_with("python3");
}

// Of one simple command; empty: nothing that does work.
std::string ProgramOfSimple(std::string_view command) {
  std::vector<std::string_view> words = Words(command);
  std::size_t at = 0;
  // A wrapper's own options and numbers (timeout 60) are no program.
  bool wrapped = false;
  for (; at < words.size(); ++at) {
    const std::string_view word = words[at];
    if (IsAssignment(word)) continue;
    if (Has(kWrappers, BaseName(word))) {
      wrapped = true;
      continue;
    }
    if (!wrapped || (word.front() != '-' && (word.front() < '0' || word.front() > '9'))) break;
  }
  if (at == words.size()) return {};
  const std::string_view name = BaseName(words[at]);
  if (name.empty() || Has(kPreparations, name)) return {};
  const auto argument = [&](std::size_t i) {
    return at + i < words.size() ? words[at + i] : std::string_view();
  };
  if (IsPython(name)) {
    if (argument(1) == "-m" && !argument(2).empty()) {
      const std::string_view module = argument(2);
      if (!Has(kWithSubcommand, module) || argument(3).empty()) return std::string(module);
      return std::string(module) + " " + std::string(argument(3));
    }
    return "python";
  }
  if (Has(kWithSubcommand, name) && !argument(1).empty() && argument(1).front() != '-')
    return std::string(name) + " " + std::string(argument(1));
  return std::string(name);
}

}  // namespace

std::string ProgramOf(std::string_view command) {
  // Separators inside quotes would be split too: what comes first is what counts, and quotes come
  // behind it.
  std::string first;
  while (!command.empty()) {
    const auto end = command.find_first_of("&;|\n");
    const std::string_view simple = command.substr(0, end);
    std::string program = ProgramOfSimple(simple);
    if (!program.empty()) return program;
    if (first.empty() && !Words(simple).empty())
      first = std::string(BaseName(Words(simple).front()));
    if (end == std::string_view::npos) break;
    command.remove_prefix(end + 1);
  }
  return first;
}

}  // namespace ballast::simulate
