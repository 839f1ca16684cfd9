#pragma once

// A block device of the test's own: a loop device on a file, without the page
// cache in between. Gone with its file on destruction.
//
//   LoopDevice disk(64 << 20);
//   int fd = ::open(disk.path().c_str(), O_RDWR | O_DIRECT);

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace ballast::test {

class LoopDevice {
 public:
  explicit LoopDevice(std::uint64_t bytes) {
    file_ = (std::filesystem::temp_directory_path() / "ballast-disk-XXXXXX").string();
    const int file = ::mkstemp(file_.data());
    // Written, not reserved: what was never written is read without any I/O.
    const std::vector<char> block(1 << 20);
    for (std::uint64_t at = 0; at < bytes; at += block.size())
      EXPECT_EQ(::write(file, block.data(), block.size()), static_cast<ssize_t>(block.size()));
    ::fsync(file);
    for (int attempt = 0; attempt < 20 && fd_ < 0; ++attempt) Configure(file);
    EXPECT_GE(fd_, 0) << "no loop device: " << std::strerror(errno);
    ::close(file);
  }
  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;
  ~LoopDevice() {
    ::ioctl(fd_, LOOP_CLR_FD);
    ::close(fd_);
    ::unlink(file_.c_str());
  }

  const std::string& path() const { return path_; }
  // As the kernel counts devices: major << 20 | minor.
  std::uint32_t number() const {
    struct stat status {};
    EXPECT_EQ(::stat(path_.c_str(), &status), 0);
    return major(status.st_rdev) << 20 | minor(status.st_rdev);
  }
  // The kernel's own account, /sys/block/<name>/stat; columns as in
  // Documentation/block/stat.rst.
  std::vector<std::uint64_t> Stat() const {
    std::ifstream in("/sys/block/" + std::filesystem::path(path_).filename().string() + "/stat");
    std::vector<std::uint64_t> columns;
    for (std::uint64_t value = 0; in >> value;) columns.push_back(value);
    return columns;
  }

 private:
  // Somebody else may take the free one in between: then the next is tried.
  void Configure(int file) {
    const int control = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    const int number = ::ioctl(control, LOOP_CTL_GET_FREE);
    ::close(control);
    if (number < 0) return;
    path_ = "/dev/loop" + std::to_string(number);
    if (::access(path_.c_str(), F_OK) != 0)  // no udev here
      ::mknod(path_.c_str(), S_IFBLK | 0600, makedev(7, static_cast<unsigned>(number)));
    const int fd = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
    loop_config config{};
    config.fd = static_cast<__u32>(file);
    config.info.lo_flags = LO_FLAGS_DIRECT_IO | LO_FLAGS_AUTOCLEAR;
    if (::ioctl(fd, LOOP_CONFIGURE, &config) == 0)
      fd_ = fd;
    else
      ::close(fd);
  }

  std::string file_;
  std::string path_;
  int fd_ = -1;
};

}  // namespace ballast::test
