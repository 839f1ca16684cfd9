#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ballast::test {

// A cgroup tree in a temporary folder, written as it looks:
//
//   FakeCgroupfs tree;
//   tree.Group("web", {{"cpu.max", "50000 100000"}, {"cpu.weight", "100"}});
//   tree.Group("web/worker-1", {{"memory.current", "1048576"}});
//
// Every value ends in the newline the kernel writes. Removed on destruction.
class FakeCgroupfs {
 public:
  struct File {
    std::string_view name;
    std::string_view value;
  };

  FakeCgroupfs() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "ballast-cgroupfs-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
    root_ = pattern;
  }
  ~FakeCgroupfs() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  FakeCgroupfs(const FakeCgroupfs&) = delete;
  FakeCgroupfs& operator=(const FakeCgroupfs&) = delete;

  const std::filesystem::path& root() const { return root_; }

  void Group(std::string_view path, std::initializer_list<File> files = {}) {
    std::filesystem::create_directories(root_ / path);
    for (const File& file : files) Write(path, file);
  }

  // Also how a test plays the kernel, or another writer: change a value between two reads.
  void Write(std::string_view path, const File& file) {
    std::ofstream out(root_ / path / file.name);
    out << file.value << '\n';
    if (!out.flush()) throw std::runtime_error("write " + std::string(file.name));
  }

  // Without the newline.
  std::string Read(std::string_view path, std::string_view name) const {
    std::ifstream in(root_ / path / name);
    std::string text(std::istreambuf_iterator<char>(in), {});
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }

  // Reads still work, writes fail with ENOSPC: a value that the kernel refuses.
  void RefuseWrites(std::string_view path, std::string_view name) {
    std::filesystem::remove(root_ / path / name);
    std::filesystem::create_symlink("/dev/full", root_ / path / name);
  }

  void Remove(std::string_view path) { std::filesystem::remove_all(root_ / path); }

  // What the kernel would give as the cgroup's id.
  std::uint64_t Inode(std::string_view path) const {
    struct stat info {};
    if (::stat((root_ / path).c_str(), &info) != 0)
      throw std::runtime_error("stat " + std::string(path));
    return info.st_ino;
  }

 private:
  std::filesystem::path root_;
};

}  // namespace ballast::test
