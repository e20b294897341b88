"""The probe behind nginx: waits that park, streams both ways, clients that leave, answers that go wrong."""

import hashlib
import os
import socket
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness  # noqa: E402
from support.harness import check_problem  # noqa: E402


class Probe:
    """The probe with one worker behind nginx with the shipped configuration."""

    def __init__(self, **more):
        self.app = harness.App("tests/apps/probe/probe", prepare=(), workers=1, **more)
        self.nginx = harness.Nginx(self.app.socket_path, harness.directory("docs"))
        self.client = self.nginx.client()

    def worker(self):
        return self.app.workers()[0]

    def active(self):
        return harness.metric_sum(self.client.get("/metrics").text, "http_server_active_requests")


@harness.fixture
def probe():
    return Probe()


def timed(work):
    began = time.monotonic()
    result = work()
    return result, time.monotonic() - began


def test_waits_park():
    """Two requests that wait 200 ms on one worker are both answered within 300 ms"""
    probe()
    def both():
        statuses, took = timed(lambda: harness.in_parallel(
            lambda _: probe().nginx.client().get("/api/v1/sleep?ms=200").status, 2))
        assert statuses == [200, 200], statuses
        return took

    # Another process may have the processor at any one time.
    assert min(both() for _ in range(5)) < 0.3 * harness.SLOW


def test_hundred_waits():
    """A hundred requests that wait half a second each take well under two seconds on one worker"""
    statuses, took = timed(lambda: harness.in_parallel(
        lambda _: probe().nginx.client().get("/api/v1/sleep?ms=500").status, 100))
    assert set(statuses) == {200} and took < 2 * harness.SLOW, took


def test_fast_beside_slow():
    """While a request waits, others on the same worker are answered at once"""
    load = harness.Load(probe().nginx.port, "/api/v1/sleep?ms=1000", clients=20)
    harness.wait_until(lambda: probe().active() >= 20, "twenty wait")
    times = sorted(timed(lambda: probe().client.get("/live"))[1] for _ in range(50))
    load.stop()
    assert times[45] < 0.05 * harness.SLOW, times


def test_deadline():
    """A request past its route's deadline is answered 504 as a problem, about on time"""
    got, took = timed(lambda: probe().client.get("/api/v1/deadline?ms=5000"))
    check_problem(got, 504, "deadline-exceeded")
    assert 0.15 < took < 0.5 * harness.SLOW, took


def test_unexpected_error():
    """An unexpected error is a 500 with a fixed sentence and an id, under which the log has the whole of it"""
    got = probe().client.get("/api/v1/fail")
    problem = check_problem(got, 500, "internal-error")
    assert "secret" not in got.text and "db.internal" not in got.text, problem
    assert problem["error_id"], problem

    def logged():
        return [line for line in probe().app.log_lines() if problem["error_id"] in str(line)]

    lines = harness.wait_until(logged, "the error is logged under its id")
    assert "db.internal:5432" in str(lines), lines


def test_worker_crash():
    """A worker that crashes costs its own request, is named in the log with the route, and is replaced"""
    own = Probe()
    before = own.worker()
    got = own.client.post("/api/v1/crash", b"", headers={"Content-Type": "application/json"})
    check_problem(got, 503)
    harness.wait_until(lambda: set(own.app.workers()) - {before}, "a new worker", timeout=2)
    harness.wait_until(lambda: own.client.get("/live").status == 200, "service goes on")
    harness.wait_until(lambda: "/api/v1/crash" in harness.read(own.app.log), "the crash log names the route")
    own.app.stop()


def test_stream_at_once():
    """The first event of a stream arrives at once through nginx, not when the stream ends"""
    with socket.create_connection(("127.0.0.1", probe().nginx.port), 10) as connection:
        began = time.monotonic()
        connection.sendall(b"GET /api/v1/stream?n=4&ms=400 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        got, first = b"", None
        while True:
            piece = connection.recv(65536)
            if not piece:
                break
            got += piece
            if first is None and b"data: 0" in got:
                first = time.monotonic() - began
    whole = time.monotonic() - began
    assert first < 0.2 * harness.SLOW < whole, (first, whole)
    assert b"text/event-stream" in got and got.count(b"data: ") == 4, got


def test_client_leaves():
    """A client that leaves ends its waiting request: it is no longer active, and the access log says 499"""
    def leaves(query):
        with socket.create_connection(("127.0.0.1", probe().nginx.port), 10) as connection:
            connection.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % query)
            harness.wait_until(lambda: probe().active() >= 2, "the request runs")  # the scrape itself is one
        began = time.monotonic()
        harness.wait_until(lambda: probe().active() <= 1, "the request has ended")
        return time.monotonic() - began

    assert leaves(b"/api/v1/sleep?ms=60000") < 1 * harness.SLOW
    harness.wait_until(lambda: any(line.get("status") == 499 for line in probe().app.log_lines()), "499 is logged")


def test_upload_streams():
    """An upload of 50 MB is read as it comes: the digest is right, and the worker grows by less than 8 MiB"""
    body = os.urandom(1 << 20) * 50
    probe().client.post("/api/v1/upload", b"x" * 1000, headers={"Content-Type": "application/octet-stream"})
    before = harness.resident(probe().worker())
    got = probe().client.post("/api/v1/upload", body, headers={"Content-Type": "application/octet-stream"})
    assert got.status == 200, got
    assert got.json() == {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    assert harness.resident(probe().worker()) - before < 8 << 20


def test_long_answer():
    """An answer of 100 MB to a client that reads slowly costs the worker less than 8 MiB, and arrives whole"""
    size = 100_000_000
    before = harness.resident(probe().worker())
    with socket.create_connection(("127.0.0.1", probe().nginx.port), 30) as connection:
        connection.sendall(b"GET /api/v1/big?bytes=%d HTTP/1.0\r\nHost: localhost\r\n\r\n" % size)
        got = connection.recv(65536)
        time.sleep(0.5)  # the client is slow: what it does not take must not pile up in the worker
        grown = harness.resident(probe().worker()) - before
        count = len(got)
        while piece := connection.recv(1 << 20):
            count += len(piece)
    assert grown < 8 << 20, grown
    head = got.index(b"\r\n\r\n") + 4
    assert count - head == size, count - head


def test_json_comes_back():
    """Numbers, text and lists come back as they were sent"""
    sent = {"text": "naïve \u0001 \U0001f9ec \\ \"q\"", "number": 2 ** 53 + 1, "ratio": 0.1, "words": ["a", "", "ü"]}
    got = probe().client.post("/api/v1/echo", sent)
    assert got.status == 200 and got.json() == sent, got
    for ratio in (1e-308, 1.7976931348623157e308, 5e-324, 1 / 3, -0.5, 123456789.123456789):
        assert probe().client.post("/api/v1/echo", {"text": "", "ratio": ratio}).json()["ratio"] == ratio


def test_idle_connections():
    """Three hundred idle kept-alive connections leave others unhindered"""
    idle = []
    for _ in range(300):
        connection = probe().app.connect()
        assert connection.request("GET", "/live", keep=True).status == 200
        idle.append(connection)
    times = sorted(timed(lambda: probe().client.get("/live"))[1] for _ in range(50))
    assert times[45] < 0.05 * harness.SLOW, times
    assert idle[0].request("GET", "/live", keep=True).status == 200, "a parked connection is still good"
    for connection in idle:
        connection.close()


harness.main()
