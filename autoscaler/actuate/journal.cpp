#include "autoscaler/actuate/journal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "collector/base/file.h"

namespace ballast::actuate {
namespace {

constexpr std::string_view kMagic = "ballast-journal 1";
constexpr std::size_t kMaxJournalBytes = 64 << 20;  // 10,000 groups are about 4 MB

// A cgroup's name may hold a newline; a line may not.
std::string Escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\')
      escaped += "\\\\";
    else if (c == '\n')
      escaped += "\\n";
    else
      escaped += c;
  }
  return escaped;
}

std::string Unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size())
      plain += text[i];
    else
      plain += text[++i] == 'n' ? '\n' : text[i];
  }
  return plain;
}

// "value cpu.max max 100000" -> "value", rest "cpu.max max 100000"
std::string_view TakeWord(std::string_view& rest) {
  const std::size_t space = rest.find(' ');
  const std::string_view word = rest.substr(0, space);
  rest = space == std::string_view::npos ? std::string_view() : rest.substr(space + 1);
  return word;
}

bool ParseUnsigned(std::string_view text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

class Parser {
 public:
  // Whether the line was understood.
  bool Take(std::string_view line) {
    if (done_) return false;
    const std::string_view word = TakeWord(line);
    if (word == "boot")
      journal_.boot_id = line;
    else if (word == "group")
      return TakeGroup(line);
    else if (word == "unit")
      return TakeUnit(line);
    else if (word == "container")
      return TakeContainer(line);
    else if (word == "value")
      return TakeValue(line);
    else if (word == "end")
      return TakeEnd(line);
    else
      return false;
    return true;
  }
  bool done() const { return done_; }
  Journal Finish() && { return std::move(journal_); }

 private:
  bool TakeGroup(std::string_view line) {
    JournalGroup group;
    if (!ParseUnsigned(TakeWord(line), group.inode) || line.empty()) return false;
    group.directory = Unescape(line);
    journal_.groups.push_back(std::move(group));
    return true;
  }
  bool TakeUnit(std::string_view line) {
    if (journal_.groups.empty()) return false;
    journal_.groups.back().unit = Unescape(TakeWord(line));
    journal_.groups.back().bus = Unescape(line);
    return !journal_.groups.back().unit.empty();
  }
  bool TakeContainer(std::string_view line) {
    if (journal_.groups.empty()) return false;
    journal_.groups.back().container = TakeWord(line);
    journal_.groups.back().runtime_socket = Unescape(line);
    return !line.empty();
  }
  bool TakeValue(std::string_view line) {
    const std::string_view file = TakeWord(line);
    if (journal_.groups.empty() || file.empty() || file.find('/') != std::string_view::npos)
      return false;
    journal_.groups.back().originals.push_back({std::string(file), Unescape(line)});
    return true;
  }
  bool TakeEnd(std::string_view line) {
    std::uint64_t count = 0;
    done_ = ParseUnsigned(line, count) && count == journal_.groups.size();
    return done_;
  }

  Journal journal_;
  bool done_ = false;
};

}  // namespace

std::string FormatJournal(const Journal& journal) {
  std::string text = fmt::format("{}\nboot {}\n", kMagic, journal.boot_id);
  for (const JournalGroup& group : journal.groups) {
    text += fmt::format("group {} {}\n", group.inode, Escape(group.directory));
    if (!group.unit.empty())
      text += fmt::format("unit {} {}\n", Escape(group.unit), Escape(group.bus));
    if (!group.container.empty())
      text += fmt::format("container {} {}\n", group.container, Escape(group.runtime_socket));
    for (const Original& original : group.originals)
      text += fmt::format("value {} {}\n", original.file, Escape(original.value));
  }
  return text + fmt::format("end {}\n", journal.groups.size());
}

Result<Journal> ParseJournal(std::string_view text) {
  Parser parser;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t newline = text.find('\n');
    const std::string_view line = text.substr(0, newline);
    text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
    const bool understood = number == 1 ? line == kMagic : parser.Take(line);
    if (!understood) return Error::Invalid(fmt::format("line {} is no line of a journal", number));
  }
  if (!parser.done()) return Error::Invalid("the journal ends too early");
  return std::move(parser).Finish();
}

Result<Journal> LoadJournal(const std::string& path) {
  auto text = ReadSmallFile(path, kMaxJournalBytes);
  if (!text && text.error().code() == std::errc::no_such_file_or_directory) return Journal{};
  if (!text) return std::move(text).error();
  BALLAST_TRY(Journal journal, ParseJournal(*text), path);
  return journal;
}

Result<> SaveJournal(const std::string& path, const Journal& journal) {
  if (!journal.groups.empty()) return ReplaceFile(path, FormatJournal(journal));
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return Error::FromErrno(errno, path);
  return Ok();
}

std::string ReadBootId() {
  auto text = ReadSmallFile("/proc/sys/kernel/random/boot_id", 128);
  if (!text) return {};
  return text->substr(0, text->find('\n'));
}

}  // namespace ballast::actuate
