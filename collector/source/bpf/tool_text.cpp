#include "collector/source/bpf/tool_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

namespace ballast::source {
namespace {

using Text = std::string_view;
using Arguments = std::vector<Text>;

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxWord = 24;
constexpr Text kHidden = "***";

Text BaseName(Text path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

template <typename Words>
bool IsOneOf(const Words& words, Text word) {
  return std::ranges::find(words, word) != std::end(words);
}

// Programs that run another file: that file is the tool.
constexpr std::array kInterpreters =
    std::to_array<Text>({"python", "node", "bash", "sh", "dash", "zsh", "ash", "perl", "ruby",
                         "php", "deno", "bun", "env", "busybox", "Rscript", "lua", "java"});
// Programs whose first plain argument says what they do.
constexpr std::array kWithSubcommand = std::to_array<Text>(
    {"git",      "npm",     "npx",   "pnpm",   "yarn",   "cargo",      "rustup",    "pip",
     "poetry",   "uv",      "conda", "go",     "make",   "cmake",      "ninja",     "mvn",
     "gradle",   "dotnet",  "gem",   "bundle", "docker", "podman",     "kubectl",   "helm",
     "apt",      "apt-get", "apk",   "dnf",    "yum",    "brew",       "systemctl", "terraform",
     "composer", "mix",     "rake",  "gh",     "aws",    "gcloud",     "az",        "svn",
     "hg",       "ip",      "tox",   "nox",    "hatch",  "pre-commit", "manage.py"});
// What follows these is a program's text, not a name.
constexpr std::array kTakesText = std::to_array<Text>({"-c", "-e", "--eval", "-p"});

// "python3.11" -> "python", "pip3" -> "pip"
Text WithoutVersion(Text name) {
  const std::size_t end = name.find_last_not_of("0123456789.");
  return end == Text::npos ? name : name.substr(0, end + 1);
}

bool IsPlainWord(Text word) {
  return !word.empty() && word.size() <= kMaxWord &&
         std::isalpha(static_cast<unsigned char>(word[0])) &&
         std::ranges::all_of(word, [](unsigned char c) {
           return std::islower(c) || std::isdigit(c) || c == '-' || c == '_' || c == ':' ||
                  c == '.';
         });
}

std::string Printable(Text text) {
  std::string out(text.substr(0, kMaxName));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  return out;
}

// The program's own name and what follows it in the arguments.
struct Called {
  Text program;
  Arguments rest;
};

std::string Describe(const Called& called) {
  std::string name = Printable(called.program);
  if (!IsOneOf(kWithSubcommand, WithoutVersion(called.program))) return name;
  const auto word = std::ranges::find_if(called.rest, [](Text a) { return !a.starts_with('-'); });
  if (word != called.rest.end() && IsPlainWord(*word)) name.append(" ").append(*word);
  return name;
}

// `interpreter [options] script arguments`
std::string DescribeInterpreted(Text interpreter, const Arguments& rest) {
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const Text argument = rest[i];
    const bool has_next = i + 1 < rest.size();
    if (IsOneOf(kTakesText, argument)) return Printable(interpreter) + " " + std::string(argument);
    if (argument == "-m" && has_next && IsPlainWord(rest[i + 1]))
      return Printable(interpreter) + " -m " + std::string(rest[i + 1]);
    if (argument.starts_with('-') || argument.find('=') != Text::npos) continue;
    const Text script = BaseName(argument);
    Arguments after(rest.begin() + static_cast<std::ptrdiff_t>(i) + 1, rest.end());
    const bool runs_another = IsOneOf(kInterpreters, WithoutVersion(script));
    if (interpreter == "env" && runs_another) return DescribeInterpreted(script, after);
    std::string name = Describe({script, std::move(after)});
    // A script without an ending is a command in its own right: pytest, npm.
    if (script.find('.') == Text::npos || interpreter == "env") return name;
    return (Printable(interpreter) + " " + name).substr(0, kMaxName);
  }
  return Printable(interpreter);
}

}  // namespace

std::vector<std::string_view> SplitArguments(std::string_view args) {
  std::vector<std::string_view> arguments;
  while (!args.empty()) {
    const std::size_t end = std::min(args.find('\0'), args.size());
    arguments.push_back(args.substr(0, end));
    args.remove_prefix(std::min(end + 1, args.size()));
  }
  return arguments;
}

std::string ToolName(std::string_view file, const std::vector<std::string_view>& arguments,
                     std::string_view comm) {
  const Text program = file.empty() ? comm : BaseName(file);
  Arguments rest = arguments;
  // A script that the kernel handed to its interpreter: what counts follows its name.
  const auto script = std::ranges::find(rest, file);
  const bool was_handed_on = !file.empty() && script != rest.end() && script != rest.begin();
  rest.erase(rest.begin(), was_handed_on ? script + 1 : rest.begin() + (rest.empty() ? 0 : 1));
  if (IsOneOf(kInterpreters, WithoutVersion(program)) && !was_handed_on)
    return DescribeInterpreted(program, rest);
  return Describe({program, std::move(rest)});
}

namespace {

bool ContainsNoCase(Text text, Text lower) {
  return std::ranges::search(text, lower, [](unsigned char a, unsigned char b) {
           return std::tolower(a) == b;
         }).begin() != text.end();
}

// An option's or variable's name that says its value is a secret.
bool NamesASecret(Text name) {
  static constexpr std::array kSecrets = std::to_array<Text>(
      {"pass", "pwd", "secret", "token", "apikey", "api-key", "api_key", "auth", "credential",
       "private", "cookie", "access-key", "access_key", "signature"});
  return std::ranges::any_of(kSecrets, [&](Text s) { return ContainsNoCase(name, s); });
}

bool LooksLikeAToken(Text word) {
  static constexpr std::array kBeginnings =
      std::to_array<Text>({"ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "sk-", "xox", "AKIA",
                           "ASIA", "eyJ", "AIza", "npm_", "pypi-", "hf_"});
  if (word.size() >= 12 &&
      std::ranges::any_of(kBeginnings, [&](Text b) { return word.starts_with(b); }))
    return true;
  // Long, of a key's letters only, with digits: a hash or a random key.
  return word.size() >= 24 &&
         std::ranges::any_of(word, [](unsigned char c) { return std::isdigit(c); }) &&
         std::ranges::all_of(word, [](unsigned char c) {
           return std::isalnum(c) || c == '+' || c == '_' || c == '-' || c == '=';
         });
}

// "https://user:secret@host/path" -> "https://***@host/path"
std::string WithoutUserInfo(Text word) {
  const std::size_t scheme = word.find("://");
  if (scheme == Text::npos) return std::string(word);
  const std::size_t begin = scheme + 3;
  const std::size_t host_end = std::min(word.find_first_of("/?#", begin), word.size());
  const std::size_t at = word.substr(0, host_end).rfind('@');
  if (at == Text::npos || at < begin) return std::string(word);
  return std::string(word.substr(0, begin)).append(kHidden).append(word.substr(at));
}

std::string Redacted(Text word) {
  const std::size_t equals = word.find('=');
  if (equals != Text::npos && NamesASecret(word.substr(0, equals)))
    return std::string(word.substr(0, equals + 1)).append(kHidden);
  const std::size_t colon = word.find(':');
  if (colon != Text::npos && word.substr(colon).substr(0, 3) != "://" &&
      NamesASecret(word.substr(0, colon)))
    return std::string(word.substr(0, colon + 1)).append(kHidden);
  const Text value = equals == Text::npos ? word : word.substr(equals + 1);
  if (LooksLikeAToken(value))
    return std::string(word.substr(0, word.size() - value.size())).append(kHidden);
  return WithoutUserInfo(word);
}

// Words of one argument apart, so that a shell's whole script is looked through.
void AppendRedacted(Text argument, std::string& line) {
  bool is_secret_next = false;
  while (!argument.empty()) {
    const std::size_t end = std::min(argument.find_first_of(" \t\n\"'"), argument.size());
    const Text word = argument.substr(0, end);
    if (is_secret_next && !word.empty() && !ContainsNoCase(word, "bearer") &&
        !ContainsNoCase(word, "basic")) {
      line.append(kHidden);
      is_secret_next = false;
    } else {
      line.append(Redacted(word));
      const bool is_option = word.starts_with('-') && word.find('=') == Text::npos;
      const bool wants_value = is_option || word.ends_with(':') || word.ends_with('=');
      is_secret_next = is_secret_next || (wants_value && NamesASecret(word));
    }
    if (end < argument.size()) line.push_back(argument[end] == '\n' ? ' ' : argument[end]);
    argument.remove_prefix(std::min(end + 1, argument.size()));
  }
}

}  // namespace

std::string RedactedLine(const std::vector<std::string_view>& arguments) {
  std::string line;
  bool is_secret_next = false;
  for (const Text argument : arguments) {
    if (!line.empty()) line.push_back(' ');
    if (is_secret_next)
      line.append(kHidden);
    else
      AppendRedacted(argument, line);
    // "-p" of mysql and "-u" of curl take theirs in one word or the next.
    const bool is_option = argument.starts_with('-') && argument.find('=') == Text::npos;
    is_secret_next = is_option && argument.find(' ') == Text::npos &&
                     (NamesASecret(argument) || argument == "-u" || argument == "--user");
  }
  return line;
}

}  // namespace ballast::source
