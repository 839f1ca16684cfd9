#include "collector/runtime/container_info.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "collector/runtime/oci_bundle.h"

namespace ballast::runtime {
namespace {

struct Labels {
  const char* name;
  ContainerInfo info;
  ContainerNames expected;
};
class LabelsTest : public ::testing::TestWithParam<Labels> {};

TEST_P(LabelsTest, NamesAreFound) {
  EXPECT_EQ(NamesOf(GetParam().info, "ballast.agent"), GetParam().expected);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Table, LabelsTest, ::testing::Values(
    Labels{"Docker", {"id", "web", "python:3", {{"ballast.agent", "a-1"}}}, {"web", "python:3", "", "", "", "a-1"}},
    Labels{"Kubelet", {"id", "k8s_app_web", "img", {{"io.kubernetes.pod.name", "web-0"}, {"io.kubernetes.pod.namespace", "prod"}, {"io.kubernetes.container.name", "app"}}}, {"k8s_app_web", "img", "web-0", "prod", "app", ""}},
    Labels{"ContainerdCri", {"id", "", "", {{"io.kubernetes.cri.sandbox-name", "web-0"}, {"io.kubernetes.cri.sandbox-namespace", "prod"}, {"io.kubernetes.cri.container-name", "app"}, {"io.kubernetes.cri.image-name", "img:1"}}}, {"app", "img:1", "web-0", "prod", "app", ""}},
    Labels{"Nothing", {"id", "", "", {}}, {"", "", "", "", "", ""}}),
    [](const auto& row) { return row.param.name; });
// clang-format on

class BundleTest : public ::testing::Test {
 protected:
  BundleTest() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "ballast-bundle.XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~BundleTest() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& folder, const std::string& text) {
    std::filesystem::create_directories(root_ + folder);
    std::ofstream(root_ + folder + "/config.json") << text;
  }
  std::string root_;
};

TEST_F(BundleTest, AnnotationsOfContainerdsTaskAreFound) {
  Write("/run/containerd/io.containerd.runtime.v2.task/k8s.io/abc",
        R"({"ociVersion":"1.0","annotations":{"io.kubernetes.cri.container-name":"app","n":1}})");

  const auto info = ReadBundle(root_, "abc", "");

  ASSERT_TRUE(info);
  EXPECT_EQ(info->labels,
            (std::map<std::string, std::string>{{"io.kubernetes.cri.container-name", "app"}}));
}

TEST_F(BundleTest, CriOsUserdataIsFound) {
  Write("/run/containers/storage/overlay-containers/abc/userdata",
        R"({"annotations":{"io.kubernetes.pod.name":"p"}})");

  EXPECT_TRUE(ReadBundle(root_, "abc", ""));
}

TEST_F(BundleTest, NoBundleBrokenBundleAndWayOutAreNoAnswer) {
  Write("/run/containerd/io.containerd.runtime.v2.task/default/bad", "{\"annotations\":");
  Write("/run/containerd/io.containerd.runtime.v2.task/default/none", "{}");

  for (const char* id : {"absent", "bad", "none", "../x", "", ".."})
    EXPECT_FALSE(ReadBundle(root_, id, "default")) << id;
}

}  // namespace
}  // namespace ballast::runtime
