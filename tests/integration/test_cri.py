"""Pods and containers of a real containerd, told by its CRI socket: its own root, state and socket, a local image, no registry."""
import hashlib
import io
import json
import os
import pathlib
import subprocess
import tarfile

from harness import StackTest

IMAGE = "ballast.test/box:1"
# Network is the host's and the limits of this host's hybrid cgroups apply, so that no plug-in and no privilege is missing.
SETTINGS = """version = 2
root = "{0}/root"
state = "{0}/state"
[grpc]
  address = "{0}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{1}"
  disable_hugetlb_controller = true
  disable_tcp_service = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{0}/cni/bin"
    conf_dir = "{0}/cni/conf"
"""


def add(archive, name, content=b"", **attributes):
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    for key, value in attributes.items():
        setattr(entry, key, value)
    archive.addfile(entry, io.BytesIO(content))


def make_image(path):
    """busybox as an archive in docker's format; `/pause` of a sandbox sleeps."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as files:
        add(files, "bin", type=tarfile.DIRTYPE, mode=0o755)
        add(files, "bin/busybox", pathlib.Path("/bin/busybox").read_bytes(), mode=0o755)
        for name in ("sleep", "sh"):
            add(files, f"bin/{name}", type=tarfile.SYMTYPE, linkname="busybox")
        for name in ("proc", "dev", "sys", "tmp", "etc", "run"):
            add(files, name, type=tarfile.DIRTYPE, mode=0o755)
    config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sleep", "600"], "Env": ["PATH=/bin"]},
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer.getvalue()).hexdigest()]}}
    with tarfile.open(path, "w") as archive:
        add(archive, "layer.tar", layer.getvalue())
        add(archive, "config.json", json.dumps(config).encode())
        add(archive, "manifest.json", json.dumps([{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]).encode())


class CriTest(StackTest):
    def start_containerd(self):
        folder = self.stack.folder / "cri"
        folder.mkdir()
        (folder / "config.toml").write_text(SETTINGS.format(folder, IMAGE))
        log = open(folder / "log", "wb")
        self.addCleanup(log.close)
        daemon = subprocess.Popen(["containerd", "--config", folder / "config.toml"], stdout=log, stderr=log)
        self.addCleanup(lambda: (daemon.terminate(), daemon.wait()))
        self.socket = folder / "containerd.sock"
        self.wait_until("containerd listens", lambda: daemon.poll() is None and self.socket.exists(), 30)
        make_image(folder / "image.tar")
        self.wait_until("it takes the image", lambda: subprocess.run(
            ["ctr", "-a", self.socket, "-n", "k8s.io", "images", "import", "--snapshotter", "native", folder / "image.tar"],
            capture_output=True).returncode == 0, 30)

    def cri_pod(self, *words):
        program = pathlib.Path(os.environ["BALLAST_BUILD"]) / "tests/integration/cri_pod"
        done = subprocess.run([program, self.socket, *words], capture_output=True, text=True, timeout=90)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split()

    def workload(self, container_id):
        found = [w for w in self.get_json("/api/v1/workloads")["workloads"] if w["fields"].get("container_id") == container_id]
        return found[0]["fields"] if found else {}

    def test_pod_of_a_real_containerd_is_named_with_its_agent(self):
        self.start_containerd()
        self.stack.collector_settings = f'[runtime]\nsockets = []\ncri_sockets = ["{self.socket}"]'
        self.stack.start_collector(self.recording)

        pod, container = self.cri_pod("run", f"/{self.prefix.strip('/')}/kubepods", "web-0", "prod", IMAGE)
        self.addCleanup(lambda: self.cri_pod("remove", pod))

        told = self.wait_until("the container is named", lambda: (f := self.workload(container)).get("pod") and f, 30)
        self.assertEqual({key: told.get(key) for key in ("pod", "namespace", "container", "image", "agent")},
                         {"pod": "web-0", "namespace": "prod", "container": "app", "image": IMAGE, "agent": "agent-of-web-0"})
        sandbox = self.wait_until("so is the sandbox", lambda: (f := self.workload(pod)).get("pod") and f, 30)
        self.assertEqual(sandbox["container"], "POD")
        self.assertRegex(self.get("/metrics"), r'container_cpu_usage_seconds_total\{[^}]*container="app",pod="web-0",namespace="prod"')
