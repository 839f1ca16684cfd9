"""What records that arrive damaged or cut do to the limits: between the collector and the autoscaler stands this test."""
import os
import signal
import socket
import struct
import threading
import unittest

import cgroups
from harness import StackTest, limits

MAGIC = b"BLR1"
HEADER = 16
EVENT = 2
BUSY = "while true; do npm 40 300; sleep 1; done"


class Meddler:
    """Passes bytes both ways; `meddle(frame) -> bytes` has each frame of the collector in its hands while it is set."""

    def __init__(self, path, target):
        self.target = str(target)
        self.meddle = None
        self.connections = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(8)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            threading.Thread(target=self.pump, args=(client, server), daemon=True).start()
            threading.Thread(target=self.pump_frames, args=(server, client), daemon=True).start()

    @staticmethod
    def end(*sockets):
        for each in sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def pump(self, source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
        except OSError:
            pass
        self.end(source, sink)

    def pump_frames(self, source, sink):
        held = b""
        try:
            while data := source.recv(1 << 16):
                held += data
                while len(held) >= HEADER and len(held) >= (size := HEADER + struct.unpack_from("<I", held, 4)[0]):
                    frame, held = held[:size], held[size:]
                    meddle = self.meddle
                    sink.sendall(meddle(frame) if meddle else frame)
        except OSError:
            pass
        self.end(source, sink)

    def close(self):
        self.meddle = None
        self.listener.close()


class TornRecordsTest(StackTest):
    def start_all(self):
        self.stack.start_collector(self.recording)
        path = self.stack.folder / "meddler.sock"
        self.meddler = Meddler(path, self.stack.socket)
        self.addCleanup(self.meddler.close)
        real, self.stack.socket = self.stack.socket, path
        self.stack.start_autoscaler("auto")
        self.stack.socket = real
        self.container = self.start_container(BUSY)
        self.wait_until("the autoscaler changed a limit", lambda: limits(self.container) != self.container.original_limits, 20)

    def damage_birth_of_second(self, damage, said):
        """The frame that a second container's birth is in is damaged: it must be known all the same, at once."""
        self.start_all()
        self.assertEqual(self.meddler.connections, 1)
        watch = cgroups.LimitWatch([self.container.cgroup_path])
        watch.start()
        spoilt = []

        def meddle(frame):
            if spoilt or frame[13] != EVENT or b"/test-2" not in frame:
                return frame
            spoilt.append(len(frame))
            return damage(frame)

        self.meddler.meddle = meddle
        second = self.start_container(BUSY, 2)

        self.wait_until("the birth was spoilt", lambda: spoilt)
        self.wait_until("it is said", lambda: said in self.stack.log_of("autoscaler"))
        self.wait_until("the whole state is asked for again", lambda: self.meddler.connections == 2)
        # The next key record would tell it in ten seconds; limits of a new one are first lowered after one.
        self.wait_until("the second one is known", lambda: limits(second) != second.original_limits, 8)
        watch.stop()
        self.assert_kept(watch)
        self.assertEqual(self.stack.log_of("autoscaler").count(said), 1)
        self.wait_until("it is an event", lambda: any(said in event["fields"].get("text", "") for event in self.events("autoscaler")))
        self.assertEqual(self.stack.stop("autoscaler", signal.SIGTERM), 0)
        for container in (self.container, second):
            self.assertEqual(cgroups.oom_kills(container.cgroup_path), 0)
            self.assertEqual(limits(container), container.original_limits)

    def assert_kept(self, watch):
        """Whatever was read: no limit is lost, and none is above what the host has."""
        host = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        memory = watch.history[self.container.cgroup_path]["memory"]
        self.assertNotIn(None, memory)
        self.assertLessEqual(max(memory), host)

    def test_damaged_byte_is_said_and_read_again_from_the_whole_state(self):
        def flip(frame):
            middle = HEADER + (len(frame) - HEADER) // 2
            return frame[:middle] + bytes([frame[middle] ^ 0x10]) + frame[middle + 1:]

        self.damage_birth_of_second(flip, "records arrived damaged")

    def test_record_that_is_cut_is_said_and_read_again_from_the_whole_state(self):
        self.damage_birth_of_second(lambda frame: frame[:len(frame) // 2], "records arrived damaged")

    def test_length_that_promises_too_much_does_not_blind_it(self):
        self.damage_birth_of_second(lambda frame: MAGIC + struct.pack("<I", 32 << 20) + frame[8:],
                                    "a record was cut and never ended")


if __name__ == "__main__":
    unittest.main()
