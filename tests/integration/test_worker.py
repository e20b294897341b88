"""
What one worker does by itself: how many requests it lets run and wait, what it says of slow and stalled ones, and how it
takes turns. The workers here are alone on a socket that the test passes them, as a web server would.
"""

import contextlib
import json
import os
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from support import fastcgi, harness
from support.fastcgi import PARAMS, STDIN, begin, environment, pairs, stream

STALLED = 75  # the exit code of a worker that gives up


class Worker:
    """One worker on a listening socket of its own."""

    def __init__(self, **env):
        self.directory = harness.directory("worker")
        self.socket_path, self.log = os.path.join(self.directory, "s"), os.path.join(self.directory, "log")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.socket_path)
            listener.listen(4096)
            self.process = harness.Process(
                [harness.binary("tests/integration/peer")], self.log, stdin=listener, cwd=self.directory,
                env=harness.base_environment(**{**dict(APP_ENV="dev", DATA_DIR=self.directory), **env}))
        assert self.get(env.get("BASE_PATH", "") + "/live").status == 200

    def connect(self, timeout=10):
        return fastcgi.Connection(self.socket_path, timeout * harness.SLOW)

    def get(self, uri, timeout=10, **more):
        return fastcgi.request(self.socket_path, "GET", uri, timeout=timeout * harness.SLOW, **more)

    def send(self, uri, **more):
        """A connection with a whole request in it, whose answer is not read yet."""
        connection = self.connect(30)
        connection.send(whole(uri, **more))
        return connection

    def lines(self, message):
        found = []
        for line in harness.read(self.log).splitlines():
            with contextlib.suppress(ValueError):
                parsed = json.loads(line)
                if parsed.get("message") == message:
                    found.append(parsed)
        return found

    def metric(self, name, **labels):
        wanted = (name, frozenset(labels.items()))
        return harness.metrics(self.get("/metrics").body.decode()).get(wanted, 0)

    def running(self, count):
        """Waits until so many requests of the routes run in it."""
        harness.wait_until(lambda: self.metric("http_server_active_requests") == count + 1, f"{count} requests run")


def whole(uri, method="GET", body=b"", **more):
    return begin() + stream(PARAMS, pairs(environment(method, uri, None, body, **more))) + stream(STDIN, body)


def check_refusal(answer, slug="overloaded"):
    problem = harness.check_problem(answer, 503, slug)
    assert int(answer.headers["retry-after"]) >= 1, answer
    assert problem["request_id"], problem
    return problem


def timed(work):
    begun = time.monotonic()
    return work(), time.monotonic() - begun


# ---- how many run, and how many wait ------------------------------------------

def test_queue():
    """beyond REQUESTS_MAX requests wait, and run in the order they came"""
    worker = Worker(REQUESTS_MAX=1, QUEUE_MAX=10)
    first = worker.send("/api/v1/nap?ms=300")
    worker.running(1)
    others = [worker.send("/api/v1/nap?ms=0", HTTP_X_REQUEST_ID=f"turn-{number}") for number in range(5)]
    for connection in [first, *others]:
        assert connection.read_answer().status == 200
    def ended():
        lines = [json.loads(line) for line in harness.read(worker.log).splitlines() if '"access"' in line]
        order = [line["request_id"] for line in lines if line["request_id"].startswith("turn-")]
        return order if len(order) == 5 else None
    assert harness.wait_until(ended, "access lines") == [f"turn-{number}" for number in range(5)]
    assert worker.metric("banyan_queue_wait_seconds_count") >= 6
    assert worker.metric("banyan_queue_wait_seconds_sum") >= 0.2
    assert worker.process.stop() == 0


def test_long_queue():
    """hundreds of requests that wait are all answered when there is room"""
    worker = Worker(REQUESTS_MAX=1, QUEUE_MAX=1000)
    first = worker.send("/api/v1/nap?ms=500")
    worker.running(1)
    waiting = [worker.send("/api/v1/nap?ms=0") for _ in range(400)]
    for connection in [first, *waiting]:
        with connection:
            assert connection.read_answer().status == 200


def test_queue_full():
    """beyond QUEUE_MAX a request is answered 503 with Retry-After at once, and its connection is kept"""
    worker = Worker(REQUESTS_MAX=1, QUEUE_MAX=2, QUEUE_TIMEOUT="60s")
    first = worker.send("/api/v1/nap?ms=60000")
    worker.running(1)
    waiting = [worker.send("/api/v1/nap?ms=0") for _ in range(2)]
    with worker.connect() as connection:
        answer, took = timed(lambda: connection.request(uri="/api/v1/nap?ms=0"))
        check_refusal(answer)
        assert took < 0.5 * harness.SLOW, took
        check_refusal(connection.request(uri="/api/v1/nap?ms=0"))
    assert worker.metric("banyan_requests_refused_total", reason="queue_full") == 2
    first.close()  # the web server gives the running one up: those that wait get their turn
    for connection in waiting:
        assert connection.read_answer().status == 200


def test_queue_timeout():
    """one that has waited for QUEUE_TIMEOUT is answered 503 within 50 ms of it"""
    worker = Worker(REQUESTS_MAX=1, QUEUE_TIMEOUT="400ms")
    first = worker.send("/api/v1/nap?ms=60000")
    worker.running(1)
    waits = []
    for _ in range(5):
        answer, took = timed(lambda: worker.get("/api/v1/nap?ms=0"))
        check_refusal(answer)
        waits.append(took)
    # The first one's REQUEST_TIMEOUT is far away, so each waited in vain for its time.
    assert all(0.35 <= took for took in waits) and sorted(waits)[2] <= 0.4 + 0.05 * harness.SLOW, waits
    assert worker.metric("banyan_requests_refused_total", reason="queue_timeout") == 5
    first.close()


def test_queue_behind_computing():
    """behind requests that compute, and never park, others are refused at QUEUE_TIMEOUT, and /live is answered meanwhile"""
    worker = Worker(QUEUE_TIMEOUT="300ms")
    began = time.monotonic()
    waiting = [worker.send("/api/v1/spin?ms=50") for _ in range(100)]  # five seconds of work
    live, took = timed(lambda: worker.get("/live"))
    assert live.status == 200 and took < 1 * harness.SLOW, (live, took)
    answers = [connection.read_answer() for connection in waiting]
    assert time.monotonic() - began < 2.5 * harness.SLOW
    good = [answer for answer in answers if answer.status == 200]
    assert len(good) >= 3, len(good)
    for answer in answers:
        if answer.status != 200:
            check_refusal(answer)


def test_own_endpoints_do_not_wait():
    """with the worker and its queue full the framework's own endpoints still answer at once, under a base path too"""
    worker = Worker(REQUESTS_MAX=1, QUEUE_MAX=1, QUEUE_TIMEOUT="60s", BASE_PATH="/lab")
    full = [worker.send("/lab/api/v1/nap?ms=60000")]
    harness.wait_until(lambda: worker.get("/lab/live").status == 200, "live")
    full.append(worker.send("/lab/api/v1/nap?ms=0"))
    harness.wait_until(lambda: worker.get("/lab/api/v1/nap?ms=0").status == 503, "the queue is full")
    for path in ("live", "ready", "startup", "health", "metrics", "live?x=1"):
        took = min(timed(lambda: worker.get(f"/lab/{path}"))[1] for _ in range(5))
        answer = worker.get(f"/lab/{path}")
        assert answer.status == 200, (path, answer)
        assert took < 0.01 * harness.SLOW, (path, took)
    for connection in full:
        connection.close()


def test_gone_while_waiting():
    """a request whose web server has gone leaves the queue and is never run"""
    worker = Worker(REQUESTS_MAX=1, QUEUE_MAX=1, QUEUE_TIMEOUT="60s")
    first = worker.send("/api/v1/nap?ms=60000")
    worker.running(1)
    worker.send("/api/v1/nap?ms=1", HTTP_X_REQUEST_ID="gave-up").close()
    second = None

    def waits():
        nonlocal second
        second = worker.send("/api/v1/nap?ms=0")
        second.socket.settimeout(0.2)
        try:
            second.read_answer()
            return False
        except socket.timeout:
            second.socket.settimeout(10 * harness.SLOW)
            return True
    harness.wait_until(waits, "there is room in the queue again")
    first.close()
    assert second.read_answer().status == 200
    assert worker.process.stop() == 0
    assert "gave-up" not in harness.read(worker.log)


def test_request_start():
    """what a request waited in front of us counts: REQUEST_START of longer ago than QUEUE_TIMEOUT is answered 503"""
    worker = Worker(QUEUE_TIMEOUT="2s")
    now = time.time()
    for start, status in ((f"{now - 20:.3f}", 503), (f"t={int((now - 20) * 1e6)}", 503), (f"{int((now - 20) * 1000)}", 503),
                          (f"{time.time():.3f}", 200), (f"{now + 100:.3f}", 200), ("yesterday", 200), ("", 200)):
        answer = worker.get("/api/v1/nap?ms=0", REQUEST_START=start)
        assert answer.status == status, (start, answer)
    check_refusal(worker.get("/api/v1/nap?ms=0", REQUEST_START=f"{now - 20:.3f}"))
    assert worker.get("/live", REQUEST_START=f"{now - 20:.3f}").status == 200
    assert worker.metric("banyan_requests_refused_total", reason="queue_timeout") == 4
    assert worker.metric("banyan_queue_wait_seconds_sum") >= 80


def test_request_start_while_waiting():
    """in the queue a request has what QUEUE_TIMEOUT leaves of its REQUEST_START"""
    worker = Worker(REQUESTS_MAX=1, QUEUE_TIMEOUT="10s")
    first = worker.send("/api/v1/nap?ms=60000")
    worker.running(1)
    answer, took = timed(lambda: worker.get("/api/v1/nap?ms=0", REQUEST_START=f"{time.time() - 9.7:.3f}"))
    check_refusal(answer)
    assert took < 3 * harness.SLOW, took
    first.close()


def test_refusals_are_logged_as_requests():
    """a refused request has its access line with route, status and id, and no error is logged for it"""
    worker = Worker(REQUESTS_MAX=1, QUEUE_MAX=0)
    first = worker.send("/api/v1/nap?ms=60000")
    worker.running(1)
    problem = check_refusal(worker.get("/api/v1/nap?ms=0", HTTP_X_REQUEST_ID="refused-one"))
    assert problem["request_id"] == "refused-one", problem
    line = harness.wait_until(
        lambda: next((json.loads(line) for line in harness.read(worker.log).splitlines() if "refused-one" in line), None),
        "the access line")
    assert line["status"] == 503 and line["route"] == "/api/v1/nap" and line["logger"] == "access", line
    assert not worker.lines("request failed")
    first.close()


def test_stop_with_a_queue():
    """SIGTERM: those that wait are served while there is time, and are told 503 when it is over"""
    worker = Worker(REQUESTS_MAX=1, SHUTDOWN_TIMEOUT="10s")
    first = worker.send("/api/v1/nap?ms=500")
    worker.running(1)
    second = worker.send("/api/v1/nap?ms=0")
    worker.process.send_signal(signal.SIGTERM)
    assert first.read_answer().status == 200 and second.read_answer().status == 200
    assert worker.process.wait() == 0

    worker = Worker(REQUESTS_MAX=1, SHUTDOWN_TIMEOUT="300ms", QUEUE_TIMEOUT="60s")
    connections = [worker.send("/api/v1/nap?ms=60000")]
    worker.running(1)
    connections.append(worker.send("/api/v1/nap?ms=0"))
    worker.process.send_signal(signal.SIGTERM)
    for connection in connections:
        check_refusal(connection.read_answer(), "unavailable")
    assert worker.process.wait() == 1


# ---- slow and stalled ------------------------------------------------------------

def check_report(line, uri, function):
    path = uri.partition("?")[0]
    assert line["method"] == "GET" and line["route"] == path and line["path"] == path, line
    assert line["request_id"] and len(line["trace_id"]) == 32, line
    # The compiler may have put the handler into what BY_OPERATION makes of it.
    assert any(f"({function}+0x" in frame or f"({function}_call+0x" in frame for frame in line["stack"]), line["stack"]
    assert "secret" not in json.dumps(line), line


def test_slow_request():
    """a request over SLOW_REQUEST is logged once with its stack, whether it waits or computes, and answers as ever"""
    worker = Worker(SLOW_REQUEST="200ms")
    for function in ("nap", "spin"):
        uri = f"/api/v1/{function}?ms=900"
        assert worker.get(uri + "&secret=1").status == 422  # undeclared: not slow
        assert worker.get(uri).status == 200
        lines = harness.wait_until(
            lambda: [line for line in worker.lines("request is slow") if line["route"] == f"/api/v1/{function}"],
            "the line")
        assert len(lines) == 1, lines
        assert lines[0]["level"] == "warning" and lines[0]["logger"] == "slow", lines
        assert 0.2 <= lines[0]["seconds"] < 0.9 * max(harness.SLOW, 2), lines
        check_report(lines[0], uri, function)
    assert worker.get("/api/v1/nap?ms=0").status == 200
    assert len(worker.lines("request is slow")) == 2
    assert worker.process.stop() == 0


def test_report():
    """told to report, a worker logs what runs with its stack, and goes on"""
    worker = Worker()
    busy = worker.send("/api/v1/spin?ms=1500")
    def told():
        worker.process.send_signal(signal.SIGPROF)
        return next((line for line in worker.lines("worker stalled") if line.get("route") == "/api/v1/spin"), None)
    line = harness.wait_until(told, "the report", interval=0.1)
    check_report(line, "/api/v1/spin", "spin")
    assert line["pid"] == worker.process.pid and line["seconds"] >= 0, line
    assert busy.read_answer().status == 200
    harness.wait_until(lambda: worker.get("/live").status == 200, "it goes on")
    def told_idle():
        worker.process.send_signal(signal.SIGPROF)
        return next((line for line in worker.lines("worker stalled") if "route" not in line), None)
    assert harness.wait_until(told_idle, "a report of none", interval=0.1)["stack"]
    assert worker.process.stop() == 0


def test_give_up():
    """told to give up, a worker answers 504 to all that it has not begun to answer, and ends"""
    worker = Worker(REQUESTS_MAX=3, QUEUE_TIMEOUT="60s")
    waiting = [worker.send("/api/v1/nap?ms=60000", HTTP_X_REQUEST_ID=f"nap-{number}") for number in range(2)]
    worker.running(2)
    kept = worker.connect()
    assert kept.request(uri="/live").status == 200
    partial = worker.connect()
    partial.send(begin())
    stalled = worker.send("/api/v1/spin?ms=100000", HTTP_X_REQUEST_ID="the-stall")
    def stalls():
        worker.process.send_signal(signal.SIGPROF)
        return any(line.get("request_id") == "the-stall" for line in worker.lines("worker stalled"))
    harness.wait_until(stalls, "it computes", interval=0.1)
    kept.send(whole("/api/v1/nap?ms=0&secret=1"))  # nobody reads it any more
    worker.process.send_signal(signal.SIGXCPU)
    for number, connection in enumerate([*waiting, stalled, kept]):
        answer = connection.read_answer()
        problem = harness.check_problem(answer, 504, "deadline-exceeded", "Deadline Exceeded")
        assert problem["instance"] == ("/api/v1/spin" if connection is stalled else "/api/v1/nap"), problem
        assert answer.app_status == 0 and answer.protocol_status == 0, answer
        if number < 2:
            assert problem["request_id"] == f"nap-{number}", problem
    assert partial.is_closed()
    assert worker.process.wait() == STALLED
    line = worker.lines("worker gives up")[0]
    check_report(line, "/api/v1/spin", "spin")
    assert line["request_id"] == "the-stall", line


def test_give_up_within_an_answer():
    """an answer that is under way when the worker gives up is broken off, not continued by a 504"""
    worker = Worker(WRITE_TIMEOUT="60s")
    with worker.connect() as connection:
        connection.send(whole("/api/v1/flood?bytes=50000000"))
        assert connection.read_record()[0] == fastcgi.STDOUT
        worker.process.send_signal(signal.SIGXCPU)
        with contextlib.suppress(fastcgi.Closed, ConnectionError):
            raise AssertionError(f"it has ended: {connection.read_answer()}")
    assert worker.process.wait() == STALLED


# ---- its life ------------------------------------------------------------------------

def test_startup():
    """a worker alone has started when it serves: /startup answers 200"""
    answer = Worker().get("/startup")
    assert answer.status == 200 and answer.json()["version"] == "1.0.0", answer
    assert answer.headers["cache-control"] == "no-store", answer


def test_web_server_stops_it():
    """alone, SIGUSR1 means SIGTERM, as web servers mean it"""
    worker = Worker()
    assert worker.process.stop(number=signal.SIGUSR1) == 0


def test_leave_alone():
    """told to leave without others that could take over, a worker finishes what runs and ends"""
    worker = Worker()
    idle = worker.connect()
    assert idle.request(uri="/api/v1/nap?ms=0").status == 200
    busy = worker.send("/api/v1/nap?ms=500")
    worker.running(1)
    worker.process.send_signal(signal.SIGUSR2)
    assert idle.is_closed(3 * harness.SLOW)
    assert busy.read_answer().status == 200
    assert worker.process.wait() == 0


if __name__ == "__main__":
    harness.main()
