"""The demo's own look at the cgroup files: the witness for what the daemons claim."""
import os
import pathlib
import threading
import time


def mounts():
    """[(mount point, set of v1 controllers or None for cgroup2)], from /proc/self/mountinfo."""
    found = []
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ", 1)
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup2":
            found.append((before.split()[4], None))
        elif kind == "cgroup":
            found.append((before.split()[4], set(options.split(","))))
    return found


def directory(path, controller):
    """(directory, is_v2) of the group `path` for a controller; None where there is none."""
    for mount, controllers in mounts():
        if controllers is not None and controller in controllers and os.path.isdir(mount + path):
            return mount + path, False
    for mount, controllers in mounts():
        if controllers is None and os.path.exists(f"{mount}{path}/{controller}.max"):
            return mount + path, True
    return None


def read(path):
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return None


def cpu_limit_millicores(path):
    """None: no limit, or no group."""
    place = directory(path, "cpu")
    if place is None:
        return None
    if place[1]:
        quota, period = (read(f"{place[0]}/cpu.max") or "max 100000").split()
    else:
        quota, period = read(f"{place[0]}/cpu.cfs_quota_us"), read(f"{place[0]}/cpu.cfs_period_us")
    if quota in ("max", "-1", None) or not period:
        return None
    return int(quota) * 1000 // int(period)


def memory_limit_bytes(path):
    place = directory(path, "memory")
    if place is None:
        return None
    value = read(f"{place[0]}/memory.max") if place[1] else read(f"{place[0]}/memory.limit_in_bytes")
    # v1 writes "no limit" as the largest page counter.
    return None if value in ("max", None) or int(value) >= 1 << 62 else int(value)


def memory_used(path):
    place = directory(path, "memory")
    return place and int(read(f"{place[0]}/{'memory.current' if place[1] else 'memory.usage_in_bytes'}") or 0)


def limits(path):
    """(millicores, bytes)"""
    return cpu_limit_millicores(path), memory_limit_bytes(path)


def throttled_ns(path):
    """The kernel's own count of throttled time: cpu.stat."""
    place = directory(path, "cpu")
    text = place and read(f"{place[0]}/cpu.stat")
    for line in (text or "").splitlines():
        name, value = line.split()
        if name == "throttled_usec":
            return int(value) * 1000
        if name == "throttled_time":
            return int(value)
    return None


def throttled_periods(path):
    """The kernel's own count of periods in which the quota was used up."""
    place = directory(path, "cpu")
    text = place and read(f"{place[0]}/cpu.stat")
    return next((int(line.split()[1]) for line in (text or "").splitlines() if line.startswith("nr_throttled")), None)


def oom_kills(path):
    place = directory(path, "memory")
    text = place and read(f"{place[0]}/{'memory.events' if place[1] else 'memory.oom_control'}")
    for line in (text or "").splitlines():
        name, value = line.split()
        if name == "oom_kill":
            return int(value)
    return None


def is_frozen(path):
    """Told to freeze, by either hierarchy."""
    for mount, controllers in mounts():
        if controllers is None and read(f"{mount}{path}/cgroup.freeze") == "1":
            return True
        if controllers is not None and "freezer" in controllers and read(f"{mount}{path}/freezer.state") not in (None, "THAWED"):
            return True
    return False


class LimitWatch(threading.Thread):
    """Reads the limits of some groups every 50 ms, so that what is said of them can be compared with the files."""

    def __init__(self, paths):
        super().__init__(daemon=True)
        self.history = {path: {"cpu": [], "memory": []} for path in paths}
        self._over = threading.Event()

    def run(self):
        while not self._over.is_set():
            for path, seen in self.history.items():
                for kind, value in zip(("cpu", "memory"), limits(path)):
                    if not seen[kind] or seen[kind][-1] != value:
                        seen[kind].append(value)
            time.sleep(0.05)

    def stop(self):
        self._over.set()
        self.join()

    def rises_and_falls(self, kind):
        """How often a limit rose and fell, over all groups."""
        rises = falls = 0
        for seen in self.history.values():
            values = [value for value in seen[kind] if value is not None]
            rises += sum(after > before for before, after in zip(values, values[1:]))
            falls += sum(after < before for before, after in zip(values, values[1:]))
        return rises, falls


def remove_tree(path):
    """Removes a group that the demo made, below every hierarchy, deepest first."""
    for mount, _ in mounts():
        top = mount + path
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass
