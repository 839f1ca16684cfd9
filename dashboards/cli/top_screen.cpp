#include "dashboards/cli/top_screen.h"

#include <curses.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace ballast::cli {

namespace {

constexpr std::array kCrashes = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
// Time for the rest of an escape sequence after Esc, in ms; 25 is what vim takes.
constexpr int kEscapeDelayMs = 25;
constexpr int kEscape = 27;

termios terminal_before{};

// Only what may be called in a handler: leave the other screen, show the cursor,
// plain letters, and the line discipline as it was.
void RestoreAndDie(int signal) {
  constexpr std::string_view kRestore = "\x1b[?1049l\x1b[?25h\x1b[0m\r\n";
  [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, kRestore.data(), kRestore.size());
  ::tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

int AttributesOf(Style style) {
  const auto color = [](int pair, int other) {
    return has_colors() ? COLOR_PAIR(pair) | other : other;
  };
  switch (style) {
    case Style::kPlain:
      return A_NORMAL;
    case Style::kDim:
      return A_DIM;
    case Style::kTitle:
      return color(4, A_BOLD);
    case Style::kHead:
      return A_BOLD;
    case Style::kGood:
      return color(1, 0);
    case Style::kWarn:
      return color(2, 0);
    case Style::kBad:
      return color(3, A_BOLD);
    case Style::kSum:
      return A_BOLD;
  }
  return A_NORMAL;
}

}  // namespace

Result<std::unique_ptr<TopScreen>> TopScreen::Open() {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0)
    return Error::FromErrno(
        ENOTTY, "standard input and output must be a terminal (--once prints one table)");
  // initscr() ends the program where it does not know the terminal; newterm() says so.
  ::tcgetattr(STDIN_FILENO, &terminal_before);
  std::setlocale(LC_CTYPE, "C.UTF-8");
  const char* name = std::getenv("TERM");
  if (newterm(name, stdout, stdin) == nullptr)
    return Error::FromErrno(ENOTTY, std::string("TERM is ") + (name == nullptr ? "not set" : name));
  std::unique_ptr<TopScreen> screen(new TopScreen());
  for (const int signal : kCrashes) std::signal(signal, RestoreAndDie);
  cbreak();
  noecho();
  nodelay(stdscr, TRUE);
  keypad(stdscr, TRUE);
  set_escdelay(kEscapeDelayMs);
  curs_set(0);
  if (has_colors()) {
    start_color();
    use_default_colors();
    const std::array<short, 4> colors = {COLOR_GREEN, COLOR_YELLOW, COLOR_RED, COLOR_CYAN};
    for (std::size_t i = 0; i < colors.size(); ++i)
      init_pair(static_cast<short>(i + 1), colors[i], -1);
  }
  return screen;
}

TopScreen::~TopScreen() {
  endwin();
  for (const int signal : kCrashes) std::signal(signal, SIG_DFL);
}

std::size_t TopScreen::width() const {
  return static_cast<std::size_t>(std::max(0, COLS));
}
std::size_t TopScreen::height() const {
  return static_cast<std::size_t>(std::max(0, LINES));
}

void TopScreen::Resize() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
    resizeterm(size.ws_row, size.ws_col);
  clear();
}

std::optional<Press> TopScreen::Read() {
  for (;;) {
    const int code = getch();
    switch (code) {
      case ERR:
        return std::nullopt;
      case KEY_UP:
        return Press{TopKey::kUp};
      case KEY_DOWN:
        return Press{TopKey::kDown};
      case KEY_PPAGE:
        return Press{TopKey::kPageUp};
      case KEY_NPAGE:
        return Press{TopKey::kPageDown};
      case KEY_HOME:
        return Press{TopKey::kHome};
      case KEY_END:
        return Press{TopKey::kEnd};
      case KEY_ENTER:
      case '\n':
      case '\r':
        return Press{TopKey::kEnter};
      case kEscape:
        return Press{TopKey::kEscape};
      case KEY_BACKSPACE:
      case 127:
      case '\b':
        return Press{TopKey::kErase};
      default:
        if (code >= 0x20 && code < 0x7f) return Press{TopKey::kText, static_cast<char>(code)};
    }
  }
}

void TopScreen::Show(const std::vector<Line>& lines) {
  erase();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    move(static_cast<int>(i), 0);
    const int selected = lines[i].is_selected ? A_REVERSE : 0;
    for (const Piece& piece : lines[i].pieces) {
      attrset(AttributesOf(piece.style) | selected);
      addnstr(piece.text.data(), static_cast<int>(piece.text.size()));
    }
    attrset(selected);
    if (selected != 0)
      for (int x = getcurx(stdscr); x < COLS; ++x) addch(' ');
  }
  attrset(A_NORMAL);
  refresh();
}

}  // namespace ballast::cli
