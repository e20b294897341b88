"""Load: wrk, its numbers, and clients of our own for what wrk does not tell."""

import http.client
import re
import threading
import time
from typing import NamedTuple

from support import harness

CONNECTIONS = 32
_SCALE = {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}


class Round(NamedTuple):
    """What one round of load gave: requests a second, latencies in milliseconds, and how many answers there were."""
    speed: float
    p50: float
    p99: float
    requests: int
    failed: int


def wrk(port, path, seconds, script=None, token=None, connections=CONNECTIONS, strict=True):
    """One round. Any answer but 2xx, and any error of a socket, is a failure; `strict`: and ends the run."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    if script:
        command += ["-s", script]
    if token:
        command += ["-H", f"Authorization: Bearer {token}"]
    return _read(harness.run([*command, f"http://127.0.0.1:{port}{path}"], check=True, timeout=seconds + 60).stdout, strict)


def _read(text, strict):
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    failed = int(bad[1] if bad else 0) + sum(map(int, errors.groups() if errors else ()))
    if strict and failed:
        raise AssertionError(f"errors under load: {text}")
    return Round(float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), _latency(text, 50), _latency(text, 99),
                 int(re.search(r"(\d+) requests in", text)[1]), failed)


def _latency(text, percent):
    found = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s|m)\b", text)
    return float(found[1]) * _SCALE[found[2]]


class Probe:
    """One client that asks again and again, with a pause, and remembers how long each answer took."""

    def __init__(self, ask, pause=0.01):
        self.took, self._ask, self._pause, self._stop = [], ask, pause, threading.Event()
        self._error = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self):
        try:
            while not self._stop.wait(self._pause):
                began = time.perf_counter()
                self._ask()
                self.took.append((time.perf_counter() - began) * 1000)
        except BaseException as error:  # shown by stop()
            self._error = error

    def stop(self):
        """The 99th percentile in milliseconds."""
        self._stop.set()
        self._thread.join()
        if self._error:
            raise self._error
        return percentile(self.took, 99)


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


class Crowd:
    """Many clients at once, each with one request at a time, that wait a second after any answer that is no good one."""

    def __init__(self, port, path, clients, seconds):
        self.answers, self._lock = [], threading.Lock()  # (status, whether a problem document with Retry-After, seconds)
        self._port, self._path, self._until = port, path, time.monotonic() + seconds
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self):
        client = harness.Client(self._port, timeout=30)
        while time.monotonic() < self._until:
            began = time.monotonic()
            try:
                got = client.get(self._path)
                answer = (got.status, got.headers.get("content-type") == "application/problem+json"
                          and "retry-after" in got.headers)
            except (OSError, http.client.HTTPException):
                answer = (0, False)
            with self._lock:
                self.answers.append((*answer, time.monotonic() - began))
            if answer[0] != 200:
                time.sleep(1)
        client.close()
