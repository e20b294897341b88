"""
The same requests through every way a web server can reach the application: nginx, Apache and lighttpd, over sockets,
started by them, and as CGI. The table CASES says what each answers; docs/webservers.md shows it, and this test compares.
"""

import gzip
import hashlib
import os
import re
import shutil
import socket
import sys
import threading
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import fastcgi, harness, tokens, webservers  # noqa: E402

PROBE = "tests/apps/probe/probe"
INSPECT = "/api/v1/inspect/"
DOCUMENT = os.path.join(harness.SOURCE, "docs", "webservers.md")


# ---- the gateways ---------------------------------------------------------

def let_in():
    """The setting by which servers that are not root may open a unix socket."""
    user = webservers.ordinary_user()
    return {"LISTEN_OWNER": f":{user}"} if user else {}


@harness.fixture
def app(base):
    """The probe on a unix socket."""
    own = harness.App(PROBE, prepare=(), start=False, env={"BASE_PATH": base, **let_in()})
    own.start(wait=False)
    harness.wait_until(lambda: own.fastcgi("GET", f"{base or ''}/ready").status == 200, "the probe is ready")
    return own


@harness.fixture
def tcp(base):
    """The probe on a TCP port of this machine; gives host:port, and the file of its log."""
    address = f"127.0.0.1:{harness.free_port()}"
    own = harness.App(PROBE, prepare=(), start=False, env={"BASE_PATH": base, "LISTEN": address,
                                                           "LISTEN_ALLOW": "127.0.0.1"})
    own.start(wait=False)
    host, _, port = address.partition(":")
    harness.wait_until(lambda: socket.create_connection((host, int(port)), 1).close() or True, "the probe listens")
    return address, own.log


@harness.fixture
def program(base):
    """A folder with the probe and a script that starts it, for servers that start programs; gives script and log."""
    folder = webservers.own(harness.directory("program"))
    shutil.copy(harness.binary(PROBE), f"{folder}/probe")
    settings = harness.base_environment(APP_ENV="dev", DATA_DIR=f"{folder}/data", BASE_PATH=base)
    exports = "\n".join(f"export {name}='{value}'" for name, value in settings.items())
    script = harness.write(f"{folder}/app.fcgi",
                           f"#!/bin/sh\n{exports}\ncd {folder}\nexec {folder}/probe \"$@\" 2>>{folder}/log\n")
    webservers.own(harness.write(f"{folder}/log", ""))
    for path in (script, f"{folder}/probe"):
        os.chmod(path, 0o755)
    return script, f"{folder}/log"


def over(host):
    return {"socket": f"server {host}", "status": f"server {host}"}


def spawned(script):
    return {"spawned": os.path.join(os.path.dirname(script), f"spawned-{os.urandom(4).hex()}")}


class Gateway:
    """One way to the application: a column of the table. `start` takes the base path, "/" or "/lab/"."""

    def __init__(self, key, title, start, log):
        self.key, self.title, self._start, self._log, self._servers = key, title, start, log, {}

    def server(self, base="/"):
        if base not in self._servers:
            self._servers[base] = self._start(base)
        return self._servers[base]

    @property
    def port(self):
        return self.server().port

    def client(self, **more):
        return self.server().client(**more)

    def log(self):
        return harness.read(self._log())


def base_of(base):
    return None if base == "/" else base.rstrip("/")


def nginx(address):
    def start(base):
        marks = over(address(base_of(base)))
        if base == "/":
            return harness.Nginx(None, harness.directory("docs"), marks=marks)
        return harness.Nginx(None, site=None, marks=marks, extra=lambda port: f"""
	include banyan-upstream.conf;
	server {{
		listen 127.0.0.1:{port};
		include banyan-mount.conf;
	}}""")
    return start


def apache(way, started):
    def start(base):
        more = {"program": program(base_of(base))[0]} if started else {"socket_path": app(base_of(base)).socket_path}
        return harness.Apache(way, base=base, **more)
    return start


def lighttpd(way, address=None):
    def start(base):
        if address:
            return harness.Lighttpd(way, address(base_of(base)), base=base)
        script = program(base_of(base))[0]
        return harness.Lighttpd(way, program=script, settings=spawned(script), base=base)
    return start


GATEWAYS = [
    Gateway("nginx", "nginx, unix", nginx(lambda base: f"unix:{app(base).socket_path}"), lambda: app(None).log),
    Gateway("nginx_tcp", "nginx, TCP", nginx(lambda base: tcp(base)[0]), lambda: tcp(None)[1]),
    Gateway("proxy", "Apache ProxyPass", apache("proxy", False), lambda: app(None).log),
    Gateway("sethandler", "Apache SetHandler", apache("sethandler", False), lambda: app(None).log),
    Gateway("fcgid", "Apache mod_fcgid", apache("fcgid", True), lambda: program(None)[1]),
    Gateway("cgi", "Apache CGI", apache("cgi", True), lambda: program(None)[1]),
    Gateway("lighttpd", "lighttpd, unix", lighttpd("fastcgi", lambda base: app(base).socket_path), lambda: app(None).log),
    Gateway("lighttpd_tcp", "lighttpd, TCP", lighttpd("fastcgi", lambda base: tcp(base)[0]), lambda: tcp(None)[1]),
    Gateway("spawn", "lighttpd bin-path", lighttpd("spawn"), lambda: program(None)[1]),
    Gateway("lighttpd_cgi", "lighttpd CGI", lighttpd("cgi"), lambda: program(None)[1]),
]
APACHE = ("proxy", "sethandler", "fcgid", "cgi")
NGINX = ("nginx", "nginx_tcp")
LIGHTTPD = ("lighttpd", "lighttpd_tcp", "spawn", "lighttpd_cgi")


# ---- what came of a request -----------------------------------------------

def refusal(response):
    """A status that is not the echo's: the application's own problem, the web server's problem, or another answer."""
    kind = response.headers.get("content-type", "").split(";")[0]
    if kind != "application/problem+json":
        return f"{response.status}, no problem document"
    problem = response.json()
    assert problem["status"] == response.status, response
    return str(response.status) if problem["type"].startswith("/problems/") else f"{response.status} by the server"


def expected_echo(method, target, headers=None, body=b"", **more):
    path, _, query = target.partition("?")
    sent = {name.lower(): value for name, value in (headers or {}).items()}
    return {"method": method, "path": path, "rest": path[len(INSPECT):], "query": query, "q": None, "flag": None,
            "authorization": sent.get("authorization"), "cookie": sent.get("cookie"), "proxy": None,
            "user_id": sent.get("x-user-id"), "content_type": sent.get("content-type"), "bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(), **more}


def judge(response, wanted):
    """"same" when the echo is what was sent, else what came instead."""
    if response.status != 200:
        return refusal(response)
    got = response.json()
    got["q"] = got["q"] or None
    different = {name: got[name] for name in wanted if got[name] != wanted[name]}
    return f"200, but {different}" if different else "same"


def echo(target, method="GET", headers=None, body=None, chunked=False, **more):
    """A case: this request is handed back as it was sent; `more` says what the application makes of it."""
    def run(gateway):
        response = gateway.client().request(method, INSPECT + target, body, headers, chunked=chunked)
        content = b"".join(body()) if callable(body) else body or b""
        return judge(response, expected_echo(method, INSPECT + target, headers, content, **more))
    return run


def raw_path(path, **more):
    """The same with bytes that a client library would not send."""
    def run(gateway):
        head = b"GET " + INSPECT.encode() + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        shown = path.decode("utf-8", "replace")
        return judge(harness.exchange(gateway.port, head), expected_echo("GET", INSPECT + shown, **more))
    return run


def answers(target, method="GET", **expected):
    """A case: status, and what else of the answer `expected` names; "same" when all is so."""
    def run(gateway):
        response = gateway.client().request(method, target)
        found = {"status": response.status, "length": len(response.body), "allow": response.headers.get("allow")}
        if expected and all(found[name] == value for name, value in expected.items()):
            return "same"
        return refusal(response) if response.status >= 400 else str(found)
    return run


def posted(path, size, head=b"", declared=None):
    """A case: the answer's status to a body of this size, of which the header may declare another length."""
    def run(gateway):
        length = size if declared is None else declared
        data = b"POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n" \
               b"Content-Length: %d\r\n%s\r\n" % (path.encode(), length, head)
        with socket.create_connection(("127.0.0.1", gateway.port), 20 * harness.SLOW) as connection:
            try:
                connection.sendall(data)
                for at in range(0, size, 1 << 20):
                    connection.sendall(b"x" * min(1 << 20, size - at))
                if length > size:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the answer may be there already, and the rest is not wanted
            return first_answer(connection)
    return run


def first_answer(connection):
    got = harness.http.client.HTTPResponse(connection)
    try:
        got.begin()
        response = harness.Response(got.status, got.getheaders(), got.read())
    except (OSError, harness.http.client.HTTPException):
        return "closed"
    return str(response.status) if response.status < 400 else refusal(response)


def shorter_than_declared(gateway):
    """A body that ends early is never taken for a whole one: nothing is answered with success, and no handler runs."""
    path = f"{INSPECT}short-{gateway.key}"
    outcome = posted(path, 5, declared=10)(gateway)
    mark = f"{INSPECT}after-{gateway.key}"
    assert gateway.client().get(mark).status == 200
    harness.wait_until(lambda: mark in gateway.log(), f"the request after it is logged, {gateway.title}")
    ran = [line for line in gateway.log().splitlines() if path in line and '"status":200' in line]
    return "the handler ran" if ran else outcome


def both_framings(gateway):
    head = b"POST " + INSPECT.encode() + b"x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n" \
           b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", gateway.port), 20 * harness.SLOW) as connection:
        connection.sendall(head)
        got = harness.http.client.HTTPResponse(connection)
        got.begin()
        response = harness.Response(got.status, got.getheaders(), got.read())
    return judge(response, expected_echo("POST", INSPECT + "x", body=b"hello"))


def header_names(gateway):
    """X_User_Id must not pass for X-User-Id, which a proxy in front may have set."""
    head = b"GET " + INSPECT.encode() + b"x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" \
           b"X-User-Id: real\r\nX_User_Id: forged\r\n\r\n"
    return judge(harness.exchange(gateway.port, head), expected_echo("GET", INSPECT + "x", user_id="real"))


def forged_name(gateway):
    head = b"GET " + INSPECT.encode() + b"x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" \
           b"X_User_Id: forged\r\n\r\n"
    return judge(harness.exchange(gateway.port, head), expected_echo("GET", INSPECT + "x"))


def large_headers(gateway):
    """4 kB of headers are a 500 that every server passes on, and the log names the header."""
    response = gateway.client().get("/api/v1/answer?status=200&header=4000")
    problem = response.json() if response.status == 500 else {}
    wanted = f'{problem.get("error_id", "-")}'
    harness.wait_until(lambda: any(wanted in line and "X-Filler" in line for line in gateway.log().splitlines()),
                       f"the log names the header, {gateway.title}")
    return refusal(response)


def first_event(gateway):
    with socket.create_connection(("127.0.0.1", gateway.port), 20 * harness.SLOW) as connection:
        began = time.monotonic()
        connection.sendall(b"GET /api/v1/stream?n=2&ms=1500 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        got = b""
        while b"data: 0" not in got:
            piece = connection.recv(65536)
            assert piece, got
            got += piece
        assert b"data: 1" not in got, "the whole stream came at once"
        return time.monotonic() - began


def stream_at_once(gateway):
    """One of five, on a machine that may be busy: a server that buffers holds each of them back for a second and a half."""
    for _ in range(5):
        took = first_event(gateway)
        if took < 0.1 * harness.SLOW:
            return "at once"
    return f"after {took:.2f} s"


def keeps_connections(gateway):
    """Three requests of different kinds come through one connection."""
    client = gateway.client()
    first = None
    for method, body in (("GET", None), ("POST", b"hello"), ("GET", None)):
        assert client.request(method, INSPECT + "x", body).status == 200
        if client._connection is None:
            return "closed"
        first = first or client._connection.sock
        assert client._connection.sock is first
    return "kept"


def pieces(size):
    def give():
        for at in range(0, size, 10000):
            yield bytes([at // 10000 % 251]) * min(10000, size - at)
    return give


def chunked(size):
    def run(gateway):
        body = b"".join(pieces(size)())
        response = gateway.client().request("POST", INSPECT + "x", pieces(size)(), chunked=True)
        return judge(response, expected_echo("POST", INSPECT + "x", body=body))
    return run


def upload(size):
    return echo("x", "POST", body=bytes(range(256)) * (size // 256), headers={"Content-Type": "application/octet-stream"})


# ---- the table: what is asked, and what each gateway answers --------------
# "same": the application got what was sent, and the client what the application answered. A number: the application's
# own refusal. "by the server": the web server's, as a problem document.

class Case:
    def __init__(self, title, run, outcome="same", **others):
        """`others` are outcomes of single gateways, by key, or of all of one server: nginx_all, apache_all, lighttpd_all."""
        groups = {"nginx_all": NGINX, "apache_all": APACHE, "lighttpd_all": LIGHTTPD}
        self.title, self.run = title, run
        self.expected = {gateway.key: outcome for gateway in GATEWAYS}
        for key, value in sorted(others.items(), key=lambda other: other[0] not in groups):
            for name in groups.get(key, (key,)):
                self.expected[name] = value


CASES = {
    "paths": [
        Case("`/a%2Fb`: one segment", echo("a%2Fb", rest="a/b")),
        Case("`/a//b`", echo("a//b")),
        Case("`/a/` (slash at the end)", echo("a/")),
        Case("`/a/../b`", raw_path(b"a/../b"), "400"),
        Case("`/a/%2e%2e/b`", raw_path(b"a/%2e%2e/b"), "400"),
        Case("`/../../../../../etc/passwd`", raw_path(b"../../../../../etc/passwd"), "400 by the server",
             lighttpd_all="400"),
        Case("`/%C3%BC`", echo("%C3%BC", rest="ü")),
        Case("`/ü` (UTF-8, not encoded)", raw_path("ü".encode())),
        Case("`/%FF` (not UTF-8)", raw_path(b"%FF"), "400", lighttpd_all="400 by the server"),
        Case("`/a%20b+c`", echo("a%20b+c", rest="a b+c")),
        Case("`/%zz` (no encoding)", raw_path(b"%zz"), "400 by the server", lighttpd_all="400"),
        Case("`/a%00b`", raw_path(b"a%00b"), "400 by the server", apache_all="404 by the server"),
        Case("`/a%25b`", echo("a%25b", rest="a%b")),
        Case("`/a;b=c,d@e:f`", echo("a;b=c,d@e:f")),
        Case("`/a.php~`, `/a.inc`, `/.htaccess`, `/index.php`", lambda gateway: " and ".join(sorted({
            echo(name)(gateway) for name in ("a.php~", "a.inc", ".htaccess", "index.php")}))),
        Case("a path of 4 kB", echo("x" * 4000)),
    ],
    "queries": [
        Case("`?q=a+b%20c`", echo("x?q=a+b%20c", q=["a b c"])),
        Case("`?q=%2B%26%3D`", echo("x?q=%2B%26%3D", q=["+&="])),
        Case("`?` (empty)", echo("x?")),
        Case("`?q=` (no value)", echo("x?q=")),
        Case("`?flag` (no `=`)", echo("x?flag", flag="")),
        Case("`?q=a/b?c`", echo("x?q=a/b?c", q=["a/b?c"])),
        Case("`?q=%00`", echo("x?q=%00"), "400", lighttpd_all="400 by the server"),
        Case("`?q=%C3%BC`", echo("x?q=%C3%BC", q=["ü"])),
    ],
    "headers": [
        Case("`Authorization`", echo("x", headers={"Authorization": "Bearer abc.def-ghi"})),
        Case("`Cookie`", echo("x", headers={"Cookie": "a=1; b=\"2\""})),
        Case("`Proxy` (httpoxy)", echo("x", headers={"Proxy": "http://evil.example:8080"})),
        Case("`X-User-Id` beside a forged `X_User_Id`", header_names),
        Case("`X_User_Id` alone", forged_name),
    ],
    "methods": [
        Case("PUT", echo("x", "PUT", body=b"{}", headers={"Content-Type": "application/json"})),
        Case("PATCH", echo("x", "PATCH", body=b"{}", headers={"Content-Type": "application/json"})),
        Case("DELETE", echo("x", "DELETE")),
        Case("OPTIONS", answers(INSPECT + "x", "OPTIONS", status=204, length=0,
                                allow="DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")),
        Case("HEAD", answers(INSPECT + "x", "HEAD", status=200, length=0)),
        Case("a method that the route lacks", answers("/api/v1/echo", "DELETE"), "405"),
        Case("a method that nobody knows", answers(INSPECT + "x", "BREW"), "405", lighttpd_all="501 by the server"),
        Case("TRACE", answers(INSPECT + "x", "TRACE"), "405 by the server", lighttpd_all="405"),
    ],
    "bodies": [
        Case("POST without a body or length", echo("x", "POST"), lighttpd_all="411 by the server"),
        Case("POST, `Content-Length: 0`", echo("x", "POST", body=b"")),
        Case("140 kB", upload(140 * 1024)),
        Case("3 MB", upload(3 << 20)),
        Case("chunked, 100 kB", chunked(100_000)),
        Case("chunked, 3 MB", chunked(3_000_000)),
        Case("over the application's limit", posted("/api/v1/echo", 2 << 20), "413"),
        Case("70 MB", posted(INSPECT + "x", 70_000_000), "413 by the server", proxy="413",
             sethandler="413", fcgid="500 by the server"),
        Case("shorter than declared", shorter_than_declared, "closed", apache_all="400 by the server", fcgid="500 by the server"),
        Case("longer than declared", posted(INSPECT + "x", 10, declared=5), "200"),
        Case("two lengths that differ", posted(INSPECT + "x", 3, head=b"Content-Length: 5\r\n"), "400 by the server"),
        Case("a length that is no number", posted(INSPECT + "x", 0, head=b"Content-Length: x\r\n"), "400 by the server"),
        Case("a length beside chunked", both_framings, "400 by the server", apache_all="same"),
    ],
    "answers": [
        Case("204", answers("/api/v1/answer?status=204", status=204, length=0)),
        Case("304", answers("/api/v1/answer?status=304", status=304, length=0)),
        Case("a problem document", answers("/api/v1/fail"), "500"),
        Case("4 kB of headers", large_headers, "500"),
        Case("first event of a stream", stream_at_once, "at once"),
        Case("connections of clients", keeps_connections, "kept"),
    ],
}


# ---- the tests ------------------------------------------------------------

def available(base="/"):
    """The gateways whose server is installed; those that are not, with the reason."""
    found, missing = [], []
    for gateway in GATEWAYS:
        try:
            gateway.server(base)
            found.append(gateway)
        except harness.Skip as reason:
            missing.append(f"{gateway.title}: {reason}")
    return found, missing


def check(section):
    """Every case of the section through every gateway; all differences at once."""
    found, missing = available()
    wrong = []
    for case in CASES[section]:
        for gateway in found:
            outcome = case.run(gateway)
            if outcome != case.expected[gateway.key]:
                wrong.append(f"{case.title}, {gateway.title}: {outcome}, expected {case.expected[gateway.key]}")
    assert not wrong, "\n" + "\n".join(wrong)
    if missing:
        harness.skip("; ".join(missing) + " (the others agree)")


def test_paths():
    """Paths with %2F, //, dots and UTF-8 reach the application as they were sent, through every web server"""
    check("paths")


def test_queries():
    """Queries reach the application as they were sent: plus signs, encoded signs, empty ones, none at all"""
    check("queries")


def test_headers():
    """Tokens and cookies arrive, a header Proxy and forged names do not"""
    check("headers")


def test_methods():
    """Methods pass, and what is answered to them"""
    check("methods")


def test_bodies():
    """Bodies of every size and framing arrive whole, or are refused; a short one never runs a handler"""
    check("bodies")


def test_answers():
    """Answers without a body, problem documents, too large headers and streams come through as they are"""
    check("answers")


# ---- below a path of another site -----------------------------------------

def test_base_path():
    """Below /lab/ of a site the application answers under its own paths; all other addresses are the site's"""
    found, missing = available("/lab/")
    for gateway in found:
        client = gateway.server("/lab/").client()
        got = client.get("/lab" + INSPECT + "a%2Fb//c?q=1")
        assert judge(got, expected_echo("GET", INSPECT + "a%2Fb//c?q=1", rest="a/b//c", q=["1"])) == "same", (gateway.key, got)
        assert client.get("/lab/live").json()["status"] == "healthy", gateway.key
        harness.check_problem(client.get("/lab/nothing"), 404, "not-found")
        for path in ("/api/v1/inspect/x", "/labs" + INSPECT + "x", "/"):
            outside = client.get(path)
            assert "x-request-id" not in outside.headers, (gateway.key, path, outside)
    if missing:
        harness.skip("; ".join(missing))


# ---- one server of each kind ----------------------------------------------

KINDS = {
    "nginx": lambda path, docs, **more: harness.Nginx(path, docs, **more),
    "apache": lambda path, docs, **more: harness.Apache("proxy", path, docs, **more),
    "sethandler": lambda path, docs, **more: harness.Apache("sethandler", path, docs, **more),
    "lighttpd": lambda path, docs, **more: harness.Lighttpd("fastcgi", path, docs, **more),
}


def each_kind(check_kind, kinds=tuple(KINDS)):
    """Calls the function with the name of each kind that is installed; tells of the others."""
    missing = []
    for kind in kinds:
        try:
            check_kind(kind)
        except harness.Skip as reason:
            missing.append(f"{kind}: {reason}")
    if missing:
        harness.skip("; ".join(missing) + " (the others agree)")


@harness.fixture
def site_files():
    """Documentation as docs-assets leaves it, in small."""
    folder = harness.directory("docs")
    os.makedirs(f"{folder}/docs/assets")
    os.makedirs(f"{folder}/redoc")
    for name in ("docs", "redoc"):
        harness.write(f"{folder}/{name}/index.html", f"<!DOCTYPE html><title>{name}</title>")
    harness.write(f"{folder}/docs/assets/app.js", "let a = 1; // a comment that is worth compressing\n" * 200)
    return folder


def test_documentation():
    """The documentation is served from files with caching and compression, and none of it reaches the application"""
    def check_kind(kind):
        own = harness.App(PROBE, prepare=(), env=let_in())
        client = KINDS[kind](own.socket_path, site_files()).client()
        for page in ("docs", "redoc"):
            got = client.get(f"/{page}")
            assert got.status == 200 and got.text.endswith(f"<title>{page}</title>"), (kind, got)
            assert got.headers["content-type"].startswith("text/html"), (kind, got)
            assert "default-src 'none'" in got.headers["content-security-policy"], (kind, got)
        got = client.get("/docs/assets/app.js")
        assert got.status == 200 and got.headers["cache-control"] == "public, max-age=3600", (kind, got)
        assert "javascript" in got.headers["content-type"], (kind, got)
        again = client.get("/docs/assets/app.js", headers={"If-None-Match": got.headers["etag"]})
        assert again.status == 304 and not again.body, (kind, again)
        versioned = client.get("/docs/assets/app.js?v=1.2.3")
        assert versioned.headers["cache-control"] == "public, max-age=31536000, immutable", (kind, versioned)
        small = client.get("/docs/assets/app.js", headers={"Accept-Encoding": "gzip"})
        assert small.headers.get("content-encoding") == "gzip" and len(small.body) < len(got.body) / 4, (kind, small)
        absent = client.get("/docs/assets/absent.js")
        assert refusal(absent) == "404 by the server", (kind, absent)
        assert client.get("/live").status == 200
        harness.wait_until(lambda: '"/live"' in harness.read(own.log), "the application's log is written")
        assert "/docs" not in harness.read(own.log) and "/redoc" not in harness.read(own.log), kind
    each_kind(check_kind)


def test_compression():
    """JSON leaves compressed when the client accepts it, behind every web server, as it is when not, and either entity tag is known"""
    found, missing = available()
    for gateway in found:
        plain = gateway.client().get("/openapi.json")
        small = gateway.client().get("/openapi.json", headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in plain.headers and plain.json(), (gateway.key, plain)
        assert small.headers.get("content-encoding") == "gzip", (gateway.key, small.headers)
        assert gzip.decompress(small.body) == plain.body, gateway.key
        for tag in (plain.headers["etag"], small.headers["etag"]):
            again = gateway.client().get("/openapi.json", headers={"Accept-Encoding": "gzip", "If-None-Match": tag})
            assert again.status == 304, (gateway.key, tag, again)
    if missing:
        harness.skip("; ".join(missing) + " (the others agree)")


def test_tls():
    """Over TLS every web server speaks HTTP/2 and HTTP/1.1, and redirects plain HTTP with the method kept"""
    harness.need("curl")
    key, certificate = harness.certificate()
    def check_kind(kind):
        port = harness.free_port()
        more = {
            "nginx": lambda: {"marks": {"plain": f"listen 127.0.0.1:{port}", "certificate": f"ssl_certificate {certificate}",
                                        "key": f"ssl_certificate_key {key}"}, "listen": "ssl http2"},
            "apache": lambda: {"defines": {"LISTEN_TLS": f"127.0.0.1:{port}", "CERTIFICATE": certificate, "KEY": key}},
            "lighttpd": lambda: {"settings": {"listen_tls": f"127.0.0.1:{port}", "certificate": certificate, "key": key}},
        }[kind]()
        server = KINDS[kind](app(None).socket_path, site_files(), site="banyan-tls.conf", **more)
        secure, plain = (server.port, port) if kind == "nginx" else (port, server.port)
        for option, version in (("--http2", "2"), ("--http1.1", "1.1")):
            done = harness.run(["curl", "-sk", option, "-o", os.devnull, "-w", "%{http_version} %{http_code}",
                                "-d", "{}", f"https://127.0.0.1:{secure}{INSPECT}x"], check=True)
            assert done.stdout == f"{version} 200", (kind, done.stdout)
        got = harness.Client(secure, context=harness.tls_context()).get(INSPECT + "a%2Fb")
        assert judge(got, expected_echo("GET", INSPECT + "a%2Fb", rest="a/b")) == "same", (kind, got)
        assert "max-age" in got.headers["strict-transport-security"], (kind, got)
        moved = harness.Client(plain).post(INSPECT + "x?a=b", b"{}")
        assert moved.status == 308 and moved.headers["location"].startswith("https://"), (kind, moved)
        assert moved.headers["location"].endswith(INSPECT + "x?a=b"), (kind, moved)
    each_kind(check_kind, ("nginx", "apache", "lighttpd"))


def test_status_socket():
    """The framework's addresses go to the status socket; metrics and status only from this machine"""
    def check_kind(kind):
        own, status = (harness.App(PROBE, prepare=(), env=let_in()) for _ in range(2))
        server = KINDS[kind](own.socket_path, site_files(), status=status.socket_path)
        for path in ("/live", "/ready", "/startup", "/health", "/metrics", "/status", INSPECT + "x"):
            server.client().get(path)
        harness.wait_until(lambda: INSPECT in harness.read(own.log), "the application's log is written")
        harness.wait_until(lambda: '"/status"' in harness.read(status.log), "the status worker's log is written")
        asked = {line["path"] for line in status.log_lines() if line.get("logger") == "access"}
        assert asked == {"/live", "/ready", "/startup", "/health", "/metrics", "/status"}, (kind, asked)
        for path in ("/metrics", "/status", "/%6Detrics"):
            assert refusal(elsewhere(server.port, path)) == "403 by the server", (kind, path)
        assert elsewhere(server.port, "/live").status == 200, kind
    each_kind(check_kind)


def elsewhere(port, path):
    """The answer to a client with another address than 127.0.0.1."""
    with socket.create_connection(("127.0.0.1", port), 10 * harness.SLOW, source_address=("127.0.0.2", 0)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        got = harness.http.client.HTTPResponse(connection)
        got.begin()
        return harness.Response(got.status, got.getheaders(), got.read())


# ---- nothing is sent twice ------------------------------------------------

class Dropper:
    """
    A FastCGI application that reads requests and then closes without an answer: each, or with `answered` all but the
    first of a connection. It counts the requests that it has read.
    """

    def __init__(self, answered=0):
        self.path = os.path.join(webservers.own(harness.directory("dropper")), "socket")
        self.answered, self.received = answered, 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            for number in range(1 << 30):
                if not self._request(stream):
                    return
                self.received += 1
                if number >= self.answered:
                    return
                connection.sendall(fastcgi.record(fastcgi.STDOUT, b"Content-Length: 2\r\n\r\n{}") +
                                   fastcgi.record(fastcgi.STDOUT) + fastcgi.record(fastcgi.END_REQUEST, bytes(8)))

    @staticmethod
    def _request(stream):
        """Whether a whole request came, up to the empty record that ends its body."""
        while header := stream.read(8):
            length = int.from_bytes(header[4:6], "big")
            stream.read(length + header[6])
            if header[1] == fastcgi.STDIN and length == 0:
                return True
        return False


def test_sent_once():
    """A request that was sent is not sent again, whatever its method, neither to another upstream nor to the same"""
    def check_kind(kind):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            first, second = Dropper(), Dropper()
            if kind == "nginx":
                both = f"server unix:{first.path}; server unix:{second.path}"
                server = harness.Nginx(None, site_files(), marks=over(f"unix:{first.path}") | {"socket": both})
            else:
                server = KINDS[kind](first.path, site_files())
            body = None if method in ("GET", "DELETE") else b"{}"
            got = server.client().request(method, INSPECT + "x", body)
            assert got.status in (500, 502, 503) and "by the server" in refusal(got), (kind, method, got)
            assert first.received + second.received == 1, (kind, method, first.received, second.received)
            server.stop()
    each_kind(check_kind)


def test_kept_connection():
    """Where a kept connection closes under a request, nginx sends a GET anew; a PUT has a connection of its own"""
    own = Dropper(answered=1)
    client = harness.Nginx(own.path, site_files()).client()
    assert [client.get("/x").status for _ in range(3)] == [200, 200, 200]
    assert own.received == 5, own.received  # the second and the third once more
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        before = own.received
        assert [client.request(method, "/x", b"{}").status for _ in range(3)] == [200, 200, 200], method
        assert own.received == before + 3, (method, own.received)


def test_application_away():
    """While the application is away every web server answers 503 as a problem document, nginx and Apache with Retry-After"""
    def check_kind(kind):
        client = KINDS[kind](os.path.join(harness.directory("empty"), "socket"), site_files()).client()
        for path in (INSPECT + "x", "/live"):
            got = client.get(path)
            assert refusal(got) == "503 by the server", (kind, got)
            assert kind == "lighttpd" or got.headers["retry-after"], (kind, got)
    each_kind(check_kind)


# ---- started by others ----------------------------------------------------

def test_shared_hosting():
    """Without root: a plain user's folder with binary, app.fcgi and .htaccess serves by mod_fcgid, and by CGI"""
    harness.need("apache2", "ldd")
    for fcgid in (True, False):
        hosting(fcgid)


def hosting(fcgid):
    home = webservers.own(harness.directory("home"))
    public, data = f"{home}/public_html", f"{home}/lab-data"
    shipped = os.path.join(webservers.DEPLOY, "shared-hosting")
    os.makedirs(f"{public}/lib")
    os.makedirs(f"{public}/docs")
    os.mkdir(data, 0o700)
    # What docs/shared-hosting.md tells to copy.
    shutil.copy(harness.binary("lab"), f"{public}/lab")
    shutil.copy(f"{shipped}/app.fcgi", f"{public}/app.fcgi")
    shutil.copy(f"{shipped}/htaccess", f"{public}/.htaccess")
    for library in re.findall(r"(\S*libbanyan\S*) \(0x", harness.run(
            ["ldd", f"{public}/lab"], env=harness.base_environment()).stdout):
        shutil.copy(library, f"{public}/lib")
    harness.write(f"{public}/docs/note.txt", "a file")
    harness.write(f"{data}/jwt.key", harness.TOKEN_KEY)
    for path in (data, f"{data}/jwt.key"):
        webservers.own(path)
    os.chmod(f"{data}/jwt.key", 0o600)
    done = harness.run([f"{public}/app.fcgi", "db", "upgrade"], env={"PATH": os.environ["PATH"]}, cwd=home,
                       user=webservers.ordinary_user())
    assert done.returncode == 0, (done.stdout, done.stderr, os.listdir(data), harness.read(f"{data}/lab.log"))
    server = harness.Apache(site=None, without=() if fcgid else ("fcgid",), extra=f"""
AccessFileName .htaccess
<VirtualHost 127.0.0.1:{{port}}>
	DocumentRoot "{public}"
	<Directory "{public}">
		AllowOverride FileInfo Options AuthConfig
		Require all granted
	</Directory>
</VirtualHost>
""")
    client = server.client()
    ready = client.get("/ready")
    assert ready.status == 200, (fcgid, ready, harness.read(f"{data}/lab.log"))
    token = tokens.hs256(tokens.claims(), harness.TOKEN_KEY)
    created = client.post("/api/v1/experiments", {
        "name": "On a shared host", "specimen": "HeLa", "instrument": "Spinning disk", "objective_magnification": 60,
        "numerical_aperture": 1.4, "pixel_size_um": 0.1, "exposure_ms": 80, "fps": 1.5, "frame_count": 1}, token=token)
    assert created.status == 201, created
    assert client.get(created.headers["location"]).json()["name"] == "On a shared host"
    assert client.get("/docs/note.txt").text == "a file"
    harness.check_problem(client.get("/nothing"), 404, "not-found")
    for path in ("/lab", "/.htaccess", "/lib/x"):
        assert client.get(path).status == 403, path
    server.stop()


def test_service_files():
    """systemd accepts the service and its socket"""
    harness.need("systemd-analyze")
    folder = harness.directory("units")
    for name in ("lab.service", "lab.socket"):
        text = harness.read(os.path.join(webservers.DEPLOY, "systemd", name))
        text = text.replace("ExecStart=/usr/bin/lab", f"ExecStart={harness.binary('lab')}")
        harness.write(f"{folder}/{name}", re.sub(r"(?m)^Documentation=.*\n", "", text))
    done = harness.run(["systemd-analyze", "verify", f"{folder}/lab.service", f"{folder}/lab.socket"])
    said = [line for line in (done.stdout + done.stderr).splitlines() if "lab." in line]
    assert done.returncode == 0 and not said, (done.returncode, done.stdout, done.stderr)


# ---- the documented table -------------------------------------------------

def table():
    """The matrix as docs/webservers.md shows it."""
    heads = ["", *(gateway.title for gateway in GATEWAYS)]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for section, cases in CASES.items():
        lines.append(f"| **{section}** " + "| " * len(GATEWAYS) + "|")
        for case in cases:
            cells = (case.expected[gateway.key].replace(" by the server", " server") for gateway in GATEWAYS)
            lines.append("| " + " | ".join([case.title, *cells]) + " |")
    return "\n".join(lines)


def test_documented_table():
    """The table in docs/webservers.md is the one that these tests hold the web servers to"""
    text = harness.read(DOCUMENT)
    shown = re.search(r"<!-- gateways:begin -->\n(.*?)\n<!-- gateways:end -->", text, re.S)
    assert shown, "docs/webservers.md has no table between gateways:begin and gateways:end"
    assert shown[1] == table(), "docs/webservers.md should hold:\n" + table()


harness.main()
