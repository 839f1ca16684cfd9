#pragma once

// The kernel's own tracer as the exact account of who ran while somebody waited.
//
//   SchedTrace trace;               // an instance of its own; others are left alone
//   trace.Begin(pid); ...; auto held = trace.End(pid);
//
// Needs root and tracefs, which is mounted for this object's life only.

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace ballast::test {

// What stands after `key` up to the next space; empty: not there.
inline std::string WordAfter(const std::string& line, const std::string& key) {
  const std::size_t at = line.find(key);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + key.size();
  return line.substr(begin, line.find(' ', begin) - begin);
}

class SchedTrace {
 public:
  SchedTrace() {
    char name[] = "/tmp/ballast-trace-XXXXXX";
    if (::mkdtemp(name) == nullptr) return;
    mount_point_ = name;
    if (::mount("tracefs", name, "tracefs", 0, nullptr) != 0) return;
    is_mounted_ = true;
    folder_ = mount_point_ + "/instances/ballast-test-" + std::to_string(::getpid());
    if (::mkdir(folder_.c_str(), 0700) != 0) return;
    is_ready_ = Write("trace_clock", "mono") && Write("buffer_size_kb", "8192");
  }
  SchedTrace(const SchedTrace&) = delete;
  SchedTrace& operator=(const SchedTrace&) = delete;
  ~SchedTrace() {
    if (!folder_.empty()) ::rmdir(folder_.c_str());
    if (is_mounted_) ::umount2(mount_point_.c_str(), MNT_DETACH);
    if (!mount_point_.empty()) ::rmdir(mount_point_.c_str());
  }
  bool is_ready() const { return is_ready_; }

  void Begin(pid_t waiter) const {
    Write("trace", "");
    const std::string pid = std::to_string(waiter);
    for (const char* event : {"sched_wakeup", "sched_wakeup_new"})
      Write(std::string("events/sched/") + event + "/filter", "pid == " + pid);
    for (const char* event : {"sched_wakeup", "sched_switch"})
      Write(std::string("events/sched/") + event + "/enable", "1");
    Write("tracing_on", "1");
  }

  // Seconds that `waiter` was runnable on `cpu` and each other task was running
  // there, by pid (0: the idle task). Requires: it stays on that CPU.
  std::map<pid_t, double> End(pid_t waiter, int cpu) const {
    Write("tracing_on", "0");
    std::map<pid_t, double> held;
    std::ifstream in(folder_ + "/trace");
    bool waits = false;
    double since = 0;
    pid_t running = -1;
    const auto book = [&](double now) {
      if (waits && running > 0) held[running] += now - since;
      since = now;
    };
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with('#')) continue;
      const bool is_switch = line.find(" sched_switch: ") != std::string::npos;
      const std::size_t at = line.find(is_switch ? ": sched_switch: " : ": sched_wakeup: ");
      if (at == std::string::npos) continue;
      const double now = std::strtod(line.c_str() + line.rfind(' ', at - 1), nullptr);
      if (!is_switch) {
        book(now);
        waits = running != waiter;
        continue;
      }
      if (std::atoi(WordAfter(line, " [").c_str()) != cpu) continue;
      book(now);
      const auto prev = static_cast<pid_t>(std::atol(WordAfter(line, " prev_pid=").c_str()));
      running = static_cast<pid_t>(std::atol(WordAfter(line, " next_pid=").c_str()));
      if (prev == waiter) waits = WordAfter(line, " prev_state=").starts_with('R');
      if (running == waiter) waits = false;
    }
    return held;
  }

 private:
  bool Write(const std::string& file, const std::string& value) const {
    std::ofstream out(folder_ + "/" + file);
    out << value;
    return static_cast<bool>(out.flush());
  }

  std::string mount_point_, folder_;
  bool is_mounted_ = false, is_ready_ = false;
};

}  // namespace ballast::test
