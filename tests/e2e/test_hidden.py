"""No secret of the settings is in anything that an application writes, answers or shows of itself."""

import base64
import contextlib
import os
import sys
from urllib.parse import quote

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import fastcgi, harness, tokens  # noqa: E402

PEER = "tests/integration/peer"


class Secrets:
    """A key, a password and a secret of the application's own, and all that is seen of the application."""

    def __init__(self):
        self.key, self.password, self.code, self.wrong = (os.urandom(20).hex() for _ in range(4))
        self.seen = {}

    def see(self, what, data):
        self.seen[what] = self.seen.get(what, b"") + (data if isinstance(data, bytes) else str(data).encode())

    def parts(self):
        """What must not be seen: both halves of each, and each in the dresses that it might wear."""
        for secret in (self.key, self.password, self.code, self.wrong):
            yield from (secret[:12].encode(), secret[-12:].encode(), base64.b64encode(secret.encode())[:16],
                        secret.encode().hex().encode(), quote(secret).encode())

    def check(self):
        for what, data in self.seen.items():
            for part in self.parts():
                assert part not in data, f"{what} shows a secret: {data[max(0, data.index(part) - 200):][:400]}"


class Peer(harness.App):
    """The peer, whose settings are all in its .env file, so that a reload finds what a test has written there."""

    def __init__(self, secrets, database):
        super().__init__(PEER, prepare=(), start=False, status=None,
                         env={"JWT_KEY": None, "JWT_ALGORITHM": None, "DATABASE_URL": None, "WORKERS": None})
        self.secrets, self.url = secrets, database
        self.configure()

    def configure(self, **more):
        values = {"WORKERS": 1, "JWT_ALGORITHM": "HS256", "JWT_KEY": self.secrets.key, "PEER_CODE": self.secrets.code,
                  "DATABASE_URL": self.url, "LOG_LEVEL": "debug", "SLOW_REQUEST": "100ms", "STALL_REPORT": "300ms",
                  "DATABASE_CONNECT_TIMEOUT": "2s", **more}
        harness.write(os.path.join(self.directory, ".env"), "".join(f"{k}={v}\n" for k, v in values.items()))

    def shown(self, *arguments, code=None):
        done = self.command(*arguments)
        self.secrets.see("peer " + " ".join(arguments), done.stdout + done.stderr)
        assert code is None or done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def asked(self, uri, headers=None, path=None):
        with contextlib.suppress(fastcgi.Closed, ConnectionError):
            answer = fastcgi.request(path or self.socket_path, "GET", uri, headers, timeout=20 * harness.SLOW)
            self.secrets.see(uri, answer.stdout if hasattr(answer, "stdout") else repr(answer))
            self.secrets.see(uri, answer.body + repr(answer.headers).encode())
            return answer.status
        return None

    def see_processes(self):
        for pid in [self.process.pid, *self.process.children()]:
            for name in ("cmdline", "comm"):
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    self.secrets.see(f"/proc/PID/{name}", file.read())

    def see_files(self):
        """The log, and whatever else the application has written."""
        for folder, _, names in os.walk(self.directory):
            for name in names:
                if name != ".env" and not os.path.islink(os.path.join(folder, name)) \
                        and os.path.isfile(os.path.join(folder, name)):
                    with open(os.path.join(folder, name), "rb") as file:
                        self.secrets.see(name, file.read())


def serve_and_fail(app):
    """Good and bad requests, a slow one, a stalled loop, and crashes."""
    assert app.asked("/api/v1/nap?ms=0") == 200
    assert app.asked("/api/v1/nap?ms=300") == 200
    assert app.asked("/api/v1/spin?ms=1000") == 200
    assert app.asked("/api/v1/nap?ms=x") == 422
    assert app.asked("/nowhere") == 404
    for key in (app.secrets.key, app.secrets.wrong):
        app.asked("/api/v1/nap?ms=0", {"Authorization": f"Bearer {tokens.hs256(tokens.claims(), key)}"})
    for uri in ("/live", "/ready", "/health", "/metrics"):
        assert app.asked(uri) == 200, uri
    for route in ("crash", "overflow"):
        assert app.asked(f"/api/v1/{route}") is None
        harness.wait_until(lambda: app.asked("/api/v1/nap?ms=0") == 200, "a worker serves again")
    for uri in ("/status", "/metrics", "/ready", "/health"):
        assert app.asked(uri, path=app.status_path) == 200, uri


def refused_reloads(app):
    """Reloads with faults of every kind, each beside a secret."""
    wrong = app.secrets.wrong
    for faults in ({"BODY_MAX": "-1"}, {"JWT_KEY": wrong[:20]}, {"DATABASE_URL": f"oracle://u:{wrong}@h/x"},
                   {"DATABASE_URL": f"postgresql://u:{wrong}@h/x?nonsense=1"}, {"PEER_CODES": wrong},
                   {"DATABASE_URL": f"postgresql://u:{wrong}@[::1/x"}, {"JWT_ALGORITHM": "none"},
                   {"JWT_ALGORITHM": "ES256", "JWT_KEY": wrong}, {"DATABASE_URL": f"postgresql://u:{wrong}@127.0.0.1:1/x"}):
        app.configure(**faults)
        app.shown("config", "check")
        app.shown("config", "show", "--sources")
        app.shown("doctor")
        assert app.command("reload").returncode != 0, faults
        app.shown("status", "--json", code=0)
        app.shown("status", code=0)
        app.asked("/status", path=app.status_path)
    app.configure()
    app.shown("reload", code=0)


def refused_starts(secrets):
    for faults in ({"BODY_MAX": "-1", "JWT_KEY": secrets.wrong[:20]}, {"DATABASE_URL": f"oracle://u:{secrets.wrong}@h/x"},
                   {"DATABASE_URL": f"postgresql://u:{secrets.wrong}@h/x?nonsense=1"}, {"PEER_CODES": secrets.wrong},
                   {"DATABASE_URL": f"postgresql://u:{secrets.wrong}@127.0.0.1:1/x", "DATABASE_START_TIMEOUT": "300ms"}):
        app = Peer(secrets, "sqlite:x.db")
        app.configure(**faults)
        app.start(wait=False)
        assert app.process.wait(30) in (69, 78), (faults, app.process.output())
        app.see_files()


def test_no_secret_is_seen():
    """Log, errors, commands, status, metrics, reports of crashes, stalls and slow requests, and refusals hold no byte of a secret"""
    secrets = Secrets()
    server = harness.Postgres()
    server.create("peer")
    app = Peer(secrets, f"postgresql://postgres:{secrets.password}@/peer?host={server.directory}")
    app.start()
    serve_and_fail(app)
    for command in (("config", "show"), ("config", "show", "--sources"), ("config", "check"), ("config", "sample"), ("status",),
                    ("status", "--json"), ("routes",), ("health", "ready"), ("version", "--features"), ("doctor",),
                    ("token",), ("reload",)):
        app.shown(*command)
    assert "JWT_KEY=***" in app.shown("config", "show") and "PEER_CODE=***" in app.shown("config", "show")
    app.see_processes()
    refused_reloads(app)
    server.stop()
    harness.wait_until(lambda: app.asked("/ready") == 503, "the loss of the database is noticed")
    answer = app.cgi("GET", "/health")
    secrets.see("CGI", answer.body + repr(answer.headers).encode())
    app.see_processes()
    app.see_files()
    app.stop()
    app.see_files()
    refused_starts(secrets)
    log = secrets.seen["app.log"].decode()
    for told in ("worker crashed", "request is slow", "stall", "cannot connect", "refused"):
        assert told in log, f"the log has nothing of {told!r}"
    assert b"peer.shared" in b" ".join(name.encode() for name in secrets.seen), sorted(secrets.seen)
    secrets.check()


def test_what_is_looked_for_is_found():
    """The search itself finds a secret, whole or half, plain or in base64"""
    for dress in (lambda s: s.encode(), lambda s: s[:15].encode(), lambda s: base64.b64encode(s.encode())):
        secrets = Secrets()
        secrets.see("planted", b"some text " + dress(secrets.password) + b" and more")
        try:
            secrets.check()
        except AssertionError:
            continue
        raise AssertionError("not found")


harness.main()
