"""One agent in a real runc container, from a busybox root filesystem made here."""
import json
import os
import pathlib
import shutil
import subprocess

CPU, CPUACCT, MEMORY = "cpu", "cpuacct", "memory"


def make_root(folder, agent_binary):
    """A root filesystem: busybox, and the demo agent under its own name and its tools' names."""
    bin_folder = pathlib.Path(folder) / "bin"
    bin_folder.mkdir(parents=True)
    for name in ("proc", "dev", "tmp", "sys"):
        (bin_folder.parent / name).mkdir()
    shutil.copy("/bin/busybox", bin_folder / "busybox")
    (bin_folder / "sh").symlink_to("busybox")
    shutil.copy(agent_binary, bin_folder / "demo_agent")
    for tool in ("pytest", "npm", "cargo"):
        (bin_folder / tool).symlink_to("demo_agent")
    return folder


def spec(root, cgroup_path, args, cpu_quota_us, memory_bytes):
    """An OCI runtime specification (opencontainers/runtime-spec, config.md) with nothing that the demo does not need."""
    capabilities = []
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": 0, "gid": 0},
            "args": args,
            "env": ["PATH=/bin"],
            "cwd": "/",
            "capabilities": {kind: capabilities for kind in ("bounding", "effective", "permitted")},
            "noNewPrivileges": True,
        },
        "root": {"path": str(root), "readonly": True},
        "hostname": "agent",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "size=64m"]},
        ],
        "linux": {
            "cgroupsPath": cgroup_path,
            "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "network")],
            "resources": {
                "cpu": {"quota": cpu_quota_us, "period": 100000, "shares": 1024},
                "memory": {"limit": memory_bytes},
            },
        },
    }


class Container:
    """Made by start(), gone after remove(). `cgroup_path` is absolute, the same below every hierarchy."""

    def __init__(self, folder, root, name, cgroup_path, args, cpu_quota_us=50000, memory_bytes=96 << 20):
        self.id = f"{name}-{os.getpid()}"
        self.name = name
        self.cgroup_path = cgroup_path
        # As cgroups.limits() reads them back: millicores and bytes.
        self.original_limits = (cpu_quota_us // 100, memory_bytes)
        self.state = pathlib.Path(folder) / "runc"
        self.bundle = pathlib.Path(folder) / self.id
        self.bundle.mkdir(parents=True)
        self.output = self.bundle / "output.jsonl"
        (self.bundle / "config.json").write_text(json.dumps(spec(root, cgroup_path, args, cpu_quota_us, memory_bytes)))

    def _runc(self, *args, **options):
        return subprocess.run(["runc", "--root", str(self.state), *args], **options)

    def start(self):
        with open(self.output, "wb") as output, open(self.bundle / "runc.log", "wb") as log:
            done = self._runc("run", "--detach", "--bundle", str(self.bundle), self.id, stdin=subprocess.DEVNULL,
                              stdout=output, stderr=log)
        if done.returncode != 0:
            raise RuntimeError(f"runc could not start {self.id}: {(self.bundle / 'runc.log').read_text().strip()}")
        return self

    def pid(self):
        state = self._runc("state", self.id, capture_output=True, text=True)
        return json.loads(state.stdout)["pid"] if state.returncode == 0 else None

    def is_running(self):
        state = self._runc("state", self.id, capture_output=True, text=True)
        return state.returncode == 0 and json.loads(state.stdout)["status"] == "running"

    def calls(self):
        """What the agent reported, a dictionary per tool call."""
        lines = self.output.read_text().splitlines() if self.output.exists() else []
        return [json.loads(line) for line in lines if line.startswith("{")]

    def remove(self):
        """Kills what runs inside and removes the container with its cgroups and its output."""
        self._runc("delete", "--force", self.id, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.bundle, ignore_errors=True)
