"""Names, images and labels from a Docker API socket, as a daemon that the test plays gives them."""
import http.server
import json
import socketserver
import threading

from harness import StackTest
from container import Container

CONTAINER_ID = "ba11a57" + "0" * 57
LISTED = [{"Id": CONTAINER_ID, "Names": ["/web"], "Image": "python:3",
           "Labels": {"ballast.agent": "agent-7", "io.kubernetes.pod.name": "web-0", "io.kubernetes.pod.namespace": "prod",
                      "io.kubernetes.container.name": "app"}}]


class Docker(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path):
        self.listed = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):
                body = json.dumps(self.listed if handler.path.startswith("/containers/json") else {}).encode()
                handler.send_response(200)
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(handler, *_):
                pass

        super().__init__(path, Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class RuntimeNamesTest(StackTest):
    def setUp(self):
        super().setUp()
        self.socket = str(self.stack.folder / "docker.sock")
        self.stack.collector_settings = f'[runtime]\nsockets = ["{self.socket}"]'

    def start_docker_like(self):
        """A container where Docker's systemd driver would put it."""
        container = Container(self.stack.folder, self.stack.root, "web", f"{self.prefix}/docker-{CONTAINER_ID}.scope",
                              ["/bin/sh", "-c", "sleep 600"])
        self.stack.containers.append(container)
        return container.start()

    def fields(self, container):
        found = [w["fields"] for w in self.get_json("/api/v1/workloads")["workloads"] if w.get("path") == container.cgroup_path]
        return found[0] if found else {}

    def test_labels_of_a_running_daemon_name_the_container(self):
        docker = Docker(self.socket)
        self.addCleanup(docker.shutdown)
        docker.listed = LISTED
        self.stack.start_collector(self.recording)
        container = self.start_docker_like()

        told = self.wait_until("it has its name", lambda: (f := self.fields(container)).get("name") == "web" and f, 30)

        self.assertEqual({key: told.get(key) for key in ("image", "pod", "namespace", "container", "agent", "runtime")},
                         {"image": "python:3", "pod": "web-0", "namespace": "prod", "container": "app", "agent": "agent-7",
                          "runtime": "docker"})
        self.assertIn('name="web"', self.get("/metrics"))

    def test_without_a_daemon_it_is_measured_and_named_when_one_comes(self):
        self.stack.start_collector(self.recording)
        container = self.start_docker_like()
        self.wait_until("it is measured", lambda: self.fields(container).get("memory_usage_bytes"), 30)
        self.assertNotIn("image", self.fields(container))

        docker = Docker(self.socket)
        self.addCleanup(docker.shutdown)
        docker.listed = LISTED

        self.wait_until("it has its name", lambda: self.fields(container).get("name") == "web", 60)

    def test_daemon_that_hangs_delays_nothing(self):
        hanging = socketserver.ThreadingUnixStreamServer(self.socket, socketserver.BaseRequestHandler, bind_and_activate=False)
        self.addCleanup(hanging.server_close)
        hanging.server_bind()
        hanging.server_activate()  # accepts in the kernel, and nobody answers
        self.stack.start_collector(self.recording)
        container = self.start_docker_like()

        self.wait_until("it is measured", lambda: self.fields(container).get("memory_usage_bytes"), 30)

        before = self.get_json("/api/v1/status")["sequence"]
        self.wait_until("ticks go on", lambda: self.get_json("/api/v1/status")["sequence"] > before + 10, 30)
