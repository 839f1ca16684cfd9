#include "collector/discover/classify.h"

#include <gtest/gtest.h>

#include <ostream>

namespace ballast::discover {

void PrintTo(const Identity& i, std::ostream* out) {
  *out << model::NameOf(i.kind) << ' ' << i.runtime << " path=" << i.path
       << " id=" << i.container_id << " name=" << i.name << " pod=" << i.pod_uid << " qos=" << i.qos
       << " ns=" << i.name_space << " outer=" << i.outer_id;
}

namespace {

using enum model::EntityKind;

// Two container ids and a pod uid, in the lengths of the real ones.
#define ID_A "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define ID_B "b7c16d9a5e2f48310b7c16d9a5e2f48310b7c16d9a5e2f48310b7c16d9a5e2f4"
#define POD "3c9f7f7e-1b2a-4d5c-8e6f-0a1b2c3d4e5f"
#define POD_UNIT "3c9f7f7e_1b2a_4d5c_8e6f_0a1b2c3d4e5f"
#define STATIC_POD "9a8b7c6d5e4f30211203f4e5d6c7b8a9"

struct Row {
  const char* name;
  std::string path;
  Identity expected;
};

std::string NameOfRow(const testing::TestParamInfo<Row>& row) {
  return row.param.name;
}

// The workload is the path's last element unless `rest` of the path lies below it.
Row Case(const char* name, const std::string& workload, Identity expected,
         const std::string& rest = "") {
  expected.path = workload;
  return {name, workload + rest, std::move(expected)};
}

class ClassifyLayoutTest : public testing::TestWithParam<Row> {};

TEST_P(ClassifyLayoutTest, PathNamesTheWorkload) {
  const auto identity = Classify(GetParam().path, {.prefixes = {"/ballast-demo", "/agents/"}});

  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(*identity, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Containers, ClassifyLayoutTest,
    testing::Values(
        Case("docker_cgroupfs", "/docker/" ID_A, {.runtime = "docker", .container_id = ID_A}),
        Case("docker_systemd", "/system.slice/docker-" ID_A ".scope",
             {.runtime = "docker", .container_id = ID_A}),
        Case("docker_unit_text_given_to_cgroupfs", "/system.slice:docker:" ID_A,
             {.runtime = "docker", .container_id = ID_A}),
        Case("docker_own_parent", "/ci/runners/" ID_A, {.runtime = "oci", .container_id = ID_A}),
        Case("cri_containerd_scope",
             "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_UNIT
             ".slice/cri-containerd-" ID_A ".scope",
             {.runtime = "containerd", .container_id = ID_A, .pod_uid = POD, .qos = "burstable"}),
        Case("cri_containerd_colons",
             "/system.slice/containerd.service/kubepods-besteffort-pod" POD_UNIT
             ".slice:cri-containerd:" ID_A,
             {.runtime = "containerd", .container_id = ID_A, .pod_uid = POD, .qos = "besteffort"}),
        Case("ctr_default_namespace", "/default/agent-1",
             {.runtime = "containerd", .container_id = "agent-1", .name_space = "default"}),
        Case("nerdctl_cgroupfs", "/buildfarm/" ID_A,
             {.runtime = "containerd", .container_id = ID_A, .name_space = "buildfarm"}),
        Case("nerdctl_systemd", "/system.slice/nerdctl-" ID_A ".scope",
             {.runtime = "containerd", .container_id = ID_A}),
        Case("crio_scope", "/kubepods.slice/kubepods-pod" POD_UNIT ".slice/crio-" ID_A ".scope",
             {.runtime = "cri-o", .container_id = ID_A, .pod_uid = POD, .qos = "guaranteed"}),
        Case("crio_below_crun",
             "/kubepods.slice/kubepods-pod" POD_UNIT ".slice/crio-" ID_A ".scope",
             {.runtime = "cri-o", .container_id = ID_A, .pod_uid = POD, .qos = "guaranteed"},
             "/container"),
        Case("crio_cgroupfs", "/kubepods/besteffort/pod" POD "/crio-" ID_A,
             {.runtime = "cri-o", .container_id = ID_A, .pod_uid = POD, .qos = "besteffort"}),
        Case("podman_systemd", "/machine.slice/libpod-" ID_A ".scope",
             {.runtime = "podman", .container_id = ID_A}),
        Case("podman_systemd_inner", "/machine.slice/libpod-" ID_A ".scope",
             {.runtime = "podman", .container_id = ID_A}, "/container"),
        Case("podman_cgroupfs", "/libpod_parent/libpod-" ID_A,
             {.runtime = "podman", .container_id = ID_A}),
        Case("podman_in_pod",
             "/machine.slice/machine-libpod_pod_" ID_B ".slice/libpod-" ID_A ".scope",
             {.runtime = "podman", .container_id = ID_A}),
        Case("podman_rootless",
             "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID_A ".scope",
             {.runtime = "podman", .container_id = ID_A}, "/container"),
        Case("kubelet_cgroupfs_burstable", "/kubepods/burstable/pod" POD "/" ID_A,
             {.runtime = "kubernetes", .container_id = ID_A, .pod_uid = POD, .qos = "burstable"}),
        Case("kubelet_cgroupfs_guaranteed", "/kubepods/pod" POD "/" ID_A,
             {.runtime = "kubernetes", .container_id = ID_A, .pod_uid = POD, .qos = "guaranteed"}),
        Case("kubelet_static_pod", "/kubepods/burstable/pod" STATIC_POD "/" ID_A,
             {.runtime = "kubernetes",
              .container_id = ID_A,
              .pod_uid = STATIC_POD,
              .qos = "burstable"}),
        Case("kind_node",
             "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
             "kubelet-kubepods-burstable-pod" POD_UNIT ".slice/cri-containerd-" ID_A ".scope",
             {.runtime = "containerd", .container_id = ID_A, .pod_uid = POD, .qos = "burstable"}),
        Case("lxc_payload", "/lxc.payload.web", {.runtime = "lxc", .name = "web"}),
        Case("lxc_payload_inner", "/lxc.payload.web", {.runtime = "lxc", .name = "web"},
             "/system.slice/ssh.service"),
        Case("proxmox_container", "/lxc/101", {.runtime = "lxc", .name = "101"}, "/ns/init.scope"),
        Case("nspawn_unit", "/machine.slice/systemd-nspawn@build\\x2dbox.service",
             {.runtime = "nspawn", .name = "build-box"}, "/payload"),
        Case("nspawn_scope", "/machine.slice/machine-box.scope",
             {.runtime = "nspawn", .name = "box"}),
        Case("libvirt_lxc", "/machine/lxc-4-db.libvirt-lxc", {.runtime = "libvirt", .name = "db"}),
        Case("ecs", "/ecs/0123456789abcdef0123456789abcdef/" ID_A,
             {.runtime = "ecs", .container_id = ID_A}),
        Case("ecs_fargate",
             "/ecs/0123456789abcdef0123456789abcdef/0123456789abcdef0123456789abcdef-2143719054",
             {.runtime = "ecs", .container_id = "0123456789abcdef0123456789abcdef-2143719054"}),
        Case("slurm_v1", "/slurm/uid_1000/job_77",
             {.runtime = "slurm", .container_id = "77", .name = "job_77"}, "/step_0/task_0"),
        Case("slurm_v2", "/system.slice/slurmstepd.scope/job_77",
             {.runtime = "slurm", .container_id = "77", .name = "job_77"}, "/step_0/user"),
        Case("slurm_v2_named_node", "/system.slice/node3_slurmstepd.scope/job_77",
             {.runtime = "slurm", .container_id = "77", .name = "job_77"}),
        Case("buildkit", "/buildkit/jqv1o8a4bk0t4wxyzhxdr5wcl",
             {.runtime = "buildkit", .container_id = "jqv1o8a4bk0t4wxyzhxdr5wcl"}),
        Case("docker_init_scope", "/docker/" ID_A, {.runtime = "docker", .container_id = ID_A},
             "/init.scope"),
        Case("tool_call_group", "/docker/" ID_A, {.runtime = "docker", .container_id = ID_A},
             "/tool-17"),
        Case("docker_in_docker", "/docker/" ID_B "/docker/" ID_A,
             {.runtime = "docker", .container_id = ID_A, .outer_id = ID_B}),
        Case("pod_in_kind_in_docker",
             "/system.slice/docker-" ID_B
             ".scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" POD_UNIT
             ".slice/cri-containerd-" ID_A ".scope",
             {.runtime = "containerd",
              .container_id = ID_A,
              .pod_uid = POD,
              .qos = "guaranteed",
              .outer_id = ID_B})),
    NameOfRow);

INSTANTIATE_TEST_SUITE_P(
    VirtualMachines, ClassifyLayoutTest,
    testing::Values(
        Case("libvirt_systemd", "/machine.slice/machine-qemu\\x2d3\\x2dci\\x2drunner.scope",
             {.kind = kVm, .runtime = "libvirt", .name = "ci-runner"}),
        Case("libvirt_systemd_vcpu", "/machine.slice/machine-qemu\\x2d3\\x2dci\\x2drunner.scope",
             {.kind = kVm, .runtime = "libvirt", .name = "ci-runner"}, "/libvirt/vcpu0"),
        Case("libvirt_plain", "/machine/qemu-12-web-01.libvirt-qemu",
             {.kind = kVm, .runtime = "libvirt", .name = "web-01"}),
        Case("libvirt_plain_emulator", "/machine/qemu-12-web-01.libvirt-qemu",
             {.kind = kVm, .runtime = "libvirt", .name = "web-01"}, "/emulator"),
        Case("libvirt_without_number", "/machine/qemu-web.libvirt-qemu",
             {.kind = kVm, .runtime = "libvirt", .name = "web"}),
        Case("whatever_a_vmm_makes_below", "/machine/qemu-1-web.libvirt-qemu",
             {.kind = kVm, .runtime = "libvirt", .name = "web"}, "/docker/" ID_A),
        Case("proxmox_vm", "/qemu.slice/104.scope",
             {.kind = kVm, .runtime = "qemu", .name = "104"}),
        Case("e2b", "/e2b/sbx-i7xk2", {.kind = kVm, .runtime = "e2b", .container_id = "i7xk2"}),
        Case("firecracker_jailer", "/firecracker/551e7604",
             {.kind = kVm, .runtime = "firecracker", .container_id = "551e7604"})),
    NameOfRow);

INSTANTIATE_TEST_SUITE_P(
    Slices, ClassifyLayoutTest,
    testing::Values(
        Case("service", "/system.slice/postgresql@15\\x2dmain.service",
             {.kind = kSlice, .runtime = "systemd", .name = "postgresql@15-main.service"}),
        Case("service_inner", "/system.slice/ssh.service",
             {.kind = kSlice, .runtime = "systemd", .name = "ssh.service"}, "/worker"),
        Case("user", "/user.slice/user-1000.slice",
             {.kind = kSlice, .runtime = "systemd", .name = "user-1000.slice"}, "/session-2.scope"),
        Case("configured_prefix", "/ballast-demo/agent-1",
             {.kind = kSlice, .runtime = "cgroup", .name = "agent-1"}),
        Case("configured_prefix_inner", "/ballast-demo/agent-1",
             {.kind = kSlice, .runtime = "cgroup", .name = "agent-1"}, "/tool"),
        Case("configured_prefix_with_slash", "/agents/a",
             {.kind = kSlice, .runtime = "cgroup", .name = "a"}),
        Case("container_in_configured_group", "/ballast-demo/agent-1/docker/" ID_A,
             {.runtime = "docker", .container_id = ID_A, .outer_id = "agent-1"})),
    NameOfRow);

struct Nobody {
  const char* name;
  std::string path;
};
class ClassifyNobodyTest : public testing::TestWithParam<Nobody> {};

TEST_P(ClassifyNobodyTest, PathBelongsToNoWorkload) {
  EXPECT_EQ(Classify(GetParam().path, {.prefixes = {"/ballast-demo"}}), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(
    Paths, ClassifyNobodyTest,
    testing::Values(
        Nobody{"empty", ""}, Nobody{"root", "/"}, Nobody{"docker_parent", "/docker"},
        Nobody{"short_id", "/docker/0f1e2d3c4b5a"},
        Nobody{"upper_case_id",
               "/x/y/0F1E2D3C4B5A69788796A5B4C3D2E1F00F1E2D3C4B5A69788796A5B4C3D2E1F0"},
        Nobody{"crio_conmon",
               "/kubepods.slice/kubepods-pod" POD_UNIT ".slice/crio-conmon-" ID_A ".scope"},
        Nobody{"podman_conmon", "/machine.slice/libpod-conmon-" ID_A ".scope"},
        Nobody{"conmon_is_no_unit_either", "/system.slice/crio-conmon-" ID_A ".scope"},
        Nobody{"podman_conmon_cgroupfs", "/libpod_parent/conmon"},
        Nobody{"lxc_monitor", "/lxc.monitor.web"},
        Nobody{"lxc_monitor_beside_containers", "/lxc/lxc.monitor.web"},
        Nobody{"pod_slice",
               "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_UNIT ".slice"},
        Nobody{"pod_group", "/kubepods/burstable/pod" POD}, Nobody{"system_slice", "/system.slice"},
        Nobody{"mount_unit", "/system.slice/tmp.mount"}, Nobody{"init", "/init.scope"},
        Nobody{"prefix_itself", "/ballast-demo"}, Nobody{"like_the_prefix", "/ballast-demo2/agent"},
        Nobody{"plain_group", "/process_api/32e1f5bbb393b87c8f6423358f48feef"},
        Nobody{"machine_without_name", "/machine.slice/machine-.scope"}),
    [](const auto& row) { return row.param.name; });

TEST(ClassifyTest, ExcludedPathIsNobody) {
  const ClassifyOptions options{.exclude = {"/system.slice/*"}};

  EXPECT_EQ(Classify("/system.slice/ssh.service", options), std::nullopt);
  EXPECT_TRUE(Classify("/user.slice/user-1.slice", options).has_value());
}

TEST(ClassifyTest, IncludeLeavesOutAllOthers) {
  const ClassifyOptions options{.include = {"/docker/*"}};

  EXPECT_TRUE(Classify("/docker/" ID_A, options).has_value());
  EXPECT_EQ(Classify("/system.slice/ssh.service", options), std::nullopt);
}

TEST(ClassifyTest, PatternsJudgeTheWorkloadNotItsInnerGroup) {
  const ClassifyOptions options{.exclude = {"*/tool"}};

  EXPECT_TRUE(Classify("/docker/" ID_A "/tool", options).has_value());
}

TEST(ClassifyTest, SlicesCanBeSwitchedOff) {
  EXPECT_EQ(Classify("/system.slice/ssh.service", {.slices = {}}), std::nullopt);
}

TEST(ClassifyTest, BrokenEscapeStaysAsItIs) {
  const auto identity = Classify("/system.slice/a\\x2.service", {});

  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->name, "a\\x2.service");
}

TEST(ClassifyTest, VeryDeepPathStillRollsUp) {
  std::string path = "/docker/" ID_A;
  for (int i = 0; i < 1000; ++i) path += "/x";

  const auto identity = Classify(path, {});

  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->path, "/docker/" ID_A);
}

}  // namespace
}  // namespace ballast::discover
