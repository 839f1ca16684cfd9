#!/usr/bin/env python3
"""Fails when an #include or a CMake DEPENDS points where it may not. The tables below are the architecture.

usage: check_layers.py ROOT
A wrong include is one line that names both folders. So is a folder with code that no table names, and a library's
header outside the one folder that may know it.
"""
import pathlib
import re
import sys

BASE, MODEL, ABI = "collector/base", "collector/model", "bpf/abi"
CONFIG, NET, METRICS = "collector/config", "collector/net", "collector/metrics"
RUNTIME, SOURCE, DISCOVER = "collector/runtime", "collector/source", "collector/discover"
RECORD, EXPORT, SERVE = "collector/record", "collector/export", "collector/serve"
PIPELINE, DOCTOR = "collector/pipeline", "collector/doctor"
FORECAST, ALLOCATE, CONSOLIDATE = "autoscaler/forecast", "autoscaler/allocate", "autoscaler/consolidate"
PLAN, GUARD, ACTUATE = "autoscaler/plan", "autoscaler/guard", "autoscaler/actuate"
CONTROL, SIMULATE = "autoscaler/control", "autoscaler/simulate"
CLI = "dashboards/cli"

# folder: folders it may include, besides itself. The longest matching folder counts.
MAY_USE = {
    ABI: [],
    BASE: [],
    MODEL: [BASE],
    CONFIG: [BASE],
    METRICS: [BASE],
    NET: [BASE, CONFIG],
    RUNTIME: [BASE, NET],
    SOURCE: [BASE, MODEL, ABI],
    SOURCE + "/vmm": [BASE, MODEL, ABI, SOURCE, RUNTIME],
    DISCOVER: [BASE, MODEL, RUNTIME],
    RECORD: [BASE, MODEL],
    PIPELINE: [BASE, MODEL, SOURCE, DISCOVER, RECORD],
    EXPORT: [BASE, MODEL, METRICS],
    SERVE: [BASE, MODEL, CONFIG, NET, METRICS, RECORD, EXPORT],
    DOCTOR: [BASE, MODEL, SOURCE, SERVE],
    ALLOCATE: [BASE],
    CONSOLIDATE: [BASE],
    FORECAST: [BASE, MODEL],
    GUARD: [BASE, MODEL],
    PLAN: [BASE, MODEL, CONSOLIDATE],
    ACTUATE: [BASE, MODEL, NET, RUNTIME],
    CONTROL: [FORECAST, ALLOCATE, CONSOLIDATE, PLAN, GUARD, ACTUATE, SIMULATE,
              BASE, MODEL, CONFIG, NET, METRICS, RECORD],
    SIMULATE: [FORECAST, ALLOCATE, GUARD, CONTROL, ACTUATE, BASE, MODEL, RECORD],
    CLI: [BASE, MODEL, CONFIG, NET, METRICS, RUNTIME, DISCOVER, RECORD, EXPORT, SERVE,
          FORECAST, ALLOCATE, CONSOLIDATE, PLAN, GUARD, ACTUATE, CONTROL, SIMULATE],
}

# A library appears in one folder (STYLE.md, section 2).
ONLY_IN = {
    r"bpf/(lib)?bpf\.h|bpf/btf\.h": ["collector/source/bpf"],
    r"prometheus/.*": [METRICS],
    r"boost/(asio|beast)/.*": [NET],
    r"openssl/.*|zlib\.h|crypt\.h": [NET],
    r"systemd/.*": [RUNTIME],
    r"spdlog/.*": [BASE],
    r"libvirt/.*|nghttp2/.*": [RUNTIME],
    r"n?curses\.h": [CLI],
    r"Clp.*|Coin.*|Cbc.*|Osi.*": [CONSOLIDATE],
}

# Programs wire everything together; they are single files, not folders.
MAINS = {"collector/main.cpp", "autoscaler/main.cpp"}
TREES = ("bpf/abi", "collector", "autoscaler", "dashboards/cli")
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)


def layer(path):
    """The folder of the table that `path` belongs to, or None."""
    hits = [f for f in MAY_USE if path == f or path.startswith(f + "/")]
    return max(hits, key=len, default=None)


def allowed(here, there):
    # A sub-folder is part of its parent: source/bpf may include source/source.h.
    return there == here or there in MAY_USE[here] or here.startswith(there + "/")


def check_file(name, text):
    here = layer(name)
    if here is None:
        yield f"{name}: its folder is in no row of check_layers.py; add a row, which is an architecture decision"
        return
    for quoted, angled in INCLUDE.findall(text):
        there = layer(quoted) if quoted else None
        if there and not allowed(here, there):
            yield f"{name}: {here} may not include {there} ({quoted})"
        for pattern, homes in ONLY_IN.items():
            if re.fullmatch(pattern, quoted or angled) and not any(name.startswith(home + "/") for home in homes):
                yield f"{name}: <{quoted or angled}> belongs to {' and '.join(homes)} alone"


def check_cmake(name, text):
    for module in re.finditer(r"ballast_module\(([^)]*)\)", text):
        words = module.group(1).split()
        here, there, on = layer(words[0]), [], False
        for word in words[1:]:
            on = word == "DEPENDS" if word.isupper() else on
            if on and word != "DEPENDS":
                there.append(word)
        for target in there:
            if here is None or layer(target) is None or not allowed(here, layer(target)):
                yield f"{name}: {words[0]} may not depend on {target}"


def check(root):
    bad = []
    for tree in TREES:
        for path in sorted((root / tree).rglob("*")):
            name = str(path.relative_to(root))
            if path.suffix in {".h", ".cpp"} and name not in MAINS:
                bad += check_file(name, path.read_text())
            elif path.name == "CMakeLists.txt":
                bad += check_cmake(name, path.read_text())
    return bad


if __name__ == "__main__":
    problems = check(pathlib.Path(sys.argv[1]))
    print("\n".join(problems) or "layers: no wrong include")
    sys.exit(1 if problems else 0)
