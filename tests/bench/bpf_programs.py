"""Run statistics of BPF programs as the kernel keeps them, and the floor under them: what an empty program costs."""
import contextlib
import ctypes
import json
import os
import pathlib
import struct
import subprocess

SYSCALL_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
PROG_LOAD, RAW_TRACEPOINT_OPEN = 5, 17
RAW_TRACEPOINT = 17
RETURN_0 = struct.pack("<BBhi", 0xB7, 0, 0, 0) + struct.pack("<BBhi", 0x95, 0, 0, 0)
STATS = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")

libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def statistics():
    """Switched on, and back to what it was."""
    before = STATS.read_text()
    STATS.write_text("1")
    try:
        yield
    finally:
        STATS.write_text(before)


def bpf(command, attributes):
    attributes = ctypes.create_string_buffer(attributes, 128)
    fd = libc.syscall(SYSCALL_BPF, command, attributes, 128)
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), f"bpf({command})")
    return fd


@contextlib.contextmanager
def empty_program(tracepoint, name):
    """A program that does nothing, run at every event beside those that are measured."""
    code, licence = ctypes.create_string_buffer(RETURN_0, len(RETURN_0)), ctypes.create_string_buffer(b"GPL")
    head = struct.pack("<IIQQ", RAW_TRACEPOINT, len(RETURN_0) // 8, ctypes.addressof(code), ctypes.addressof(licence))
    program = bpf(PROG_LOAD, head + bytes(24) + name.encode().ljust(16, b"\0"))  # log, version, flags: none
    try:
        where = ctypes.create_string_buffer(tracepoint.encode())
        link = bpf(RAW_TRACEPOINT_OPEN, struct.pack("<QI", ctypes.addressof(where), program))
        yield
        os.close(link)
    finally:
        os.close(program)


def bpftool(*words):
    return json.loads(subprocess.run(["bpftool", "-j", *words], check=True, capture_output=True).stdout)


def global_variable(program, name):
    """A number that the object of the one loaded program of that name keeps in its .bss."""
    for map_id in next(loaded["map_ids"] for loaded in bpftool("prog", "show") if loaded.get("name") == program):
        if bpftool("map", "show", "id", str(map_id))["name"].endswith(".bss"):
            [entry] = bpftool("map", "dump", "id", str(map_id))
            for variable in entry["formatted"]["value"][".bss"]:
                if name in variable:
                    return variable[name]
    raise SystemExit(f"bpf_programs: {program} has no {name}")


def run_statistics():
    """{(program id, name): (runs, nanoseconds)}"""
    programs = bpftool("prog", "show")
    return {(program["id"], program.get("name", "")): (program.get("run_cnt", 0), program.get("run_time_ns", 0))
            for program in programs}


def grown(before, after):
    """What ran in between; a program that began meanwhile counts from zero."""
    return {key: (runs - before.get(key, (0, 0))[0], ns - before.get(key, (0, 0))[1])
            for key, (runs, ns) in after.items()}
