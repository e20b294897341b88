"""Streams of events and bodies of forms, over FastCGI and through nginx: many at once, in little memory, ended well."""

import hashlib
import json
import os
import re
import resource
import sys
import threading
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import fastcgi, harness, tokens  # noqa: E402
from support.fastcgi import PARAMS, STDIN, begin, environment, pairs, record, stream  # noqa: E402
from support.harness import check_faults, check_problem  # noqa: E402

STREAMS = 1000
SANITIZED = "-fsanitize" in harness.read(os.path.join(harness.BUILD, "Makefile"))
EXPERIMENTS = "/api/v1/experiments"


class Probe(harness.App):
    """The probe with one worker, which may hold a few thousand connections."""

    def __init__(self, **env):
        super().__init__("tests/apps/probe/probe", prepare=(), workers=1, env=env)

    def worker(self):
        return self.workers()[0]

    def access_lines(self, request_id):
        return [line for line in self.log_lines() if line.get("logger") == "access" and line["request_id"] == request_id]


@harness.fixture
def probe():
    return Probe()


@harness.fixture
def site():
    """The lab with one worker, which may open two connections to PostgreSQL: a stream that held one would stop all others."""
    return harness.Site("postgresql", workers=1, env={"DATABASE_PIPELINES": 1, "DATABASE_POOL_MAX": 1})


def opened(app, uri, headers=None):
    """A connection on which a stream has begun; what came first is in .begun."""
    connection = app.connect()
    connection.send(begin(keep=False) + stream(PARAMS, pairs(environment("GET", uri, headers))) + stream(STDIN, b""))
    return connection


def read_until(connection, wanted):
    """What the stream sends until it holds this; Closed when it ends before."""
    got = b""
    while wanted not in got:
        kind, _, content = connection.read_record()
        assert kind == fastcgi.STDOUT, (kind, got)
        got += content
    return got


# ---- many streams ---------------------------------------------------------

def quick(app, count=200):
    """The 99th percentile of so many requests, in seconds."""
    took = []
    with app.connect() as connection:
        for _ in range(count):
            began = time.monotonic()
            assert connection.request("POST", "/api/v1/echo", {"Content-Type": "application/json"},
                                      b'{"text":"x","ratio":null}').status == 200
            took.append(time.monotonic() - began)
    return sorted(took)[int(count * 0.99) - 1]


def test_thousand_streams():
    """A thousand open streams on one worker take at most 32 KiB each, all go on, and others are answered as quickly"""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    app = probe()
    alone = quick(app)
    before = harness.private_bytes(app.worker())
    threads = len(os.listdir(f"/proc/{app.worker()}/task"))
    streams = []
    try:
        for _ in range(STREAMS):
            streams.append(opened(app, "/api/v1/stream?n=100000&ms=1000&heartbeat=1000"))
        for connection in streams:
            assert b"text/event-stream" in read_until(connection, b"data: 0\n\n")
        each = (harness.private_bytes(app.worker()) - before) / STREAMS
        assert SANITIZED or each <= 32 * 1024, each
        assert quick(app) < max(3 * alone, 0.1 * harness.SLOW), alone
        for connection in streams:
            read_until(connection, b"data: 2\n\n")
        assert len(os.listdir(f"/proc/{app.worker()}/task")) == threads
    finally:
        for connection in streams:
            connection.close()
    active = "http_server_active_requests"
    harness.wait_until(lambda: harness.metric_sum(app.fastcgi(uri="/metrics").body.decode(), active) <= 1,
                       "streams whose clients have left are over")


def test_watchers():
    """Many who watch an experiment see each change, and hold no database connection"""
    running = site()
    row = running.editor.post(EXPERIMENTS, {
        "name": "Watched", "specimen": "HeLa", "instrument": "Spinning disk", "objective_magnification": 60,
        "numerical_aperture": 1.4, "pixel_size_um": 0.1, "exposure_ms": 80, "fps": 1.5, "frame_count": 1}).json()
    path = f"{EXPERIMENTS}/{row['id']}"
    watchers = [opened(running.app, path + "/events") for _ in range(200)]
    try:
        for connection in watchers:
            first = read_until(connection, b'"version":1}\n\n')
            assert b"id: 1\nevent: experiment\ndata: {" in first, first
        assert running.editor.patch(path, {"frame_count": 2}).status == 200
        for connection in watchers:
            got = read_until(connection, b'"version":2}\n\n')
            data = json.loads(re.search(rb"data: (.*)\n", got)[1])
            assert b"id: 2\n" in got and data["frame_count"] == 2, got
        # Those of the commands before may still be ending.
        harness.wait_until(lambda: running.postgres.connections("lab") <= 2, "two connections for all of them")
        again = opened(running.app, path + "/events", {"Last-Event-ID": "2"})
        assert running.editor.patch(path, {"frame_count": 3}).status == 200
        got = read_until(again, b"data: ")
        assert b"id: 3\n" in got and b"id: 2\n" not in got, got
        assert running.editor.delete(path).status == 204
        for connection in watchers:
            answer = connection.read_answer()
            assert answer.raw.endswith(b"event: deleted\ndata: \n\n"), answer
    finally:
        for connection in watchers:
            connection.close()
    check_problem(running.client.get(path + "/events"), 404)


def test_heartbeats():
    """A silent stream sends a comment now and then"""
    with opened(probe(), "/api/v1/stream?n=2&ms=60000&heartbeat=50") as connection:
        read_until(connection, b"data: 0\n\n")
        assert read_until(connection, b":\n\n:\n\n").strip(b":\n") == b""


def test_stream_ends_in_time():
    """A stream whose time is over ends as a whole answer with a retry line, and is logged with status 200"""
    with opened(probe(), "/api/v1/stream/short?n=100&ms=60000", {"X-Request-Id": "short"}) as connection:
        answer = connection.read_answer()
    assert re.search(rb"data: 0\n\nretry: [12]\d\d\d\n\n\Z", answer.raw), answer
    harness.wait_until(lambda: [line for line in probe().access_lines("short") if line["status"] == 200], "the access line")


def test_by_cgi():
    """Started as a CGI program, streams and forms are what they are over FastCGI"""
    app = probe()
    want = app.fastcgi("GET", "/api/v1/stream?n=3&ms=1")
    got = app.cgi("GET", "/api/v1/stream?n=3&ms=1")
    assert got.code == 0 and got.body == want.body and got.body.count(b"data: ") == 3, got
    headers, body = form(("text", b"a"), ("file", os.urandom(100000), "f", "a/b"))
    for uri in ("/api/v1/parts", "/api/v1/form"):
        got, want = (ask("POST", uri, headers, body) for ask in (app.cgi, app.fastcgi))
        assert got.status == want.status and (got.status != 200 or got.body == want.body), (got, want)


# ---- forms ------------------------------------------------------------------

def form(*parts, boundary="----geckoformboundary"):
    """(content type, body) of a form; a part is (name, value) or (name, value, filename, type)."""
    body = b""
    for name, value, *file in parts:
        about = f'; filename="{file[0]}"\r\nContent-Type: {file[1]}' if file else ""
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{about}\r\n\r\n'.encode() + value + b"\r\n"
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, body + f"--{boundary}--\r\n".encode()


@harness.fixture
def front():
    return harness.Nginx(probe().socket_path, harness.directory("docs"))


def test_large_form():
    """A form with files of 50 MB is read part by part through nginx: digests are right, and the worker grows by less than 4 MiB"""
    client = front().client()
    files = [os.urandom(1 << 20) * 50, b"", b"\r\n--" * 3]
    headers, body = form(("title", "grün".encode()), ("a", files[0], "ä b.bin", "application/octet-stream"),
                         ("b", files[1], "", "application/octet-stream"), ("c", files[2], "c%22.txt", "text/plain"))
    small = form(("title", b"x"))
    assert client.post("/api/v1/parts", small[1], headers=small[0]).status == 200
    before = harness.resident(probe().worker())
    got = client.post("/api/v1/parts", body, headers=headers)
    assert got.status == 200, got
    parts = got.json()["parts"]
    assert [(part["name"], part["filename"], part["content_type"]) for part in parts] == [
        ("title", None, "text/plain"), ("a", "ä b.bin", "application/octet-stream"),
        ("b", "", "application/octet-stream"), ("c", 'c".txt', "text/plain")], parts
    assert [part["sha256"] for part in parts[1:]] == [hashlib.sha256(data).hexdigest() for data in files]
    assert SANITIZED or harness.resident(probe().worker()) - before < 4 << 20


def test_truncated_form():
    """A form that is cut off anywhere is a 400, never a shorter form"""
    headers, body = form(("title", b"x"), ("file", b"0123456789", "f", "text/plain"))
    end = len(body) - 2  # the last line end may be missing
    with probe().connect() as connection:
        for cut in range(end):
            answer = connection.request("POST", "/api/v1/parts", headers, body[:cut])
            assert answer.status == 400, (cut, answer)
        assert connection.request("POST", "/api/v1/parts", headers, body[:end]).status == 200


def test_forms_as_input():
    """Forms are read into the input as JSON is, with the same faults"""
    client = front().client()
    url = {"Content-Type": "application/x-www-form-urlencoded"}
    want = {"text": "a b", "number": 7, "ratio": None, "words": ["x,y", "z"]}
    got = client.post("/api/v1/form", b"text=a+b&number=7&ratio=&words=x,y&words=z", headers=url)
    assert got.status == 200 and got.json() == want, got
    headers, body = form(("text", b"a b"), ("number", b"7"), ("ratio", b""), ("words", b"x,y"), ("words", b"z"))
    got = client.post("/api/v1/form", body, headers=headers)
    assert got.status == 200 and got.json() == want, got
    problem = check_problem(client.post("/api/v1/form", b"number=x&ratio=y&colour=1", headers=url), 422)
    check_faults(problem, **{"#/text": "required", "#/number": "type", "#/ratio": "type", "#/colour": "unknown_member"})
    check_problem(client.post("/api/v1/echo", b"text=a", headers=url), 415)


# ---- slow bodies ----------------------------------------------------------------

def dripping(connection, seconds, wanted, size=100, pause=0.1):
    """Sends a little of a body now and then until the answer holds what is wanted or the time is over; gives the answer."""
    done = threading.Event()

    def drip():
        until = time.monotonic() + seconds
        while not done.is_set() and time.monotonic() < until:
            try:
                connection.send(record(STDIN, b"x" * size))
            except OSError:
                return
            done.wait(pause)

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    try:
        return read_until(connection, wanted)
    finally:
        done.set()
        thread.join()


def post_head(uri):
    params = environment("POST", uri, {"Content-Type": "application/octet-stream"}, None, CONTENT_LENGTH="1000000")
    return begin(keep=False) + stream(PARAMS, pairs(params))


def test_slow_body():
    """A body that keeps coming, but slower than the row allows, is given up with 408 after ten seconds"""
    with probe().connect(timeout=40) as connection:
        began = time.monotonic()
        connection.send(post_head("/api/v1/upload/slow"))
        answer = dripping(connection, 30 * harness.SLOW, b"The body came too slowly.")
        assert answer.startswith(b"Status: 408 "), answer
        assert time.monotonic() - began > 10


def test_own_silence():
    """A row has its own longest silence within a body"""
    with probe().connect() as connection:
        began = time.monotonic()
        connection.send(post_head("/api/v1/upload/slow") + record(STDIN, b"x"))
        answer = connection.read_answer()
        assert answer.status == 408 and answer.json()["detail"] == "The body did not arrive in time.", answer
        assert 0.4 < time.monotonic() - began < 5 * harness.SLOW


# ---- proxies ----------------------------------------------------------------------

def test_trusted_proxies():
    """Address, scheme and host of the client come from trusted proxies only, and stand in the access log"""
    app = Probe(TRUSTED_PROXIES="10.0.0.0/8,127.0.0.1")
    said = {"X-Forwarded-For": "198.51.100.9, 10.1.1.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "lab.example",
            "X-Request-Id": "via-proxy"}
    got = app.fastcgi(uri="/api/v1/caller", headers=said, REMOTE_ADDR="127.0.0.1").json()
    assert got == {"client": "198.51.100.9", "scheme": "https", "host": "lab.example",
                   "url": "https://lab.example/api/v1/caller"}, got
    got = app.fastcgi(uri="/api/v1/caller", headers={**said, "X-Request-Id": "direct"}, REMOTE_ADDR="192.0.2.1").json()
    assert got["client"] == "192.0.2.1" and got["scheme"] == "http" and got["host"] == "localhost", got

    def clients():
        lines = {line.get("request_id"): line.get("client") for line in app.log_lines() if line.get("logger") == "access"}
        return "direct" in lines and lines
    lines = harness.wait_until(clients, "both are in the access log")
    assert lines["via-proxy"] == "198.51.100.9" and lines["direct"] == "192.0.2.1", lines
    app.stop()


def test_forwarded():
    """With FORWARDED_HEADERS=forwarded it is RFC 7239's header that is read, and no other"""
    app = Probe(TRUSTED_PROXIES="127.0.0.1", FORWARDED_HEADERS="forwarded")
    got = app.fastcgi(uri="/api/v1/caller", headers={
        "Forwarded": 'for="[2001:db8::7]:99";proto=https;host=lab.example', "X-Forwarded-For": "203.0.113.1"}).json()
    assert got["client"] == "2001:db8::7" and got["url"] == "https://lab.example/api/v1/caller", got
    app.stop()


def test_bad_proxies():
    """An entry of TRUSTED_PROXIES that is no network stops the start with exit code 78, and is named"""
    app = harness.App("tests/apps/probe/probe", prepare=(), start=False, env={"TRUSTED_PROXIES": "127.0.0.1,proxy.local"})
    done = app.command("serve")
    assert done.returncode == 78 and "TRUSTED_PROXIES: entry 2" in done.stderr, done


# ---- limits -------------------------------------------------------------------------

def test_limits_by_cgi():
    """Started as a CGI program the limits of a body are the same, on what is declared and on what comes"""
    app = harness.App(env={"BODY_MAX": "1000B"})
    token = tokens.hs256(tokens.claims(), harness.TOKEN_KEY)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    for length in ("1001", None):  # declared, and not
        body = b"{" + b" " * 1000
        for ask in (app.cgi, app.fastcgi):
            answer = ask("POST", EXPERIMENTS, headers, body, CONTENT_LENGTH=length)
            assert answer.status == 413 and "1000 bytes" in answer.json()["detail"], (ask, length, answer)
    assert app.cgi("POST", EXPERIMENTS, headers, b"{" + b" " * 999).status == 400
    app.stop()


def test_limits_are_shown():
    """`lab routes` and OpenAPI show the limit of each operation that takes a body, its own or BODY_MAX"""
    rows = json.loads(probe().command("routes", "--json", check=True, env={"BODY_MAX": "2000B"}).stdout)
    limits = {row["path"]: row["max_body"] for row in rows}
    assert limits["/api/v1/echo"] == 2000 and limits["/api/v1/parts"] == 1 << 30 and limits["/api/v1/sleep"] == 0, limits
    table = probe().command("routes", check=True, env={"BODY_MAX": "2000B"}).stdout
    assert re.search(r"/api/v1/form .* max_body=2000 accepts=forms ", table), table
    paths = json.loads(probe().fastcgi(uri="/openapi.json").body)["paths"]
    assert paths["/api/v1/echo"]["post"]["x-max-body"] == 1 << 20
    assert paths["/api/v1/parts"]["post"]["x-max-body"] == 1 << 30
    assert "x-max-body" not in paths["/api/v1/sleep"]["get"]
    assert sorted(paths["/api/v1/form"]["post"]["requestBody"]["content"]) == [
        "application/json", "application/x-www-form-urlencoded", "multipart/form-data"]


harness.main()
