#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "collector/base/result.h"
#include "dashboards/cli/top_view.h"

namespace ballast::cli {

// The terminal, by ncurses: raw keys in, lines out. The terminal is as it was
// before however the program ends: by the destructor, by exit(), or by a crash
// (a signal handler writes what ncurses would have).
// One at a time; not thread-safe.
class TopScreen {
 public:
  // Fails where standard output is no terminal, or one that ncurses does not know.
  static Result<std::unique_ptr<TopScreen>> Open();
  ~TopScreen();
  TopScreen(const TopScreen&) = delete;
  TopScreen& operator=(const TopScreen&) = delete;

  // Never waits; nullopt: nothing more was pressed.
  std::optional<Press> Read();
  // After SIGWINCH.
  void Resize();
  std::size_t width() const;
  std::size_t height() const;
  void Show(const std::vector<Line>& lines);

 private:
  TopScreen() = default;
};

}  // namespace ballast::cli
