#pragma once

// Real cgroups for one test, in every hierarchy that is measured:
//
//   TestGroup group("quota");                  // /ballast-test-<pid>-quota
//   group.Write("cpu.cfs_quota_us", "20000");  // in the hierarchy that has the file
//   Child child(group, [] { Spin(2s); });      // forked into it
//
// Removed with their children's processes on destruction. Works on pure cgroup2
// (controllers are enabled at the root where they are not) and on hybrid hosts.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "collector/model/cgroup_layout.h"
#include "collector/source/bpf/bpf_sources.h"
#include "collector/source/bpf/walk.h"

namespace ballast::test {

inline std::string ReadText(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// "nr_periods 12" -> 12; 0 where the key is not there.
inline std::uint64_t KeyedValue(const std::string& text, const std::string& key) {
  std::istringstream in(text);
  std::string name;
  std::uint64_t value = 0;
  while (in >> name >> value)
    if (name == key) return value;
  return 0;
}

// cgroup2 and v1's cpu, cpuacct, memory and blkio; the others are never touched.
inline std::vector<model::Hierarchy> TrackedHierarchies() {
  auto layout = model::ReadCgroupLayout();
  return layout ? source::TrackedHierarchies(*layout) : std::vector<model::Hierarchy>{};
}
// Of those, the ones that are walked.
inline std::vector<model::Hierarchy> MeasuredHierarchies() {
  auto layout = model::ReadCgroupLayout();
  return layout ? source::MeasuredHierarchies(*layout) : std::vector<model::Hierarchy>{};
}

class TestGroup {
 public:
  explicit TestGroup(const std::string& name)
      : TestGroup("/ballast-test-" + std::to_string(getpid()) + "-" + name, 0) {}
  // A group inside `parent`.
  TestGroup(const TestGroup& parent, const std::string& name)
      : TestGroup(parent.path_ + "/" + name, 0) {}
  TestGroup(const TestGroup&) = delete;
  TestGroup& operator=(const TestGroup&) = delete;
  ~TestGroup() { Remove(); }

  const std::string& path() const { return path_; }
  const std::vector<model::CgroupDirectory>& directories() const { return directories_; }

  // Empty: no hierarchy has the file.
  std::filesystem::path File(const std::string& file) const {
    for (const auto& directory : directories_)
      if (std::filesystem::exists(std::filesystem::path(directory.directory) / file))
        return std::filesystem::path(directory.directory) / file;
    return {};
  }
  bool Has(const std::string& file) const { return !File(file).empty(); }
  void Write(const std::string& file, const std::string& value) const {
    std::ofstream out(File(file));
    out << value;
    out.flush();
    ASSERT_TRUE(out.good()) << "write " << file << " = " << value;
  }
  std::string Read(const std::string& file) const { return ReadText(File(file)); }
  std::uint64_t Number(const std::string& file) const {
    return std::strtoull(Read(file).c_str(), nullptr, 10);
  }

  // Quota per 100 ms period, in whichever form this host has.
  void SetQuota(std::chrono::microseconds quota) const {
    if (Has("cpu.max")) return Write("cpu.max", std::to_string(quota.count()) + " 100000");
    Write("cpu.cfs_quota_us", std::to_string(quota.count()));
  }
  // The cpu.stat that has nr_throttled: v1's own, or cgroup2's.
  std::string BandwidthStat() const {
    for (const auto& directory : directories_) {
      std::string stat = ReadText(directory.directory + "/cpu.stat");
      if (stat.find("nr_throttled") != std::string::npos) return stat;
    }
    return "";
  }
  std::uint64_t Throttled() const { return KeyedValue(BandwidthStat(), "nr_throttled"); }
  void SetMemoryLimit(std::uint64_t bytes) const {
    Write(Has("memory.max") ? "memory.max" : "memory.limit_in_bytes", std::to_string(bytes));
  }

  void Enter(pid_t pid) const {
    for (const auto& directory : directories_)
      std::ofstream(directory.directory + "/cgroup.procs") << pid;
  }

  // Until the kernel lets go of the last process; rmdir is busy before.
  void Remove() {
    for (auto directory = directories_.rbegin(); directory != directories_.rend(); ++directory)
      for (int i = 0; i < 500 && ::rmdir(directory->directory.c_str()) != 0 && errno == EBUSY; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    directories_.clear();
  }

 private:
  TestGroup(std::string path, int) : path_(std::move(path)) {
    for (const auto& hierarchy : TrackedHierarchies()) {
      // Fails where the controller belongs to v1, which is as it should be.
      if (hierarchy.is_v2) {
        const std::string parent =
            std::filesystem::path(hierarchy.mount_point + path_).parent_path();
        for (const char* controller : {"+cpu", "+memory", "+io"})
          std::ofstream(parent + "/cgroup.subtree_control") << controller;
      }
      const std::string directory = hierarchy.mount_point + path_;
      EXPECT_EQ(::mkdir(directory.c_str(), 0755), 0) << directory;
      struct stat status {};
      EXPECT_EQ(::stat(directory.c_str(), &status), 0) << directory;
      directories_.push_back({hierarchy.id, static_cast<std::uint64_t>(status.st_ino), directory});
    }
  }

  std::string path_;
  std::vector<model::CgroupDirectory> directories_;
};

// A process in the group. It starts its work once it is inside.
class Child {
 public:
  Child(const TestGroup& group, const std::function<void()>& work) {
    int gate[2];
    EXPECT_EQ(::pipe(gate), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      char go = 0;
      ::close(gate[1]);
      if (::read(gate[0], &go, 1) == 1) work();
      ::_exit(0);
    }
    ::close(gate[0]);
    group.Enter(pid_);
    schedstat_at_entry_ = ReadText("/proc/" + std::to_string(pid_) + "/schedstat");
    EXPECT_EQ(::write(gate[1], "g", 1), 1);
    ::close(gate[1]);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { Kill(); }

  pid_t pid() const { return pid_; }
  // Before its work: what it ran and waited until here was not in the group.
  const std::string& schedstat_at_entry() const { return schedstat_at_entry_; }
  std::uint64_t ran_before_entry_ns() const { return std::stoull(schedstat_at_entry_); }
  // The status as wait(2) gives it.
  int Wait() {
    int status = 0;
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }
  // For a child that raises SIGSTOP. The parent hears of it while the child is
  // still on its CPU; a moment later its last slice is booked everywhere.
  void WaitUntilStopped() {
    int status = 0;
    ASSERT_EQ(::waitpid(pid_, &status, WUNTRACED), pid_);
    ASSERT_TRUE(WIFSTOPPED(status));
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
  void Kill() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    Wait();
  }

 private:
  pid_t pid_ = -1;
  std::string schedstat_at_entry_;
};

// Uses so much CPU time of its own, however long that takes on a busy machine.
inline void SpinFor(std::chrono::milliseconds cpu_time) {
  timespec used{};
  do ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  while (std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec) < cpu_time);
}

}  // namespace ballast::test
