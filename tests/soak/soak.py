"""
Load held while workers are killed, and while they are replaced: what is lost, and what leaks. `make soak` runs it at full
length; test_soak.py runs the same for a few seconds. SOAK_OPTIONS="--seconds 600" changes the sizes; see --help.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from support import harness  # noqa: E402

SANITIZED = "#define BY_ASAN 1" in harness.read(os.path.join(harness.BUILD, "config.h"))
MIB = 1024 * 1024


def start(workers, **env):
    return harness.App(program="tests/integration/peer", workers=workers, prepare=(),
                       env={"ACCESS_LOG": "false", "LOG_LEVEL": "info", **env})


class Loader:
    """tests/soak/load in the background; `result()` waits for its counts."""

    def __init__(self, app, requests=0, seconds=600, connections=32, uri="/api/v1/who", again=False):
        self.process = subprocess.Popen(
            [harness.binary("tests/soak/load"), app.socket_path, uri, str(requests), str(connections), str(int(seconds)),
             *(["again"] if again else [])], stdout=subprocess.PIPE, text=True)

    @property
    def running(self):
        return self.process.poll() is None

    def result(self):
        out, _ = self.process.communicate()
        assert self.process.returncode == 0, self.process.returncode
        counts = json.loads(out)
        print(f"# {out.strip()[:300]}", flush=True)
        # Nothing is forgotten: each request that was sent has one outcome.
        assert counts["sent"] == counts["ok"] + counts["lost"] + counts["failed"], counts
        return counts


class Usage:
    """What a supervisor and its workers hold."""

    def __init__(self, app):
        self.supervisor = app.process.pid
        self.workers = app.workers()
        pids = [self.supervisor, *self.workers]
        self.files = [self._fewest(pid) for pid in pids]
        self.resident = [harness.resident(pid) for pid in pids]
        self.mapped = len(harness.read(f"/proc/{self.supervisor}/maps").splitlines())

    @staticmethod
    def _fewest(pid):
        """Of a moment in which none is open for a connection that ends just now."""
        least = harness.open_files(pid)
        for _ in range(10):
            time.sleep(0.02)
            least = min(least, harness.open_files(pid))
        return least

    def __repr__(self):
        return f"<{len(self.workers)} workers, files {self.files}, MiB {[round(r / MIB, 1) for r in self.resident]}>"

    def check(self, later):
        """`later` is no more than this was: descriptors, memory, mappings, slots."""
        print(f"# before {self}\n# after  {later}", flush=True)
        assert len(later.workers) == len(self.workers), (self, later)
        assert later.files[0] <= self.files[0], (self, later)
        assert max(later.files[1:]) <= max(self.files[1:]), (self, later)
        assert later.mapped <= self.mapped + 2, (self.mapped, later.mapped)
        if not SANITIZED:
            assert later.resident[0] <= self.resident[0] + MIB, (self, later)
            assert max(later.resident[1:]) <= max(self.resident[1:]) + 4 * MIB, (self, later)


def settled(app, workers):
    """All workers are there, none is just being replaced, and one answers."""
    def usage():
        found = Usage(app)
        there = len(found.workers) == workers and found.workers == app.workers()
        return found if there and app.fastcgi("GET", "/ready").status == 200 else None
    return harness.wait_until(usage, f"{workers} workers", 60)


def warmed(app, workers):
    """After every worker has served for a while: buffers and pools have the size that they keep."""
    assert Loader(app, requests=workers * 2000, connections=64).result()["lost"] == 0
    return settled(app, workers)


def told_killed(app):
    """The pids that the supervisor's log says were killed, each with how many requests it ran."""
    return {line["pid"]: line.get("running", 0) for line in app.log_lines()
            if line.get("message") == "worker killed by a signal"}


def requests_of_slots(app):
    """Every request that any worker of this supervisor has ever counted."""
    text = app.fastcgi("GET", "/metrics").body.decode()
    return harness.metric_sum(text, "http_server_request_duration_seconds_count")


def killer(app, pause, every, killed, stop):
    """Kills a worker now and then: not so soon that the brake on crash loops lets none be left."""
    number = 0
    while not stop.wait(random.uniform(0.5, 1.5) * pause):
        workers = app.workers()
        if len(workers) < every:
            continue
        victim = random.choice(workers)
        killed.append(victim)
        os.kill(victim, (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT)[number % 3])
        number += 1


def kills(seconds, workers=4, connections=32, pause=2.0):
    """Load held while workers are killed: every lost request was on a worker that was."""
    app = start(workers)
    before = warmed(app, workers)
    killed, stop = [], threading.Event()
    thread = threading.Thread(target=killer, args=(app, pause, max(1, workers - 1), killed, stop), daemon=True)
    loader = Loader(app, seconds=seconds, connections=connections, uri="/api/v1/who?ms=3")
    thread.start()
    time.sleep(seconds)
    stop.set()
    thread.join()
    counts = loader.result()
    after = settled(app, workers)
    told = told_killed(app)
    assert sorted(told) == sorted(killed), (told, killed)
    assert counts["failed"] == 0 and counts["ok"] > 0, counts
    lost = [pid for pid in counts["lost_of"] if pid]
    assert set(lost) <= set(killed), (set(lost) - set(killed), killed)
    # The first request of a connection, whose worker nobody knew: not more than ran where one was killed.
    unknown = counts["lost"] - len(lost)
    assert unknown <= sum(told.values()), (unknown, told)
    assert counts["lost"] <= len(killed) * connections, counts
    before.check(after)
    assert app.stop(60) == 0
    return len(killed), counts


def replacements(requests, each, workers=16, connections=128):
    """
    Workers that are replaced after so many requests each lose none of them, and leak nothing. A worker serves on until its
    successor is ready, so that many with little to do each are replaced sooner than few with much: requests take 6 ms.
    """
    app = start(workers, WORKER_MAX_REQUESTS=each)
    before = settled(app, workers)
    loader = Loader(app, requests=requests, connections=connections, seconds=24 * 3600, uri="/api/v1/who?ms=6", again=True)
    counts = loader.result()
    after = settled(app, workers)
    assert counts["lost"] == 0 and counts["failed"] == 0 and counts["ok"] == requests, counts
    assert counts["workers"] >= requests / each / 2, f"{counts['workers']} workers have answered; were any replaced?"
    before.check(after)
    total = requests_of_slots(app)
    assert total >= requests, (total, requests)
    assert app.stop(60) == 0
    return counts


def steady(requests, workers=2, connections=64):
    """So many requests on the same workers lose none and leak nothing."""
    app = start(workers)
    before = warmed(app, workers)
    counts = Loader(app, requests=requests, connections=connections, seconds=24 * 3600).result()
    after = settled(app, workers)
    assert counts["lost"] == 0 and counts["failed"] == 0 and counts["ok"] == requests, counts
    assert after.workers == before.workers, (before, after)
    before.check(after)
    assert requests_of_slots(app) >= requests, counts
    assert app.stop(60) == 0
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="of load while workers are killed")
    parser.add_argument("--requests", type=int, default=1_000_000, help="while workers are replaced")
    parser.add_argument("--replacements", type=int, default=1000, help="of workers at least, in those requests")
    parser.add_argument("--only", choices=("kills", "replacements", "steady"))
    options = parser.parse_args()
    if options.only in (None, "kills"):
        number, counts = kills(options.seconds)
        print(f"kills: {number} workers killed in {options.seconds} s, {counts['ok']} answers, {counts['lost']} lost, "
              "each on a killed worker")
    if options.only in (None, "steady"):
        counts = steady(options.requests)
        print(f"steady: {counts['ok']} answers on the same workers in {counts['seconds']} s, none lost, nothing leaked")
    if options.only in (None, "replacements"):
        counts = replacements(options.requests, max(1, options.requests // options.replacements // 2))
        print(f"replacements: {counts['ok']} answers by {counts['workers']} workers in {counts['seconds']} s, none lost, "
              f"{counts['again']} sent again on a new connection, nothing leaked")


if __name__ == "__main__":
    main()
