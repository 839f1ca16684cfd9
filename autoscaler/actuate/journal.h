#pragma once

// What stood in the control files before Ballast wrote to them. Saved (fsync)
// before the first write of each group, so that after any death of the process
// `ballast release` can put everything back.
//
// The file, replaced as a whole and never half-written:
//
//   ballast-journal 1
//   boot 6c1f...              another boot: nothing in it is true any more
//   group 4711 /sys/fs/cgroup/cpu/web
//   unit web.service unix:path=/run/x   only where systemd owns it; the bus may be missing
//   container 4f0c... /run/docker.sock   only where a runtime is told
//   value cpu.cfs_quota_us -1
//   end 1                     number of groups; its absence is damage
//
// A VM is `group PID qmp:SOCKET` or `group NUMBER libvirt:UUID ADDRESS` (vm_port.h) with the
// values balloon, cpus and, for each disk, drive; libvirt's with quota, shares and reports as well.
//
// `group` is one directory and its inode number (the kernfs id, never reused),
// so that a cgroup made anew under the same path is left alone.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/base/result.h"

namespace ballast::actuate {

struct Original {
  std::string file;  // "cpu.max"
  std::string value;

  friend bool operator==(const Original&, const Original&) = default;
};

struct JournalGroup {
  std::uint64_t inode = 0;
  std::string directory;
  std::vector<Original> originals;
  // The systemd unit that is told of what is put back, and its bus (empty: the system bus); a unit
  // of no name: none.
  std::string unit = {};
  std::string bus = {};
  // The container whose runtime is told as well, and its socket; empty: none.
  std::string container = {};
  std::string runtime_socket = {};

  friend bool operator==(const JournalGroup&, const JournalGroup&) = default;
};

struct Journal {
  std::string boot_id;
  std::vector<JournalGroup> groups;

  friend bool operator==(const Journal&, const Journal&) = default;
};

std::string FormatJournal(const Journal& journal);
// The error says which line is wrong.
Result<Journal> ParseJournal(std::string_view text);

// A file that is not there is an empty journal.
Result<Journal> LoadJournal(const std::string& path);
// Durable when it returns. An empty journal removes the file.
Result<> SaveJournal(const std::string& path, const Journal& journal);

// /proc/sys/kernel/random/boot_id; empty where it cannot be read.
std::string ReadBootId();

}  // namespace ballast::actuate
