#include "collector/base/file.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

namespace ballast {
namespace {

class FileTest : public ::testing::Test {
 protected:
  FileTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ballast-file.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~FileTest() override { std::filesystem::remove_all(folder_); }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  std::string folder_;
};

TEST_F(FileTest, ReplacedFileReadsBackWhole) {
  ASSERT_TRUE(ReplaceFile(Path("state"), "one"));
  ASSERT_TRUE(ReplaceFile(Path("state"), "two, longer"));

  EXPECT_EQ(*ReadSmallFile(Path("state")), "two, longer");
  EXPECT_FALSE(std::filesystem::exists(Path("state.new")));
}

TEST_F(FileTest, FileAboveTheLimitIsAnErrorNotACut) {
  ASSERT_TRUE(ReplaceFile(Path("big"), std::string(100, 'x')));

  const auto read = ReadSmallFile(Path("big"), 99);

  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code().value(), EFBIG);
}

TEST_F(FileTest, MissingFileNamesThePath) {
  const auto read = ReadSmallFile(Path("absent"));

  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().ToString(), Path("absent") + ": No such file or directory");
}

TEST_F(FileTest, ControlFileIsNeverCreated) {
  EXPECT_FALSE(WriteControlFile(Path("cpu.max"), "max 100000"));
  EXPECT_FALSE(std::filesystem::exists(Path("cpu.max")));
}

}  // namespace
}  // namespace ballast
