"""Clients that misbehave: answered with a clear error or dropped, and never at the cost of a tick."""
import socket
import threading
import time
import unittest

from harness import StackTest

GARBAGE = [b"\x16\x03\x01\x02\x00\x01\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
           b"GET /" + b"y" * 100_000 + b" HTTP/1.1\r\n\r\n", b"\0" * 1000 + b"\r\n\r\n", b"POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
           b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"]


class HttpSafetyTest(StackTest):
    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.stack.http_port), timeout=10)
        self.addCleanup(client.close)
        return client

    def exchange(self, request):
        with socket.create_connection(("127.0.0.1", self.stack.http_port), timeout=10) as client:
            try:
                client.sendall(request)
                return client.recv(4096)
            except ConnectionError:
                return b""

    def ticks(self):
        """Ticks begun, and those that began over one period late."""
        page = self.get("/metrics")
        value = lambda series: float(next(line for line in page.splitlines() if line.startswith(series + " ")).split()[1])
        return value('ballast_records_total{kind="tick"}'), value("ballast_collector_ticks_late_total")

    def test_clients_that_misbehave_delay_no_tick(self):
        self.stack.start_collector(self.recording)
        time.sleep(2)
        begin, (before, late_before) = time.monotonic(), self.ticks()
        is_over = threading.Event()

        idle = [self.connect() for _ in range(200)]
        slow = [self.connect() for _ in range(20)]
        for client in slow:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHo")
        readers = [self.connect() for _ in range(4)]  # ask for pages and do not read them
        for client in readers:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 20)

        def pester():
            while not is_over.is_set():
                for request in GARBAGE:
                    self.exchange(request)
                    time.sleep(0.01)

        pest = threading.Thread(target=pester)
        pest.start()
        self.addCleanup(pest.join)
        self.addCleanup(is_over.set)
        time.sleep(4)
        after, late_after = self.ticks()
        took = time.monotonic() - begin

        self.assertEqual(len(idle), 200)
        # Ten a second, and the tick's own thread saw nothing of it; a loaded machine may make some late by itself.
        self.assertGreater(after - before, 0.7 * 10 * took)
        self.assertLess(late_after - late_before, 0.3 * 10 * took)
        for request, status in zip(GARBAGE, (b"400", b"400", b"431", b"414", b"400", b"405", b"404", b"413")):
            with self.subTest(request[:30]):
                answer = self.exchange(request)
                self.assertTrue(answer.startswith(b"HTTP/1.1 " + status), answer[:200])
                self.assertIn(b'{"error":"', answer)

    def test_name_of_another_site_is_refused(self):
        self.stack.start_collector(self.recording)

        rebound = self.exchange(b"GET /api/v1/workloads HTTP/1.1\r\nHost: rebound.example.com\r\n\r\n")

        self.assertTrue(rebound.startswith(b"HTTP/1.1 421 "), rebound[:200])
        self.assertIn(b"http.hosts", rebound)


if __name__ == "__main__":
    unittest.main()
