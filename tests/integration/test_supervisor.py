"""The supervisor: pools, replacement, reloads, upgrades, stops, and what it says to who started it."""

import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import fastcgi, harness  # noqa: E402
from support.harness import SLOW, wait_until  # noqa: E402
from support.region import Region  # noqa: E402

API = "/api/v1"
RECYCLINGS = int(os.environ.get("BY_TEST_RECYCLINGS", "20"))  # for a soak; set BY_TEST_TIMEOUT, too
PROBE = "tests/apps/probe/probe"


class Probe:
    """The probe under its supervisor. Its settings are in a file, so that a reload finds those that a test has changed."""

    def __init__(self, settings=None, pools=None, env=None, program=None, start=True):
        self.program = program or harness.binary(PROBE)
        self.directory = harness.directory("sup")
        self.file, self.log = os.path.join(self.directory, "probe.conf"), os.path.join(self.directory, "probe.log")
        self.settings = {"DATABASE_URL": f"sqlite:{self.directory}/probe.db", "WORKERS": 1, "JWT_ALGORITHM": "HS256",
                         "JWT_KEY": harness.TOKEN_KEY, "ACCESS_LOG": "false", **(settings or {})}
        self.pools = {name: dict(own) for name, own in (pools or {}).items()}
        self.env = harness.base_environment(**(env or {}))
        self.words, self.process, self.pass_fds = [self.program, "--config", self.file, "serve"], None, ()
        self.configure()
        if start:
            self.start()

    def configure(self, settings=None, pools=None):
        self.settings.update(settings or {})
        if pools is not None:
            self.pools = pools
        lines = [f"{name.lower()} = {value}" for name, value in self.settings.items() if value is not None]
        if self.pools:
            lines.append("pools = " + ", ".join(self.pools))
        for name, own in self.pools.items():
            lines += [f"[pool.{name}]"] + [f"{key.lower()} = {value}" for key, value in own.items()]
        harness.write(self.file + ".new", "\n".join(lines) + "\n")
        os.rename(self.file + ".new", self.file)

    def path(self, name):
        return os.path.join(self.directory, "run", name)

    def socket(self, pool=None):
        return self.path(f"probe-{pool}.sock" if pool else "probe.sock")

    @property
    def status_path(self):
        return self.path("probe-status.sock")

    def start(self, wait=True):
        self.process = harness.Process(self.words, self.log, env=self.env, cwd=self.directory, pass_fds=self.pass_fds)
        if wait:
            wait_until(self.is_ready, "the probe is ready")
        return self

    def is_ready(self):
        if not self.process.running:
            raise AssertionError(f"ended with {self.process.code}: {self.process.output()[-3000:]}")
        region = self.region()
        wanted = [pool for pool in region.pools if pool["name"] == "status" or self.always_has_workers(pool["name"])]
        return region.ready and all(region.of(pool["name"], "ready") for pool in wanted)

    def always_has_workers(self, pool):
        return {**self.settings, **self.pools.get(pool, {})}.get("SCALING") != "on_demand"

    def region(self):
        return Region(self.path("probe.shared"))

    def get(self, uri, pool=None, method="GET", body=b"", timeout=10, **more):
        return fastcgi.request(self.socket(pool), method, uri, body=body, timeout=timeout * SLOW, **more)

    def status(self, uri):
        return fastcgi.request(self.status_path, "GET", uri, timeout=10 * SLOW)

    def lines(self):
        return harness.App.log_lines(self)

    def said(self, message, **members):
        return [line for line in self.lines() if message in line.get("message", "")
                and all(line.get(name) == value for name, value in members.items())]

    def tell(self, number):
        os.kill(self.process.pid, number)

    def reload(self, number=signal.SIGHUP, state="done", timeout=20):
        """Asks for a new generation, and waits for how it goes."""
        before = self.region().reloads
        self.tell(number)
        wait_until(lambda: self.region().reloads > before and self.region().reload_state == state,
                   f"the reload is {state}", timeout)
        assert self.process.running
        if state == "done":
            wait_until(self.is_of_one_generation, "the older workers take no more requests")
        return self.region()

    def is_of_one_generation(self):
        region = self.region()
        return all(worker["generation"] == region.generation for worker in region.workers if worker["state"] == "ready")

    def stop(self):
        return self.process.stop()

    def run(self, timeout=30, env=None):
        """A start that is to fail: its exit code and words."""
        done = harness.run(self.words, env={**self.env, **(env or {})}, cwd=self.directory, timeout=timeout)
        return done.returncode, done.stdout + done.stderr


class Calls:
    """Requests one after another on kept connections, until stopped. Every outcome is remembered."""

    def __init__(self, path, uri=API + "/worker", clients=4, kept=True, pause=0.0):
        self.outcomes, self.answers, self.last = {}, 0, None
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._work, args=(path, uri, kept, pause), daemon=True)
                         for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _work(self, path, uri, kept, pause):
        connection = None
        while not self._stop.is_set():
            try:
                if connection is None:
                    connection = fastcgi.Connection(path, 20 * SLOW)
                answer = connection.request("GET", uri, keep=kept)
                outcome = answer.status
            except (OSError, fastcgi.Closed) as error:
                answer, outcome = None, f"{type(error).__name__}: {error}"
            if answer is None or not kept:
                if connection:
                    connection.close()
                connection = None
            with self._lock:
                self.answers += 1
                self.last = answer
                self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
            if pause:
                time.sleep(pause)
        if connection:
            connection.close()

    def more(self, count=50, timeout=30):
        until = self.answers + count
        wait_until(lambda: self.answers >= until, f"{count} more answers", timeout)

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(30 * SLOW)
        return self.outcomes


class Watch:
    """
    Looks at the region all the while: the most workers of a pool that take requests at a time. A look takes a while
    itself, so those count that were ready in two looks, and thus all together between them.
    """

    def __init__(self, probe, pool="web"):
        self.most, self._stop = 0, threading.Event()

        def look():
            before = set()
            while not self._stop.is_set():
                with contextlib.suppress(OSError):
                    now = set(probe.region().of(pool, "ready"))
                    self.most, before = max(self.most, len(now & before)), now
                time.sleep(0.001)
        self._thread = threading.Thread(target=look, daemon=True)
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join()
        return self.most


def gone(pid):
    """Ended; perhaps not yet collected."""
    try:
        return harness.read(f"/proc/{pid}/stat").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def need_root():
    if os.geteuid() != 0:
        harness.skip("only root can start workers as another user")


# ---- pools ------------------------------------------------------------------

def test_two_pools():
    """two pools of one file listen, count and mount for themselves; variables lay over sections"""
    probe = Probe({"BASE_PATH": "/all"}, {"web": {"WORKERS": 2, "BODY_MAX": "1KiB"},
                                          "api": {"WORKERS": 1, "BASE_PATH": "/api2", "BODY_MAX": "8KiB"}},
                  env={"POOL_API_WORKERS": 3, "POOL_WEB_WORKER_ENVIRONMENT": "COLOUR=green,SHAPE=round"})
    region = wait_until(lambda: len(probe.region().of("api", "ready")) == 3 and probe.region(), "three workers")
    assert [pool["name"] for pool in region.pools] == ["web", "api", "status"], region.pools
    assert len(region.of("web")) == 2 and len(region.of("status")) == 1, region.workers
    web, api = (probe.get(f"{base}{API}/worker?variable=COLOUR", pool).json()
                for base, pool in (("/all", "web"), ("/api2", "api")))
    assert web["value"] == "green" and api["value"] == "", (web, api)
    assert web["pid"] in region.of("web") and api["pid"] in region.of("api")
    assert probe.get(f"/all{API}/worker", "api").status == 404
    for pool, base, status in (("web", "/all", 413), ("api", "/api2", 200)):
        answer = probe.get(f"{base}{API}/echo", pool, "POST", b'{"text":"' + b"x" * 4000 + b'"}',
                           headers={"Content-Type": "application/json"})
        assert answer.status == status, (pool, answer)
    assert probe.stop() == 0
    assert not os.path.exists(probe.path("probe.shared")) and not os.path.exists(probe.socket("web"))


def test_pool_settings_are_shown():
    """`config show --pool` prints a pool's own settings with where they are from; `config check` finds its faults"""
    probe = Probe(start=False, pools={"web": {"WORKERS": 3}, "api": {"BASE_PATH": "/api2"}})

    def config(*words):
        done = harness.run([probe.words[0], "--config", probe.file, "config", *words], env=probe.env, cwd=probe.directory)
        return done.returncode, done.stdout + done.stderr

    code, text = config("show", "--sources", "--pool", "web")
    assert code == 0 and re.search(r"(?m)^WORKERS=3  # .*probe.conf line \d+$", text), text
    assert "BASE_PATH=\n" not in config("show", "--pool", "api")[1] and "BASE_PATH=/api2" in config("show", "--pool", "api")[1]
    assert config("show", "--pool", "other")[0] == 64
    assert config("check")[0] == 0
    probe.configure(pools={"web": {"WORKERS": 1000}})
    code, text = config("check")
    assert code == 78 and "pool web: WORKERS" in text, (code, text)


def test_pool_faults():
    """all faults of pools are told by name, with 78, before any socket is there"""
    probe = Probe(start=False)
    cases = [
        ({"web": {"WORKERS": 1000, "BODY_MAX": "much"}, "api": {"LISTEN": "nowhere"}},
         ("pool web: WORKERS", "pool web: BODY_MAX", "pool api: LISTEN")),
        ({"web": {"LISTEN": "unix:same.sock"}, "api": {"LISTEN": "unix:same.sock"}}, ("LISTEN", "web and api")),
        ({"web": {"LISTEN": "unix:run/probe-status.sock"}}, ("LISTEN", "STATUS_LISTEN")),
        ({"web": {"RUNTIME_DIR": "elsewhere"}, "api": {"APP_ENV": "dev"}}, ("RUNTIME_DIR", "web", "APP_ENV", "api")),
        ({"web": {"LISTEN": "127.0.0.1:9"}}, ("pool web: LISTEN_ALLOW",)),
        ({"web": {"WORKER_USER": "nobody-of-that-name"}}, ("WORKER_USER", "web")),
        ({"web": {"WORKER_ENVIRONMENT": "novalue"}}, ("pool web: WORKER_ENVIRONMENT",)),
        ({"Web": {}}, ("POOLS",)),
        ({"status": {}}, ("POOLS",)),
    ]
    for pools, words in cases:
        probe.configure(pools=pools)
        code, text = probe.run()
        assert code == 78, (pools, code, text)
        assert all(word in text for word in words), (pools, text)
        assert not os.path.exists(probe.path("")) or not any(name.endswith(".sock") for name in os.listdir(probe.path("")))
    probe.configure(pools={"web": {}})
    code, text = probe.run(env={"POOL_WEBB_WORKERS": "2"})
    assert code == 78 and "POOL_WEBB" in text, text


# ---- users ------------------------------------------------------------------

def status_of(pid):
    return dict(line.split(":\t", 1) for line in harness.read(f"/proc/{pid}/status").splitlines() if ":\t" in line)


def sockets_of(pid):
    return {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}


def listening(path):
    """The name that /proc gives the listening socket of a path."""
    for line in harness.read("/proc/net/unix").splitlines()[1:]:
        words = line.split()
        if len(words) == 8 and words[7] == path and int(words[3], 16) & 0x10000:
            return f"socket:[{words[6]}]"
    raise AssertionError(f"nobody listens at {path}")


def test_worker_user():
    """workers are the user of their pool with its groups and no socket of others, and a reopened log is theirs, too"""
    need_root()
    nobody = pwd.getpwnam("nobody")
    group = "daemon"
    probe = Probe({"WORKERS": 2, "LISTEN": None, "LOG_FILE": "probe.out", "ACCESS_LOG": "true"}, {
        "web": {"WORKER_USER": "nobody", "DATABASE_URL": "sqlite::memory:", "WORKER_ENVIRONMENT": "WHO=web"},
        "api": {"WORKER_USER": "nobody", "WORKER_GROUP": group, "DATABASE_URL": "sqlite::memory:", "LISTEN": "unix:run/x.sock"},
        "own": {"DATABASE_URL": "sqlite::memory:"}}, start=False)
    os.chmod(probe.directory, 0o755)
    probe.start()
    wait_until(lambda: all(len(probe.region().of(pool, "ready")) == 2 for pool in ("web", "api", "own")), "all are ready")
    region = probe.region()
    gid = harness.grp.getgrnam(group).gr_gid
    for pool, uid, want in (("web", nobody.pw_uid, nobody.pw_gid), ("api", nobody.pw_uid, gid), ("own", 0, os.getgid())):
        for pid in region.of(pool):
            about = status_of(pid)
            assert about["Uid"].split() == [str(uid)] * 4, (pool, about["Uid"])
            assert about["Gid"].split() == [str(want)] * 4, (pool, about["Gid"])
            if pool != "own":
                assert set(about["Groups"].split()) <= {str(want)}, (pool, about["Groups"])
    paths = {"web": "run/probe-web.sock", "api": "run/x.sock", "own": "run/probe-own.sock", "status": "run/probe-status.sock"}
    # Paths are relative, as LISTEN gives them: this supervisor's are those among its own descriptors.
    ours = sockets_of(probe.process.pid)
    named = {}
    for line in harness.read("/proc/net/unix").splitlines()[1:]:
        words = line.split()
        if len(words) == 8 and f"socket:[{words[6]}]" in ours and int(words[3], 16) & 0x10000:
            named[words[7]] = f"socket:[{words[6]}]"
    for pool in paths:
        for pid in region.of(pool):
            has = sockets_of(pid)
            for other, path in paths.items():
                assert (named[path] in has) == (other == pool), (pool, other)
    assert probe.get(f"{API}/worker?variable=WHO", "web").json()["value"] == "web"
    out = os.path.join(probe.directory, "probe.out")
    os.rename(out, out + ".1")
    old = region.of("web") + region.of("api")
    probe.tell(signal.SIGUSR1)
    wait_until(lambda: not set(old) & set(probe.region().of("web") + probe.region().of("api")), "they are replaced", 20)
    assert set(probe.region().of("own")) == set(region.of("own"))
    assert probe.get(f"{API}/worker?variable=later", "web").status == 200
    wait_until(lambda: "/worker" in harness.read(out), "its line is in the new file")
    assert probe.stop() == 0


def test_worker_user_needs_root():
    """whoever is not root cannot start workers as somebody else"""
    need_root()
    probe = Probe({"WORKER_USER": "daemon"}, start=False)
    shutil.chown(probe.directory, "nobody")
    done = subprocess.run(probe.words, env=probe.env, cwd=probe.directory, user="nobody", group="nogroup", extra_groups=[],
                          capture_output=True, text=True, timeout=30 * SLOW)
    if "Permission denied" in done.stderr:
        harness.skip("nobody cannot reach the program")
    assert done.returncode == 78 and "WORKER_USER" in done.stderr and "root" in done.stderr, done


# ---- how many ---------------------------------------------------------------

def test_dynamic():
    """a dynamic pool grows with its load up to WORKERS and shrinks to WORKERS_MIN when that is over"""
    probe = Probe({"SCALING": "dynamic", "WORKERS": 3, "WORKERS_MIN": 1, "WORKER_TARGET": 2, "IDLE_TIMEOUT": "500ms"})
    assert len(probe.region().of("web")) == 1
    calls = Calls(probe.socket(), f"{API}/sleep?ms=100", clients=16)
    wait_until(lambda: len(probe.region().of("web", "ready")) == 3, "it has grown", 20)
    calls.more(100)
    assert len(probe.region().of("web", "starting", "prepared", "ready")) <= 3
    assert set(calls.stop()) == {200}, calls.outcomes
    wait_until(lambda: len(probe.region().of("web")) == 1, "it has shrunk", 20)
    assert probe.get(API + "/worker").status == 200
    assert probe.region().pool("web")["crashed"] == 0
    assert probe.stop() == 0


def test_on_demand():
    """an on-demand pool has no worker until somebody connects, answers the first one, and has none after a while"""
    probe = Probe({"SCALING": "on_demand", "WORKERS": 2, "IDLE_TIMEOUT": "300ms"})
    for _ in range(3):
        assert probe.region().of("web") == []
        assert probe.get(API + "/worker").status == 200
        wait_until(lambda: probe.region().of("web") == [], "its worker has ended", 20)
    calls = Calls(probe.socket(), kept=False, clients=2)
    calls.more(100)
    probe.reload()
    calls.more(100)
    assert set(calls.stop()) == {200}, calls.outcomes
    assert probe.region().pool("web")["crashed"] == 0
    assert probe.stop() == 0


def test_max_requests():
    """workers are replaced after so many requests, none is lost, and never more of them serve than there may"""
    probe = Probe({"WORKERS": 2, "WORKER_MAX_REQUESTS": 40})
    watch = Watch(probe)
    calls = Calls(probe.socket(), clients=4)
    wait_until(lambda: probe.region().pool("web")["replaced"] >= RECYCLINGS, f"{RECYCLINGS} replacements", 3 * RECYCLINGS)
    calls.more(100)
    outcomes, most = calls.stop(), watch.stop()
    assert set(outcomes) == {200}, outcomes
    assert most <= 2, most
    web = probe.region().pool("web")
    assert web["crashed"] == 0 and web["started"] >= web["replaced"], web
    print(f"# {outcomes[200]} requests, {web['replaced']} replacements")
    assert probe.stop() == 0


def test_max_memory():
    """a worker that has become too large is replaced, and nothing is lost meanwhile"""
    probe = Probe({"WORKERS": 1, "LOG_LEVEL": "warning"})
    size = harness.resident(probe.region().of("web")[0])
    probe.configure({"WORKER_MAX_MEMORY": size + 40 * 1024 * 1024})
    probe.reload()
    calls, before = Calls(probe.socket(), clients=2), probe.region()
    wait_until(lambda: len(probe.region().of("web")) == 1, "the old one has ended")
    victim = probe.region().of("web")[0]
    for _ in range(8):
        assert probe.get(f"{API}/keep?bytes={8 * 1024 * 1024}").status == 200
        calls.more(5)
    wait_until(lambda: victim not in probe.region().of("web"), "it is replaced", 30)
    calls.more(20)
    assert set(calls.stop()) == {200}, calls.outcomes
    assert probe.region().pool("web")["replaced"] > before.pool("web")["replaced"]
    assert probe.region().pool("web")["crashed"] == 0
    assert probe.stop() == 0


# ---- crashes ----------------------------------------------------------------

def test_backoff_per_pool():
    """a pool whose workers end at their start is tried ever more slowly; the other loses no worker and no request"""
    probe = Probe({}, {"bad": {"WORKER_ENVIRONMENT": "PROBE_START=fail"}, "good": {"WORKERS": 2}}, start=False)
    probe.start(wait=False)
    wait_until(lambda: len(probe.region().of("good", "ready")) == 2, "the good pool is ready")
    good = set(probe.region().of("good"))
    calls = Calls(probe.socket("good"), clients=2)
    wait_until(lambda: len(probe.said("waiting before the next")) >= 4, "four times", 30)
    waits = [line["seconds"] for line in probe.said("waiting before the next")]
    assert waits[:4] == [0.1, 0.2, 0.4, 0.8], waits
    assert all(line["pool"] == "bad" for line in probe.said("waiting before the next"))
    assert set(calls.stop()) == {200}, calls.outcomes
    assert set(probe.region().of("good")) == good
    bad = probe.region().pool("bad")
    assert bad["crashed"] >= 4 and bad["backoff_ms"] >= 400, bad
    assert probe.region().pool("good")["crashed"] == 0
    assert probe.stop() == 0


def test_killed_worker():
    """a worker that is killed is replaced within a second"""
    probe = Probe({"WORKERS": 2})
    victim, other = probe.region().of("web", "ready")[:2] if len(probe.region().of("web", "ready")) == 2 else \
        wait_until(lambda: len(probe.region().of("web", "ready")) == 2 and probe.region().of("web"), "two workers")
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(probe.region().of("web", "ready")) == 2 and victim not in probe.region().of("web"),
               "there are two again", 1)
    assert other in probe.region().of("web")
    assert probe.region().pool("web")["crashed"] == 1
    assert probe.stop() == 0


def test_killed_before_its_successor_is_prepared():
    """a worker that is killed while its successor still starts is replaced by that one"""
    probe = Probe({"WORKER_MAX_REQUESTS": 1, "WORKER_ENVIRONMENT": "PROBE_START=slow"})
    victim = probe.region().of("web")[0]
    assert probe.get(API + "/worker").json()["pid"] == victim
    successor = wait_until(lambda: probe.region().of("web", "starting"), "a successor starts")[0]
    os.kill(victim, signal.SIGKILL)
    assert probe.get(API + "/worker").json()["pid"] == successor
    assert probe.stop() == 0


def test_poison():
    """a route that has crashed its workers often enough is answered 503 for a while, others go on, and then it is back"""
    probe = Probe({"WORKERS": 2, "POISON_CRASHES": 2, "POISON_TIME": "3s" if SLOW < 2 else "8s"})
    crashes = 0
    while not probe.said("again and again"):
        with contextlib.suppress(OSError, fastcgi.Closed):
            answer = probe.get(API + "/crash", method="POST")
            if answer.status == 503:
                break
        crashes += 1
        assert crashes <= 2, "it crashes on"
        wait_until(lambda: probe.region().pool("web")["crashed"] == crashes and probe.region().of("web", "ready"), "a worker")
    answer = probe.get(API + "/crash", method="POST")
    assert answer.status == 503 and int(answer.headers["retry-after"]) >= 1, answer
    assert answer.headers["content-type"] == "application/problem+json", answer
    assert probe.get(API + "/worker").status == 200
    lines = probe.said("again and again")
    assert len(lines) == 1 and lines[0]["route"] == API + "/crash" and lines[0]["method"] == "POST", lines
    assert probe.region().pool("web")["crashed"] == 2

    def served():
        try:
            return probe.get(API + "/crash", method="POST").status != 503
        except (OSError, fastcgi.Closed):
            return True
    wait_until(served, "it is served, and crashes, again", 20)
    assert probe.stop() == 0


def test_kills_poison_nothing():
    """workers that are killed from outside while a route runs do not have it refused"""
    probe = Probe({"WORKERS": 1, "POISON_CRASHES": 2})
    for killed in range(1, 5):
        connection = fastcgi.Connection(probe.socket(), 10 * SLOW)
        connection.send(fastcgi.begin() + fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(
            fastcgi.environment("GET", API + "/sleep?ms=60000"))) + fastcgi.stream(fastcgi.STDIN, b""))
        wait_until(lambda: any(worker["active"] for worker in probe.region().workers if worker["pool"] == "web"), "it runs")
        os.kill(probe.region().of("web")[0], signal.SIGKILL)
        wait_until(lambda: probe.region().pool("web")["crashed"] == killed and probe.region().of("web", "ready"), "a worker")
        connection.close()
    assert probe.get(API + "/sleep?ms=1").status == 200
    assert not probe.said("again and again")
    assert probe.stop() == 0


def test_stall():
    """a stalled worker is reported with what it does, its requests are answered 504, and it is replaced;
    meanwhile the status process answers at once"""
    probe = Probe({"STALL_REPORT": "300ms", "STALL_LIMIT": "3s", "QUEUE_MAX": 1, "REQUESTS_MAX": 2, "QUEUE_TIMEOUT": "20s"})
    victim = probe.region().of("web")[0]
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    waiting = []
    spin = fastcgi.Connection(probe.socket(), 30 * SLOW)
    params = fastcgi.environment("GET", API + "/spin?ms=60000", {"Traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    spin.send(fastcgi.begin() + fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(params)) + fastcgi.record(fastcgi.STDIN))
    wait_until(lambda: probe.said("worker stalled"), "the report", 10)
    for _ in range(3):
        other = fastcgi.Connection(probe.socket(), 30 * SLOW)
        other.send(fastcgi.begin() + fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(fastcgi.environment("GET", API + "/worker")))
                   + fastcgi.record(fastcgi.STDIN))
        waiting.append(other)
    times = []
    for uri in ("/live", "/health", "/metrics") * 15:
        began = time.monotonic()
        answer = probe.status(uri)
        times.append(time.monotonic() - began)
        assert answer.status == 200, (uri, answer)
    assert victim in probe.region().of("web", "ready"), "it was replaced too early to tell"
    # The fastest fifth: what others do on this machine is not measured.
    assert sorted(times)[len(times) // 5] < 0.01 * SLOW, sorted(times)
    line = probe.said("worker stalled")[0]
    assert line["method"] == "GET" and line["route"] == API + "/spin" and line["trace_id"] == trace, line
    assert line["path"].startswith(API + "/spin"), line
    assert "spin" in str(line["stack"]), line
    answer = spin.read_answer()
    assert answer.status == 504 and answer.json()["status"] == 504, answer
    statuses = [other.read_answer().status for other in waiting]
    assert set(statuses) <= {504, 200}, statuses  # those that no worker had taken yet are served by the next one
    wait_until(lambda: probe.region().of("web", "ready") not in ([], [victim]), "another worker")
    assert probe.said("a stalled worker is replaced", pid=victim)
    assert probe.get(API + "/worker").status == 200
    assert probe.stop() == 0


def test_startup():
    """/startup answers 503 until the first worker is ready, whatever its start takes, and 200 from then on"""
    probe = Probe({}, {"web": {"WORKER_ENVIRONMENT": "PROBE_START=slow"}}, start=False)
    probe.start(wait=False)

    def ask():
        try:
            return probe.status("/startup")
        except (OSError, fastcgi.Closed):
            return None
    first = wait_until(ask, "the status process answers", interval=0.002)
    assert first.status == 503 and first.json()["status"] == "starting", first
    assert probe.status("/live").status == 200
    wait_until(lambda: probe.status("/startup").status == 200, "it has started")
    assert probe.region().of("web", "ready")
    assert probe.stop() == 0


# ---- reloads ----------------------------------------------------------------

def test_reload_settings():
    """SIGHUP takes changed settings, counters go on, /startup does not fall back, and nothing is lost"""
    probe = Probe({"WORKERS": 1, "LOG_LEVEL": "warning"})
    calls = Calls(probe.socket(), clients=2)
    calls.more(50)
    counted = probe.region().pool("web")["started"]
    served = harness.metric_sum(probe.status("/metrics").body.decode(), "http_server_request_duration_seconds_count",
                                http_route=API + "/worker")
    assert served >= 50
    assert not probe.said("worker ready")
    old = probe.region().of("web")
    startup, stop = set(), threading.Event()

    def ask():
        while not stop.is_set():
            with contextlib.suppress(OSError, fastcgi.Closed):
                startup.add(probe.status("/startup").status)
            time.sleep(0.01)
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    probe.configure({"WORKERS": 3, "LOG_LEVEL": "info", "WORKER_ENVIRONMENT": "LATER=yes"})
    region = probe.reload()
    assert region.generation == 2 and region.reloads == 1, vars(region)
    wait_until(lambda: len(probe.region().of("web", "ready")) == 3, "three workers")
    wait_until(lambda: not set(old) & set(probe.region().of("web")), "the old one has left")
    assert probe.get(f"{API}/worker?variable=LATER").json()["value"] == "yes"
    calls.more(50)
    wait_until(lambda: probe.said("worker ready"), "the new LOG_LEVEL")
    later = harness.metric_sum(probe.status("/metrics").body.decode(), "http_server_request_duration_seconds_count",
                               http_route=API + "/worker")
    assert later >= served + 50, (served, later)
    assert probe.region().pool("web")["started"] == counted + 3
    assert set(calls.stop()) == {200}, calls.outcomes
    stop.set()
    thread.join()
    assert startup == {200}, startup
    probe.configure({"BASE_PATH": "/below"})
    assert probe.reload().generation == 3
    assert probe.get(f"/below{API}/worker").status == 200 and probe.get(API + "/worker").status == 404
    assert harness.read(f"/proc/{probe.process.pid}/comm").strip() == "probe"
    assert probe.stop() == 0


def test_reload_pools():
    """SIGHUP adds and removes pools and changes their order and addresses"""
    probe = Probe({}, {"web": {}})
    probe.configure(pools={"api": {"LISTEN": f"unix:{probe.directory}/with a space.sock"}, "web": {"WORKERS": 2}})
    started = probe.region().pool("web")["started"]
    region = probe.reload()
    assert [pool["name"] for pool in region.pools] == ["api", "web", "status"]
    assert probe.region().pool("web")["started"] == started + 2
    spaced = f"{probe.directory}/with a space.sock"
    assert fastcgi.request(spaced, "GET", API + "/worker").status == 200
    calls = Calls(spaced, clients=2)
    calls.more(20)
    probe.reload()
    calls.more(20)
    assert set(calls.stop()) == {200}, calls.outcomes
    assert probe.get(API + "/worker", "web").status == 200
    slow = fastcgi.Connection(probe.socket("web"), 30 * SLOW)
    slow.send(fastcgi.begin() + fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(fastcgi.environment("GET", API + "/sleep?ms=700")))
              + fastcgi.record(fastcgi.STDIN))
    wait_until(lambda: any(worker["active"] for worker in probe.region().workers), "it runs")
    probe.configure(pools={"api": {"LISTEN": f"unix:{probe.directory}/moved.sock"}})
    region = probe.reload()
    assert [pool["name"] for pool in region.pools] == ["api", "status"]
    assert fastcgi.request(f"{probe.directory}/moved.sock", "GET", API + "/worker").status == 200
    assert not os.path.exists(spaced) and not os.path.exists(probe.socket("web"))
    assert slow.read_answer().status == 200
    assert probe.stop() == 0


def test_reload_refused():
    """what cannot be is refused with its reason, the workers stay, and a good reload follows"""
    probe = Probe({"WORKERS": 2})
    wait_until(lambda: len(probe.region().of("web", "ready")) == 2, "two workers")
    workers, sound = set(probe.region().of("web")), dict(probe.settings)
    calls = Calls(probe.socket(), clients=2)
    nowhere = harness.directory("nowhere")
    cases = [
        ({"WORKERS": "many", "BODY_MAX": "much"}, ("WORKERS", "BODY_MAX")),
        ({"WORKRES": "2"}, ("workres", "workers")),
        ({"DATABASE_URL": f"postgresql://u:hunter2@/lab?host={nowhere}&connect_timeout=1"}, ("database", nowhere)),
        ({"LOG_FILE": f"{nowhere}/not/there.log"}, ("LOG_FILE",)),
        ({"LISTEN": f"unix:{probe.file}"}, (probe.file,)),
        ({"WORKER_ENVIRONMENT": "PROBE_START=fail"}, ("PROBE_START",)),
        ({"RUNTIME_DIR": f"{probe.file}/run"}, (probe.file,)),
    ]
    for wrong, words in cases:
        probe.settings = {**sound, **wrong}
        probe.configure()
        region = probe.reload(state="refused")
        assert all(word in region.reload_reason for word in words), (wrong, region.reload_reason)
        assert "hunter2" not in probe.process.output()
        assert words[0] in probe.said("reload refused")[-1]["reason"], probe.lines()[-5:]
        assert region.generation == 1 and set(region.of("web")) == workers
    calls.more(20)
    assert set(calls.stop()) == {200}, calls.outcomes
    probe.settings = dict(sound)
    probe.configure()
    assert probe.reload().generation == 2
    assert probe.stop() == 0


def test_reload_pending_migrations():
    """a reload to a database whose migrations are pending is refused and says what to do"""
    lab = harness.App(workers=1, env={"DATABASE_URL": None}, prepare=(), start=False)
    settings = os.path.join(lab.directory, "lab.conf")
    harness.write(settings, f"database_url = {lab.database}\n")
    words = [lab.program, "--config", settings, "serve"]
    harness.run([*words[:3], "db", "upgrade"], env=lab.env, cwd=lab.directory, check=True)
    process = harness.Process(words, lab.log, env=lab.env, cwd=lab.directory)
    lab.process = process
    wait_until(lab.is_ready, "the lab is ready")
    harness.write(settings, f"database_url = sqlite:{lab.directory}/other.db\n")
    process.send_signal(signal.SIGHUP)
    shared = os.path.join(lab.directory, "run", "lab.shared")
    wait_until(lambda: Region(shared).reload_state == "refused", "it is refused", 20)
    assert "pending" in Region(shared).reload_reason and "db upgrade" in Region(shared).reload_reason
    assert lab.is_ready()
    assert process.stop() == 0


def test_reload_never_ready():
    """when the new workers do not become ready the older ones serve on, and a later reload succeeds, also at the old address"""
    probe = Probe({"START_TIMEOUT": f"{int(2000 * SLOW)}ms"})
    workers, sound = set(probe.region().of("web")), dict(probe.settings)
    calls = Calls(probe.socket(), clients=2)
    probe.configure({"WORKER_ENVIRONMENT": "PROBE_START=hang", "LISTEN": f"unix:{probe.directory}/other.sock"})
    region = probe.reload(state="refused", timeout=30)
    assert "START_TIMEOUT" in region.reload_reason, region.reload_reason
    assert region.generation == 1 and set(region.of("web", "ready")) == workers
    calls.more(20)
    probe.settings = sound
    probe.configure()
    probe.reload()
    wait_until(lambda: not workers & set(probe.region().of("web")), "the old ones have left")
    calls.more(20)
    assert set(calls.stop()) == {200}, calls.outcomes
    assert not os.path.exists(f"{probe.directory}/other.sock")
    assert probe.stop() == 0


def test_signals_during_reload():
    """of several SIGHUPs the last settings count; SIGTERM during a reload stops, SIGHUP during a stop does nothing"""
    probe = Probe()
    calls = Calls(probe.socket(), clients=2)
    for i in range(6):
        probe.configure({"WORKER_ENVIRONMENT": f"TURN={i}"})
        probe.tell(signal.SIGHUP)
        time.sleep(0.05)
    wait_until(lambda: probe.get(f"{API}/worker?variable=TURN").json()["value"] == "5", "the last settings", 20)
    wait_until(lambda: probe.region().reload_state == "done", "it is over")
    calls.more(20)
    assert set(calls.stop()) == {200}, calls.outcomes
    probe.tell(signal.SIGHUP)
    wait_until(lambda: probe.region().reload_state == "running", "it reloads", interval=0.001)
    probe.tell(signal.SIGTERM)
    assert probe.process.wait(20) == 0
    assert not os.path.exists(probe.path("probe.shared"))
    probe.start()
    slow = fastcgi.Connection(probe.socket(), 30 * SLOW)
    slow.send(fastcgi.begin() + fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(fastcgi.environment("GET", API + "/sleep?ms=500")))
              + fastcgi.record(fastcgi.STDIN))
    wait_until(lambda: any(worker["active"] for worker in probe.region().workers), "it runs")
    probe.tell(signal.SIGTERM)
    probe.tell(signal.SIGHUP)
    assert slow.read_answer().status == 200
    assert probe.process.wait(20) == 0


# ---- upgrades ---------------------------------------------------------------

DESCRIPTION = b"Does what a test asks of it."


def program(directory, text=None):
    """A copy of the probe in a directory; `text` is put in the place of its description."""
    path = os.path.join(directory, "probe")
    with open(harness.binary(PROBE), "rb") as file:
        data = file.read()
    assert DESCRIPTION in data
    if text:
        data = data.replace(DESCRIPTION, text.ljust(len(DESCRIPTION)))
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.chmod(path + ".new", 0o755)
    os.rename(path + ".new", path)
    return path


def description(probe):
    for uri in (API + "/openapi.json", "/openapi.json"):
        answer = probe.get(uri)
        if answer.status == 200:
            return answer.json()["info"]["description"].strip()
    raise AssertionError(answer)


def test_upgrade():
    """SIGUSR2 changes to the program that stands at the path now, in the same process; SIGHUP stays with the old one"""
    path = program(harness.directory("bin"))
    probe = Probe({"WORKERS": 2}, program=path)
    pid = probe.process.pid
    calls = Calls(probe.socket(), clients=2)
    program(os.path.dirname(path), b"The second version.")
    assert probe.reload().generation == 2
    assert description(probe) == DESCRIPTION.decode()
    region = probe.reload(signal.SIGUSR2)
    assert region.generation == 3 and region.supervisor == pid and probe.process.running
    assert description(probe) == "The second version."
    os.unlink(path)
    assert probe.reload().generation == 4
    assert description(probe) == "The second version."
    region = probe.reload(signal.SIGUSR2, state="refused")
    assert "No such file" in region.reload_reason, region.reload_reason
    harness.write(path, "no program")
    os.chmod(path, 0o755)
    region = probe.reload(signal.SIGUSR2, state="refused")
    assert region.reload_reason and region.generation == 4, region.reload_reason
    assert probe.said("upgrade refused")
    program(os.path.dirname(path), b"The third version.")
    assert probe.reload(signal.SIGUSR2).generation == 5
    assert description(probe) == "The third version."
    calls.more(20)
    assert set(calls.stop()) == {200}, calls.outcomes
    assert probe.stop() == 0


def test_upgrade_by_link():
    """a symbolic link that is changed leads to the new program"""
    directory = harness.directory("bin")
    for name, text in (("1", None), ("2", b"The second version.")):
        os.mkdir(os.path.join(directory, name))
        program(os.path.join(directory, name), text)
    link = os.path.join(directory, "probe")
    os.symlink("1/probe", link)
    probe = Probe(program=link)
    os.symlink("2/probe", link + ".new")
    os.rename(link + ".new", link)
    assert probe.reload(signal.SIGUSR2).generation == 2
    assert description(probe) == "The second version."
    assert probe.stop() == 0


# ---- stopping ---------------------------------------------------------------

def test_graceful_stop():
    """/ready fails first and requests are still taken; idle connections are closed, what runs is finished, /live stays"""
    probe = Probe({"DRAIN_DELAY": f"{int(800 * SLOW)}ms"})
    idle, slow = (fastcgi.Connection(probe.socket(), 30 * SLOW) for _ in range(2))
    assert idle.request("GET", API + "/worker").status == 200
    slow.send(fastcgi.begin() + fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(
        fastcgi.environment("GET", f"{API}/sleep?ms={int(2500 * SLOW)}"))) + fastcgi.record(fastcgi.STDIN))
    wait_until(lambda: any(worker["active"] for worker in probe.region().workers), "it runs")
    probe.tell(signal.SIGTERM)
    wait_until(lambda: probe.region().draining, "it drains", interval=0.002)
    for ask in (probe.get, probe.status):
        answer = ask("/ready")
        assert answer.status == 503 and answer.json()["status"] == "draining", answer
    assert probe.get(API + "/worker").status == 200, "it does not accept during DRAIN_DELAY"
    assert probe.get("/live").status == 200
    assert idle.is_closed(5 * SLOW)
    wait_until(lambda: not os.path.exists(probe.socket()), "the socket is closed")
    assert slow.buffer == b"" and probe.process.running
    ready = probe.status("/ready")
    assert ready.status == 503 and ready.json()["status"] == "draining", ready
    assert probe.status("/live").status == 200
    assert slow.read_answer().status == 200
    assert probe.process.wait(10) == 0
    assert not os.path.exists(probe.status_path)


def test_streams_end():
    """streams of events are told when the service stops: each ends whole, with the line that has its client come again"""
    probe = Probe()
    streams = []
    for _ in range(20):
        stream = fastcgi.Connection(probe.socket(), 30 * SLOW)
        stream.send(fastcgi.begin() + fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(
            fastcgi.environment("GET", API + "/stream?n=100000&ms=10000"))) + fastcgi.record(fastcgi.STDIN))
        streams.append(stream)
    wait_until(lambda: sum(worker["active"] for worker in probe.region().workers) == len(streams), "all are open")
    probe.tell(signal.SIGTERM)
    for stream in streams:
        answer = stream.read_answer()
        assert answer.status == 200 and re.fullmatch(rb"id: 0\ndata: 0\n\nretry: \d+\n\n", answer.body), answer
    assert probe.process.wait(10) == 0


def test_stop_deadline():
    """what exceeds SHUTDOWN_TIMEOUT is answered 503 and makes the exit code 1; a second SIGTERM does not wait for it"""
    probe = Probe({"SHUTDOWN_TIMEOUT": "300ms"})

    def begin():
        slow = fastcgi.Connection(probe.socket(), 30 * SLOW)
        params = fastcgi.environment("GET", API + "/sleep?ms=60000")
        slow.send(fastcgi.begin() + fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(params)) + fastcgi.record(fastcgi.STDIN))
        wait_until(lambda: any(worker["active"] for worker in probe.region().workers), "it runs")
        return slow
    slow = begin()
    probe.tell(signal.SIGTERM)
    answer = slow.read_answer()
    assert answer.status == 503 and answer.headers["content-type"] == "application/problem+json", answer
    assert "retry-after" in answer.headers, answer
    assert probe.process.wait(10) == 1
    probe.configure({"SHUTDOWN_TIMEOUT": "60s"})
    probe.start()
    slow = begin()
    probe.tell(signal.SIGTERM)
    wait_until(lambda: probe.region().draining, "it drains")
    probe.tell(signal.SIGTERM)
    assert probe.process.wait(10) == 1
    assert slow.is_closed(1)


def test_stop_while_starting():
    """a stop before the workers have started cuts nothing off, and the exit code says so"""
    probe = Probe({"WORKER_ENVIRONMENT": "PROBE_START=hang"}, start=False)
    probe.start(wait=False)
    wait_until(lambda: probe.region().of("web", "starting"), "a worker starts")
    wait_until(lambda: probe.region().of("status", "ready"), "the status process is ready")
    assert probe.stop() == 0, probe.process.output()[-2000:]


def test_backlog():
    """connections that nobody has accepted when the stop comes are answered 503, not reset"""
    probe = Probe()
    worker = probe.region().of("web")[0]
    os.kill(worker, signal.SIGSTOP)
    waiting = []
    for _ in range(5):
        connection = fastcgi.Connection(probe.socket(), 30 * SLOW)
        params = fastcgi.environment("GET", API + "/worker")
        connection.send(fastcgi.begin() + fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(params)) + fastcgi.record(fastcgi.STDIN))
        waiting.append(connection)
    probe.tell(signal.SIGTERM)
    wait_until(lambda: probe.region().draining, "it stops")
    os.kill(worker, signal.SIGCONT)
    for connection in waiting:
        answer = connection.read_answer()
        assert answer.status in (200, 503), answer
        assert answer.status == 200 or "retry-after" in answer.headers, answer
    assert probe.process.wait(10) == 0


# ---- who started it -----------------------------------------------------------

class Notices:
    """The socket that NOTIFY_SOCKET names."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(20 * SLOW)
        self.seen = []

    def next(self, word):
        """The next notice that has this line; others before it are kept in .seen."""
        while True:
            lines = self.socket.recv(4096).decode().splitlines()
            self.seen.append(lines)
            if any(line.startswith(word) for line in lines):
                return dict(line.split("=", 1) for line in lines)


def test_notify():
    """systemd is told READY, RELOADING with its time, READY, WATCHDOG in time, and STOPPING; workers do not know it"""
    for abstract in (False, True):
        directory = harness.directory("notify")
        address = f"\0by-{os.getpid()}-notify" if abstract else os.path.join(directory, "notify")
        notices = Notices(address)
        probe = Probe(env={"NOTIFY_SOCKET": address.replace("\0", "@"), "WATCHDOG_USEC": 600000}, start=False)
        began = time.monotonic_ns() // 1000
        probe.start()
        notices.next("READY=1")
        last = time.monotonic()
        for _ in range(4):
            notices.next("WATCHDOG=1")
            assert time.monotonic() - last < 0.6 * SLOW
            last = time.monotonic()
        for variable in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
            assert probe.get(f"{API}/worker?variable={variable}").json()["value"] == ""
        probe.tell(signal.SIGHUP)
        reloading = notices.next("RELOADING=1")
        assert began < int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000, reloading
        notices.next("READY=1")
        notices.next("WATCHDOG=1")
        probe.configure({"WORKERS": "many"})
        probe.tell(signal.SIGHUP)
        notices.next("RELOADING=1")
        notices.next("READY=1")
        probe.tell(signal.SIGTERM)
        notices.next("STOPPING=1")
        assert probe.process.wait() == 0


def test_listen_fds():
    """sockets that systemd passes go to the pools and the status process by their names, and outlive reloads"""
    probe = Probe({}, {"web": {}, "api": {"LISTEN": "unix:run/own.sock"}}, start=False)
    named = {}
    for name in ("status", "web"):
        named[name] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        named[name].bind(os.path.join(probe.directory, name))
        named[name].listen(64)
    script = ("import os, sys\n"
              f"fds = [{named['status'].fileno()}, {named['web'].fileno()}]\n"
              "kept = [os.dup(os.dup(os.dup(fd))) for fd in fds]\n"
              "high = [os.fcntl if False else __import__('fcntl').fcntl(fd, 0, 100) for fd in fds]\n"
              "for at, fd in enumerate(high): os.dup2(fd, 3 + at, inheritable=True)\n"
              "os.closerange(5, 200)\n"
              "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='2', LISTEN_FDNAMES='status:web')\n"
              "os.execv(sys.argv[1], sys.argv[1:])\n")
    probe.words = [sys.executable, "-c", script, *probe.words]
    probe.pass_fds = tuple(each.fileno() for each in named.values())
    probe.start()
    for each in named.values():
        each.close()
    for _ in range(2):
        assert fastcgi.request(os.path.join(probe.directory, "web"), "GET", API + "/worker").status == 200
        assert fastcgi.request(os.path.join(probe.directory, "status"), "GET", "/live").status == 200
        assert fastcgi.request(probe.path("own.sock"), "GET", API + "/worker").status == 200
        assert not os.path.exists(probe.socket("web")) and not os.path.exists(probe.status_path)
        probe.reload()
    probe.tell(signal.SIGTERM)
    assert probe.process.wait() == 0
    assert os.path.exists(os.path.join(probe.directory, "web")), "a passed socket is not ours to remove"


def test_pid_file():
    """PID_FILE holds the supervisor's pid, also after a reload, and is gone at the end"""
    probe = Probe({"PID_FILE": "run/probe.pid"})
    for _ in range(2):
        assert harness.read(probe.path("probe.pid")) == f"{probe.process.pid}\n"
        probe.reload()
    assert probe.stop() == 0
    assert not os.path.exists(probe.path("probe.pid"))


def test_log_reopened():
    """after the log was moved and SIGUSR1 sent, supervisor and workers write to the new file, and no line is lost"""
    probe = Probe({"WORKERS": 2, "LOG_FILE": "out.log", "ACCESS_LOG": "true"})
    out = os.path.join(probe.directory, "out.log")
    calls = Calls(probe.socket(), f"{API}/worker?variable=X", clients=2)
    files = [out]
    for turn in range(3):
        calls.more(30)
        os.rename(out, f"{out}.{turn}")
        files.append(f"{out}.{turn}")
        probe.tell(signal.SIGUSR1)
        wait_until(lambda: os.path.exists(out) and "the log was reopened" in harness.read(out), "the new file")
        still = wait_until(lambda: all(out in sockets_of(pid) for pid in probe.region().of("web")), "workers have it")
        assert still
        size = os.path.getsize(f"{out}.{turn}")
        calls.more(30)
        assert os.path.getsize(f"{out}.{turn}") == size, "the old file still grows"
    assert set(calls.stop()) == {200}, calls.outcomes
    answered = calls.answers
    assert probe.stop() == 0
    lines = sum(harness.read(path).count(f'"{API}/worker"') for path in files)
    assert lines >= answered, (lines, answered)


def test_process_1():
    """as process 1 of a container it serves, collects orphans, and stops on SIGTERM"""
    probe = Probe(start=False)
    unshare = harness.need("unshare")[0]
    words = [unshare, "--pid", "--fork", "--mount-proc", "--kill-child"]
    tried = subprocess.run([*words, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        harness.skip(f"unshare is not permitted: {tried.stderr.strip()}")
    # An orphan that ends while the probe runs: its parent, a shell, has become the probe.
    probe.words = [*words, "sh", "-c", '(sleep 1 & echo $! >orphan) & wait $!; exec "$@"', "sh", *probe.words]
    probe.start(wait=False)
    wait_until(lambda: probe.region().ready, "it is ready")
    first = wait_until(lambda: harness.children(probe.process.pid), "the process")[0]
    assert probe.region().supervisor == 1
    assert probe.get(API + "/worker").status == 200

    def zombies():
        return [pid for pid in harness.children(first) if gone(pid)]
    wait_until(lambda: not zombies() and not any("sleep" in harness.read(f"/proc/{pid}/comm")
                                                 for pid in harness.children(first)), "the orphan is collected", 20)
    os.kill(first, signal.SIGTERM)
    assert probe.process.wait() == 0


def test_supervisor_killed():
    """workers of a supervisor that is killed end, and a new one can start at once"""
    probe = Probe({"WORKERS": 2})
    workers = probe.region().of("web") + probe.region().of("status")
    os.kill(probe.process.pid, signal.SIGKILL)
    probe.process.wait()

    def restarted():
        probe.start(wait=False)
        wait_until(lambda: not probe.process.running or probe.region().supervisor == probe.process.pid, "it has begun")
        time.sleep(0.05)
        return probe.process.running
    wait_until(restarted, "another can start", 10)
    wait_until(probe.is_ready, "it is ready")
    wait_until(lambda: all(gone(pid) for pid in workers), "the old workers are gone")
    assert probe.get(API + "/worker").status == 200
    assert probe.stop() == 0


# ---- without a supervisor -------------------------------------------------------

def test_lone_workers_share():
    """workers that a web server started, and CGI programs, count together, and a dead one's slot is free again"""
    directory = harness.directory("lone")
    env = harness.base_environment(DATABASE_URL=f"sqlite:{directory}/probe.db", JWT_KEY=harness.TOKEN_KEY, JWT_ALGORITHM="HS256")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path = os.path.join(directory, "lone.sock")
    listener.bind(path)
    listener.listen(16)

    def start():
        return harness.Process([harness.binary(PROBE)], os.path.join(directory, "lone.log"), env=env, cwd=directory,
                               stdin=listener)

    def region():
        return Region(os.path.join(directory, "run", "probe.lone"))

    def living():
        return [worker["pid"] for worker in region().workers if worker["state"] == "ready"]
    workers = [start(), start()]
    wait_until(lambda: sorted(living()) == sorted(worker.pid for worker in workers), "both have a slot")
    for _ in range(20):
        assert fastcgi.request(path, "GET", API + "/worker", timeout=10 * SLOW).status == 200
    done = subprocess.run([harness.binary(PROBE)], env={**env, **fastcgi.environment("GET", API + "/worker")}, cwd=directory,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=30 * SLOW)
    assert fastcgi.Answer(done.stdout).status == 200, done

    def counted():
        text = fastcgi.request(path, "GET", "/metrics", timeout=10 * SLOW).body.decode()
        return harness.metric_sum(text, "http_server_request_duration_seconds_count", http_route=API + "/worker")
    wait_until(lambda: counted() == 21, "one answer tells of all")
    used = region().used
    os.kill(workers[0].pid, signal.SIGKILL)
    workers[0].wait()
    workers[0] = start()
    wait_until(lambda: sorted(living()) == sorted(worker.pid for worker in workers), "the slot is taken again")
    assert region().used == used, (used, region().used)
    assert counted() == 21
    for worker in workers:
        assert worker.stop() == 0


# ---- the runtime directory --------------------------------------------------------

def test_runtime_directory():
    """one supervisor has a runtime directory; one that cannot be written is told with 69; one that is full is lived with"""
    probe = Probe()
    code, text = probe.run(env={"LISTEN": "unix:other.sock", "STATUS_LISTEN": "off"})
    assert code == 69 and "runs already" in text, (code, text)
    assert probe.is_ready()
    assert probe.stop() == 0
    assert not os.path.exists(probe.path("probe.shared"))
    code, text = probe.run(env={"RUNTIME_DIR": probe.file})
    assert code == 69 and probe.file in text, (code, text)
    if os.geteuid() == 0:
        small = harness.directory("small")
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,nr_inodes=8", "tmpfs", small], capture_output=True).returncode:
            print("# not tried: mount is not permitted")
            return
        try:
            full = harness.App("tests/apps/probe/probe", prepare=(), env={"RUNTIME_DIR": small})
            assert "serving without a file" in harness.read(full.log), harness.read(full.log)
            assert full.stop() == 0
        finally:
            subprocess.run(["umount", small], check=True)


if __name__ == "__main__":
    harness.main()
