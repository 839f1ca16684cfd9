"""What the flight recorder's file says, through `ballast replay --format json`."""
import json
import subprocess


def stream(ballast, path):
    """Every record as a dictionary, in order, one at a time: recordings can be long."""
    with subprocess.Popen([ballast, "replay", path, "--format", "json"], stdout=subprocess.PIPE, text=True) as replay:
        yield from map(json.loads, replay.stdout)
    if replay.returncode != 0:
        raise subprocess.CalledProcessError(replay.returncode, replay.args)


def read(ballast, path):
    return list(stream(ballast, path))


def events(records, kind):
    return [record for record in records if record.get("event") == kind]


def quantile(values, share):
    """The smallest value that at least `share` of the values do not exceed; None of none."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 100) * len(ordered) // 100) - 1))]


def reactions_ns(records):
    """From the kernel's first refusal to the limit in the file, for every limit that a refusal raised."""
    return [event["fields"]["written_time_ns"] - event["fields"]["trigger_time_ns"]
            for event in events(records, "actuation")
            if event["fields"].get("outcome") == "applied" and "trigger_time_ns" in event["fields"]
            and "written_time_ns" in event["fields"]]
