#pragma once

// Small files, whole: cgroup control files, /proc, state files. Every error
// names the path.

#include <string>
#include <string_view>

#include "collector/base/result.h"

namespace ballast {

// The whole file. `limit` bounds what a wrong path (a device, a pipe that never
// ends) can cost; a longer file is an error, never a cut text.
Result<std::string> ReadSmallFile(const std::string& path, std::size_t limit = 1 << 20);

// One write(2) of `value` to an existing file, as the kernel's control files
// want it. The errno of a refused value (EINVAL, EBUSY) comes back unchanged.
Result<> WriteControlFile(const std::string& path, std::string_view value);

// All of `content`, however many write(2) calls it takes. `path` is for the error.
Result<> WriteAll(int fd, std::string_view content, const std::string& path);

// Readers see the old file or the new one, never half, also after a power cut:
// temporary file, fsync, rename, fsync of the folder.
Result<> ReplaceFile(const std::string& path, std::string_view content, unsigned mode = 0600);

}  // namespace ballast
