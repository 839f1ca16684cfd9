"""The demo's processes: started in order, ended in reverse, nothing left behind."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

import cgroups
from container import Container, make_root

REPO = pathlib.Path(__file__).resolve().parents[2]
PREFIX = "/ballast-demo"


class Failed(Exception):
    """What to tell the user, in one line."""


def free_port(wanted):
    """`wanted` if nobody listens there, else one that the kernel picks."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise Failed("no free TCP port on the loopback address")


class Stack:
    """with Stack(build) as stack: stack.start_collector(); ...  Leaving the block ends and removes everything."""

    def __init__(self, build, http_port=9435, prefix=PREFIX, autoscaler_settings="", collector_settings=""):
        self.build = pathlib.Path(build)
        self.prefix = prefix
        self.autoscaler_settings = autoscaler_settings
        self.collector_settings = collector_settings
        self.http_port = http_port
        self.folder = None
        self.ballast = self.build / "dashboards/cli/ballast"
        self.processes = {}
        self.containers = []
        self.vms = []  # measured beside the agents; no autoscaler touches their prefix

    def __enter__(self):
        if os.geteuid() != 0:
            raise Failed("root is needed for eBPF, cgroups and containers; run: sudo ./dev up")
        if shutil.which("runc") is None:
            raise Failed("runc is not installed; run: ./dev setup")
        if any(os.path.isdir(mount + self.prefix) for mount, _ in cgroups.mounts()):
            cgroups.remove_tree(self.prefix)  # empty groups of a run that was killed
            if any(os.path.isdir(mount + self.prefix) for mount, _ in cgroups.mounts()):
                raise Failed(f"cgroup {self.prefix} is in use; is another demo running?")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ballast-demo-"))
        self.root = make_root(self.folder / "root", self.build / "deploy/agents/demo_agent")
        self.http_port = free_port(self.http_port)
        self.autoscaler_port = free_port(self.http_port + 1)
        self.prometheus_port = None
        self.socket = self.folder / "records.sock"
        return self

    def __exit__(self, *_):
        for name in reversed(list(self.processes)):
            self.stop(name)
        for container in self.containers:
            container.remove()
        for vm in self.vms:
            vm.stop()
        cgroups.remove_tree(self.prefix)
        cgroups.remove_tree(self.prefix + "-vms")
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    # Daemons.

    def start(self, name, command):
        log = open(self.folder / f"{name}.log", "ab")
        # A process group of its own: Ctrl-C is this script's to handle, in order.
        self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                start_new_session=True)
        log.close()
        return self.processes[name]

    def stop(self, name, how=signal.SIGTERM, timeout=10):
        """Ends a process and says how it ended; kills it when it does not answer."""
        process = self.processes.pop(name, None)
        if process is None:
            return None
        process.send_signal(how)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None

    def log_of(self, name):
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_for(self, name, ready, seconds=10):
        """Until `ready()`; the process's own last words where it ends or takes too long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if ready():
                return
            if self.processes[name].poll() is not None:
                break
            time.sleep(0.02)
        last = (self.log_of(name).strip().splitlines() or ["it said nothing"])[-1]
        raise Failed(f"{name} did not start: {last}")

    def start_collector(self, records, http_settings=""):
        config = self.folder / "collector.toml"
        config.write_text(f"""
[http]
listen = "127.0.0.1:{self.http_port}"
{http_settings}
[records]
socket = "{self.socket}"
file = "{records}"
[workloads]
prefixes = ["{self.prefix}", "{self.prefix}-vms"]
{self.collector_settings}
""")
        self.start("collector", [self.build / "collector/ballast-collector", "--config", config])
        self.wait_for("collector", self.answers)

    def answers(self):
        with socket.socket() as probe:
            probe.settimeout(1)
            return self.socket.exists() and probe.connect_ex(("127.0.0.1", self.http_port)) == 0

    @property
    def state_folder(self):
        return self.folder / "autoscaler"

    def start_autoscaler(self, mode, through=()):
        """`through`: a command that executes the one it is given."""
        config = self.folder / "autoscaler.toml"
        config.write_text(f"""
mode = "{mode}"
auto_prefixes = ["{self.prefix}"]
state_dir = "{self.state_folder}"
collector_socket = "{self.socket}"
{self.autoscaler_settings}
[http]
listen = "127.0.0.1:{self.autoscaler_port}"
""")
        said_before = len(self.log_of("autoscaler"))
        self.start("autoscaler", [*through, self.build / "autoscaler/ballast-autoscaler", "--config", config])
        # Up when it has said so, not when some time has passed.
        self.wait_for("autoscaler", lambda: "connected to the collector" in self.log_of("autoscaler")[said_before:])

    def start_vm(self, vm):
        self.vms.append(vm)
        return vm.start()

    def start_prometheus(self, port=9090, interval="1s", collectors=None, more_jobs="", features=()):
        """Debian's server with deploy/prometheus, its addresses and interval replaced; keeps its data in our folder."""
        if shutil.which("prometheus") is None:
            raise Failed("prometheus is not installed; run: ./dev setup")
        folder = self.folder / "prometheus"
        shutil.copytree(REPO / "deploy/prometheus", folder, dirs_exist_ok=True)
        targets = collectors or [f"127.0.0.1:{self.http_port}"]
        config = (folder / "prometheus.yml").read_text()
        config = config.replace('"127.0.0.1:9435"', ", ".join(f'"{target}"' for target in targets))
        config = config.replace("127.0.0.1:9436", f"127.0.0.1:{self.autoscaler_port}").replace(": 5s", f": {interval}")
        (folder / "prometheus.yml").write_text(config + more_jobs)
        self.prometheus_port = free_port(port)
        self.start("prometheus", ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                                  f"--web.listen-address=127.0.0.1:{self.prometheus_port}", "--log.level=warn",
                                  *(f"--enable-feature={feature}" for feature in features)])
        self.wait_for("prometheus", self.prometheus_is_ready, 30)

    def prometheus_is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.prometheus_port}/-/ready", timeout=2):
                return True
        except OSError:
            return False

    # Agents.

    def start_agent(self, number, seed, seconds, **limits):
        name = f"agent-{number}"
        container = Container(self.folder, self.root, name, f"{self.prefix}/{name}",
                              ["/bin/demo_agent", str(seed), str(seconds)], **limits)
        self.containers.append(container)
        return container.start()

    def remove_agents(self):
        for container in self.containers:
            container.remove()
        self.containers = []
