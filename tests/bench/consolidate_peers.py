"""Consolidation against what a user could pick instead, on the same inputs in the same run: the naive ILP in Cbc and
GLPK, and Debian's ganeti-htools (hbal, hsqueeze). Peers that are not installed are named and left out.

Unit: hosts in use (cost 1 each). Optional packages: coinor-cbc glpk-utils ganeti-htools. SECONDS_EACH=60 changes the limit.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

BUILD = os.environ.get("BALLAST_BUILD", "build/release")
SECONDS = int(os.environ.get("SECONDS_EACH", "20"))


def instance(kind, size, seed):
    text = subprocess.run([f"{BUILD}/tests/bench/consolidate_bench", "--write", kind, str(size), str(seed)],
                          check=True, capture_output=True, text=True).stdout
    return json.loads(text)


def run(command):
    start = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 20)
        return done.stdout + done.stderr, time.monotonic() - start
    except subprocess.TimeoutExpired:
        return "", time.monotonic() - start


def ballast(problem, folder):
    path = f"{folder}/problem.json"
    with open(path, "w") as out:
        json.dump(problem, out)
    text = subprocess.run([f"{BUILD}/dashboards/cli/ballast", "solve", "consolidation", path, "--format", "json",
                           "--time-limit", str(SECONDS)], capture_output=True, text=True).stdout
    answer = json.loads(text)
    return f"{answer['hosts_used']} hosts, bound {answer['lower_bound']}, {answer['status']}, {answer['seconds']:.2f} s"


def write_lp(problem, path):
    """x_i_j and y_j, as a textbook writes it."""
    vms, hosts = problem["vms"], problem["hosts"]
    with open(path, "w") as out:
        out.write("Minimize\n obj: " + " + ".join(f"y{j}" for j in range(len(hosts))) + "\nSubject To\n")
        for i in range(len(vms)):
            out.write(f" place{i}: " + " + ".join(f"x{i}_{j}" for j in range(len(hosts))) + " = 1\n")
        for key, scale in (("cpu", 1), ("memory", 1)):
            for j, host in enumerate(hosts):
                terms = " + ".join(f"{vm[key] / scale:.9g} x{i}_{j}" for i, vm in enumerate(vms))
                out.write(f" {key}{j}: {terms} - {host[key] / scale:.9g} y{j} <= 0\n")
        out.write("Binary\n " + "\n ".join([f"y{j}" for j in range(len(hosts))]
                                           + [f"x{i}_{j}" for i in range(len(vms)) for j in range(len(hosts))]))
        out.write("\nEnd\n")


def cbc(problem, folder):
    write_lp(problem, f"{folder}/naive.lp")
    text, took = run(["cbc", f"{folder}/naive.lp", "sec", str(SECONDS), "solve", "quit"])
    found = re.search(r"Objective value:\s+([\d.]+)", text)
    return f"{float(found[1]):.0f} hosts, {took:.1f} s" if found else f"no placement in {took:.0f} s"


def glpk(problem, folder):
    write_lp(problem, f"{folder}/naive.lp")
    text, took = run(["glpsol", "--lp", f"{folder}/naive.lp", "--tmlim", str(SECONDS), "-o", f"{folder}/out.txt"])
    values = re.findall(r"mip =\s+(\d[\d.e+]*)", text)
    return f"{float(values[-1]):.0f} hosts, {took:.1f} s" if values else f"no placement in {took:.0f} s"


def write_htools(problem, path):
    """ganeti's text backend; sizes in MB and whole CPUs are scaled to thousandths of the largest host."""
    top = {key: max(host[key] for host in problem["hosts"]) for key in ("cpu", "memory")}
    unit = {key: top[key] / 10_000 for key in top}
    size = lambda thing, key: int(-(-thing[key] // unit[key]))  # noqa: E731: rounded up, the safe way
    with open(path, "w") as out:
        out.write("group|id|preferred|\n\n")
        for host in problem["hosts"]:
            mine = [vm for vm in problem["vms"] if vm.get("host") == host["name"]]
            memory, used = int(host["memory"] // unit["memory"]), sum(size(vm, "memory") for vm in mine)
            cores = int(host["cpu"] // unit["cpu"])
            out.write(f"{host['name']}|{memory}|0|{memory - used}|1000000|1000000|{cores}|N|id|1||N|0|0|1.0\n")
        out.write("\n")
        for vm in problem["vms"]:
            out.write(f"{vm['name']}|{size(vm, 'memory')}|0|{size(vm, 'cpu')}|running|Y|{vm['host']}||ext||1|-\n")
        out.write("\n\n|128,1,0,1,1,1|128,1,0,1,1,1;1000000,100000,1000000,1,1,1|plain,ext|1.0|32\n")


def hsqueeze(problem, folder):
    """Prints the nodes that can go offline, one a line, where it finds some."""
    write_htools(problem, f"{folder}/cluster.txt")
    text, took = run(["hsqueeze", "-t", f"{folder}/cluster.txt", "--minimal-resources=0", "--target-resources=0"])
    names = {host["name"] for host in problem["hosts"]}
    off = sum(1 for line in text.splitlines() if line.strip() in names)
    on = len({vm["host"] for vm in problem["vms"]})
    return f"{on - off} hosts, {took:.1f} s" if text else f"no answer in {took:.0f} s"


def hbal(problem, folder):
    """Balances; it never empties a host, so the number of hosts stays."""
    write_htools(problem, f"{folder}/cluster.txt")
    text, took = run(["hbal", "-t", f"{folder}/cluster.txt", "-l", "1000"])
    last = text.strip().splitlines()[-1] if text.strip() else "no answer"
    return f"{len({vm['host'] for vm in problem['vms']})} hosts, {took:.1f} s ({last})"


def main():
    peers = [("naive ILP in Cbc", "cbc", cbc), ("naive ILP in GLPK", "glpsol", glpk)]
    for vms in (20, 40, 60):
        problem = instance("uniform", vms, 1)
        problem["hosts"] = problem["hosts"][:max(10, vms // 2)]
        with tempfile.TemporaryDirectory() as folder:
            print(f"{vms} VMs: ballast: {ballast(problem, folder)}", flush=True)
            for name, program, peer in peers:
                print(f"    {name}: " + (peer(problem, folder) if shutil.which(program) else "not installed"), flush=True)
    problem = instance("fleet", 100, 1)
    for host in problem["hosts"]:
        host["cost"] = 1
    with tempfile.TemporaryDirectory() as folder:
        on = len({vm["host"] for vm in problem["vms"]})
        print(f"fleet of 100 VMs on {on} hosts: ballast: {ballast(problem, folder)}", flush=True)
        for name, peer in (("hsqueeze", hsqueeze), ("hbal", hbal)):
            print(f"    {name}: " + (peer(problem, folder) if shutil.which(name) else "not installed"), flush=True)


if __name__ == "__main__":
    main()
