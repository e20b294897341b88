"""
What the tests that start processes share: private directories, servers on free ports or unix sockets, waiting by
readiness, an HTTP client, and a runner that prints TAP.

A test file is functions named test_*, whose docstring is the test's name, and at its end `harness.main()`. Whatever a
test starts is ended by its pid when the file ends, also when a test crashes; a server dies with the test process.
"""

import atexit
import contextlib
import ctypes
import functools
import grp
import http.client
import json
import os
import pwd
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from . import fastcgi, tokens

SOURCE = os.environ.get("BY_SRCDIR") or os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("BY_BUILDDIR") or os.path.join(SOURCE, "build")
TEST_TIMEOUT = int(os.environ.get("BY_TEST_TIMEOUT", "120"))
SLOW = float(os.environ.get("BY_TEST_SLOW", "1"))  # stretches waits where everything runs slowly: sanitizers, valgrind

fixture = functools.cache


# ---- skipping, and waiting ------------------------------------------------

class Skip(Exception):
    """The test cannot run here; the reason is shown."""


class TimedOut(BaseException):
    """The test ran past its limit. Not an Exception, so that a retry loop does not swallow it."""


def skip(reason):
    raise Skip(reason)


def need(*programs):
    """Skips the test unless all these programs can be found; gives their paths."""
    return [program_path(program) or skip(f"{program} is not installed") for program in programs]


def program_path(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin")


def wait_until(condition, what, timeout=15, interval=0.02):
    """Polls until the condition gives something true, and returns it. OSErrors count as not yet."""
    until = time.monotonic() + timeout * SLOW
    reason = ""
    while time.monotonic() < until:
        try:
            got = condition()
            if got:
                return got
        except (OSError, fastcgi.Closed, http.client.HTTPException) as error:
            reason = f" ({error})"
        time.sleep(interval)
    raise AssertionError(f"not within {timeout} s: {what}{reason}")


# ---- directories and ports ------------------------------------------------

_directories = []
_processes = []
_failed = False


def directory(name="t"):
    """A new private directory, removed at the end. Others may pass through it, not list it."""
    path = tempfile.mkdtemp(prefix=f"by-{name}-", dir=os.environ.get("BY_TEST_TMP"))
    os.chmod(path, 0o711)
    _directories.append(path)
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


# ---- processes ------------------------------------------------------------

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A program in the background in a session of its own; its output goes to a log file."""

    def __init__(self, arguments, log, env=None, cwd=None, user=None, stdin=None, pass_fds=(), limits=None):
        self.arguments, self.log = [str(argument) for argument in arguments], log
        credentials = {}
        if user is not None:
            entry = pwd.getpwnam(user)
            credentials = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

        def prepare():
            _die_with_parent()
            for number in (signal.SIGINT, signal.SIGQUIT):  # ignored, when the tests run in a shell's background
                signal.signal(number, signal.SIG_DFL)
            for limit, value in (limits or {}).items():
                resource.setrlimit(limit, value)

        with open(log, "ab") as output:
            self.popen = subprocess.Popen(
                self.arguments, stdin=stdin or subprocess.DEVNULL, stdout=output, stderr=output, env=env, cwd=cwd,
                start_new_session=True, preexec_fn=prepare, pass_fds=pass_fds, **credentials)
        self.pid = self.popen.pid
        _processes.append(self)

    def __repr__(self):
        return f"<{os.path.basename(self.arguments[0])} pid {self.pid}>"

    @property
    def running(self):
        return self.popen.poll() is None

    @property
    def code(self):
        return self.popen.poll()

    def send_signal(self, number):
        if self.running:
            os.kill(self.pid, number)

    def wait(self, timeout=15):
        """Its exit code; minus the signal when one ended it."""
        try:
            return self.popen.wait(timeout * SLOW)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self} has not ended within {timeout} s") from None

    def stop(self, timeout=15, number=signal.SIGTERM):
        self.send_signal(number)
        return self.wait(timeout)

    def kill(self):
        """Ends it and what it left in its session, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait()

    def output(self):
        return read(self.log)

    def children(self):
        return children(self.pid)


def children(pid):
    """The pids of the direct children, in the order of their start."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                fields = read(f"/proc/{entry}/stat").rpartition(")")[2].split()
                if int(fields[1]) == pid:
                    found.append((int(fields[19]), int(entry)))
    return [pid for _, pid in sorted(found)]


def resident(pid):
    """Resident memory in bytes."""
    return int(read(f"/proc/{pid}/statm").split()[1]) * resource.getpagesize()


def private_bytes(pid):
    """Memory that is this process's alone, in bytes."""
    return sum(int(line.split()[1]) * 1024 for line in read(f"/proc/{pid}/smaps_rollup").splitlines()
               if line.startswith(("Private_Clean:", "Private_Dirty:")))


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def run(arguments, input=None, env=None, timeout=60, cwd=None, user=None, check=False):
    """Runs a program to its end; .returncode, .stdout and .stderr as text."""
    done = subprocess.run([str(argument) for argument in arguments], input=input, env=env, timeout=timeout * SLOW,
                          cwd=cwd, user=user, capture_output=True, text=True, errors="replace",
                          preexec_fn=_die_with_parent)
    if check and done.returncode != 0:
        raise AssertionError(f"{arguments[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done


@atexit.register
def _end_all():
    for process in reversed(_processes):
        if process.running:
            process.send_signal(signal.SIGTERM)
    until = time.monotonic() + 5
    while time.monotonic() < until and any(process.running for process in _processes):
        time.sleep(0.02)
    for process in reversed(_processes):
        process.kill()
    if _failed:
        _keep_logs()
    for path in _directories:
        shutil.rmtree(path, ignore_errors=True)


def _keep_logs():
    """Copies every process's log to the build directory, since the private directories go."""
    name = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    kept = os.path.join(BUILD if os.path.isdir(BUILD) else tempfile.gettempdir(), "tests", "logs", name)
    os.makedirs(kept, exist_ok=True)
    for number, log in enumerate(dict.fromkeys(process.log for process in _processes)):
        with contextlib.suppress(OSError):
            shutil.copyfile(log, os.path.join(kept, f"{number}-{os.path.basename(log)}"))
    print(f"# logs: {kept}", flush=True)


# ---- HTTP client ----------------------------------------------------------

class Response:
    def __init__(self, status, headers, body):
        self.status, self.header_list, self.body = status, [(name.lower(), value) for name, value in headers], body
        self.headers = dict(self.header_list)

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise AssertionError(f"not JSON ({error}): {self}") from None

    def __repr__(self):
        return f"<{self.status} {dict(self.headers)} {self.body[:600]!r}>"


def exchange(port, data):
    """The answer to these bytes, which need not be a request that a client library would send."""
    with socket.create_connection(("127.0.0.1", port), 10 * SLOW) as connection:
        connection.sendall(data)
        got = http.client.HTTPResponse(connection)
        got.begin()
        return Response(got.status, got.getheaders(), got.read())


class Client:
    """Requests to one server on one kept connection; a path is sent as it is, byte for byte."""

    witness = None  # called with (method, path, headers, body, response) of every exchange; see support/openapi.py

    def __init__(self, port, host="127.0.0.1", token=None, timeout=30, context=None):
        self.port, self.host, self.token, self.timeout, self.context = port, host, token, timeout, context
        self._connection = None

    def _connect(self):
        if self._connection is None:
            kind = http.client.HTTPSConnection if self.context else http.client.HTTPConnection
            more = {"context": self.context} if self.context else {}
            self._connection = kind(self.host, self.port, timeout=self.timeout * SLOW, **more)
        return self._connection

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def request(self, method, path, body=None, headers=None, token=None, chunked=False):
        """A body that is not bytes is sent as JSON. `token` "" sends none."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, bytearray)) and not hasattr(body, "__next__"):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        token = self.token if token is None else token
        if token:
            headers.setdefault("Authorization", f"Bearer {token}")
        connection = self._connect()
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            if chunked:
                headers["Transfer-Encoding"] = "chunked"
            elif body is not None and "Content-Length" not in headers:
                headers["Content-Length"] = str(len(body))
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(([body] if isinstance(body, (bytes, bytearray)) else body) if chunked else body,
                                  encode_chunked=chunked)
            got = connection.getresponse()
            response = Response(got.status, got.getheaders(), got.read())
            if got.will_close:
                self.close()
            if Client.witness:
                Client.witness((method, path, headers, body, response))
            return response
        except BaseException:
            self.close()
            raise

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def put(self, path, body=None, **more):
        return self.request("PUT", path, body, **more)

    def patch(self, path, body=None, **more):
        return self.request("PATCH", path, body, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)

    def raw(self, data, shut=False):
        """Sends bytes on a connection of its own and gives all that comes back until the server closes."""
        with socket.create_connection((self.host, self.port), self.timeout * SLOW) as connection:
            connection.sendall(data)
            if shut:
                connection.shutdown(socket.SHUT_WR)
            got = b""
            while True:
                piece = connection.recv(65536)
                if not piece:
                    return got
                got += piece


def check_problem(response, status, slug=None, title=None):
    """The answer is a problem document (RFC 9457) of this status; gives it."""
    assert response.status == status, f"expected {status}: {response}"
    assert response.headers.get("content-type", "").split(";")[0] == "application/problem+json", response
    problem = response.json()
    for member in ("type", "title", "status", "detail", "instance"):
        assert member in problem, f"no {member}: {problem}"
    assert problem["status"] == status, problem
    if slug is not None:
        assert problem["type"].rsplit("/", 1)[-1].rsplit(":", 1)[-1] == slug, problem
    if title is not None:
        assert problem["title"] == title, problem
    return problem


def check_faults(problem, **expected):
    """The problem's errors[] are exactly these places and codes: check_faults(p, **{"#/name": "required"}).

    A place is a JSON pointer into the body, or the name of a parameter or header.
    """
    got = {}
    for fault in problem.get("errors", []):
        assert fault.get("detail"), fault
        place = fault["pointer"] if "pointer" in fault else fault["name"]
        got[place] = fault["code"]
    assert got == expected, f"expected {expected}, got {got} in {problem}"


def metrics(text):
    """Prometheus' text format as {(name, frozenset of (label, value)): number}."""
    samples = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?', line)
        assert match, f"not a sample: {line!r}"
        labels = re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"', match[2] or "")
        samples[match[1], frozenset(labels)] = float(match[3])
    return samples


def metric_sum(text, name, **labels):
    """The sum of all samples of this name that have these labels."""
    wanted = set(labels.items())
    return sum(value for (sample, has), value in metrics(text).items() if sample == name and wanted <= has)


# ---- PostgreSQL -----------------------------------------------------------

def postgres_bin():
    """The folder of the newest installed server's programs, or None."""
    base = "/usr/lib/postgresql"
    versions = sorted((v for v in os.listdir(base) if v.isdigit()), key=int) if os.path.isdir(base) else []
    for version in reversed(versions):
        if os.path.exists(f"{base}/{version}/bin/initdb"):
            return f"{base}/{version}/bin"
    found = program_path("initdb")
    return os.path.dirname(found) if found else None


class Postgres:
    """A private cluster that listens on a unix socket only. It refuses root, so root runs it as user postgres."""

    def __init__(self, settings=None):
        self.bin = postgres_bin() or skip("PostgreSQL's server is not installed")
        self.directory = directory("pg")
        self.data, self.log = os.path.join(self.directory, "data"), os.path.join(self.directory, "postgres.log")
        self.user = "postgres" if os.geteuid() == 0 else None
        write(self.log, "")
        if self.user:
            shutil.chown(self.directory, "postgres", grp.getgrgid(pwd.getpwnam("postgres").pw_gid).gr_name)
            shutil.chown(self.log, "postgres")
        done = run([f"{self.bin}/initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                    "--locale=C.UTF-8", "--no-sync"], user=self.user, cwd=self.directory)
        assert done.returncode == 0, done.stdout + done.stderr
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as file:
            for name, value in {"listen_addresses": "''", "unix_socket_directories": f"'{self.directory}'",
                                "fsync": "off", "full_page_writes": "off", "synchronous_commit": "on",
                                "max_connections": 200, "shared_buffers": "'64MB'", "timezone": "'UTC'",
                                "log_min_duration_statement": -1, **(settings or {})}.items():
                file.write(f"{name} = {value}\n")
        self.process = None
        self.start()

    def start(self):
        self.process = Process([f"{self.bin}/postgres", "-D", self.data], self.log, user=self.user,
                               cwd=self.directory)
        wait_until(lambda: self.process.running and self.sql("SELECT 1", check=False) == "1" or
                   (not self.process.running and self._ended()), "PostgreSQL answers")

    def _ended(self):
        raise AssertionError(f"PostgreSQL ended: {self.process.output()[-2000:]}")

    def stop(self):
        """Fast shutdown: sessions are ended, transactions rolled back."""
        self.process.stop(number=signal.SIGINT)

    def kill(self):
        """As a power cut: every process of the cluster is killed."""
        pids = [self.process.pid, *self.process.children()]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.popen.wait()
        for pid in pids[1:]:
            wait_until(lambda pid=pid: not os.path.exists(f"/proc/{pid}"), f"backend {pid} is gone")

    def url(self, database="postgres"):
        return f"postgresql://postgres@/{database}?host={self.directory}"

    def sql(self, text, database="postgres", check=True):
        done = run([f"{self.bin}/psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.directory,
                    "-U", "postgres", "-d", database, "-c", text], user=self.user, cwd=self.directory)
        if check and done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout.strip() if done.returncode == 0 else None

    def create(self, database):
        self.sql(f'CREATE DATABASE "{database}"')
        return self.url(database)

    def connections(self, database):
        """How many sessions others have on this database."""
        return int(self.sql(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'"))


class Relay(threading.Thread):
    """A TCP port that passes everything on to the cluster's unix socket."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.listener = path, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(self.path)
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=(source, target), daemon=True).start()

    @staticmethod
    def copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


# ---- the application ------------------------------------------------------

TOKEN_KEY = "a key for tests alone, at least 32 bytes"


def binary(name="lab"):
    """The path of a built program, or of any other when the name is absolute."""
    path = os.path.join(BUILD, name)
    if not os.path.exists(path):
        skip(f"{name} is not built in {BUILD}")
    real = os.path.join(os.path.dirname(path), ".libs", os.path.basename(path))
    return real if os.path.exists(real) else path


def base_environment(**more):
    """An environment with nothing of the caller's but where libraries and sanitizer reports are."""
    kept = ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS", "TMPDIR")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    libraries = os.path.join(BUILD, ".libs")
    env["LD_LIBRARY_PATH"] = ":".join(filter(None, [libraries, os.environ.get("LD_LIBRARY_PATH")]))
    env.update({name: str(value) for name, value in more.items() if value is not None})
    return env


class App:
    """An application's supervisor and workers on a unix socket of its own, with a data directory of its own."""

    def __init__(self, program="lab", database=None, workers=1, prepare=("upgrade", "seed"), start=True,
                 env=None, limits=None, status="off"):
        self.program, self.directory, self.limits = binary(program), directory("app"), limits
        self.status_path = os.path.join(self.directory, "run", f"{os.path.basename(program)}-status.sock")
        self.socket_path = os.path.join(self.directory, "app.sock")
        self.log = os.path.join(self.directory, "app.log")
        self.database = database or f"sqlite:{self.directory}/app.db"
        self.env = base_environment(**{**dict(APP_ENV="dev", DATABASE_URL=self.database, LISTEN=f"unix:{self.socket_path}",
                                    WORKERS=workers, JWT_KEY=TOKEN_KEY, JWT_ALGORITHM="HS256",
                                    STATUS_LISTEN=status),
                                    **(env or {})})
        self.process = None
        for command in prepare:
            self.command("db", command, check=True)
        if start:
            self.start()

    def command(self, *arguments, check=False, env=None, timeout=60):
        return run([self.program, *arguments], env={**self.env, **(env or {})}, cwd=self.directory, check=check,
                   timeout=timeout)

    def start(self, wait=True):
        self.process = Process([self.program, "serve"], self.log, env=self.env, cwd=self.directory,
                               limits=self.limits)
        if wait:
            wait_until(self.is_ready, f"{os.path.basename(self.program)} is ready")
        return self

    def is_ready(self):
        if not self.process.running:
            raise AssertionError(f"{self.process} ended with {self.process.code}: {self.process.output()[-3000:]}")
        return self.fastcgi("GET", "/ready", timeout=2).status == 200

    def fastcgi(self, method="GET", uri="/", headers=None, body=b"", timeout=10, **more):
        return fastcgi.request(self.socket_path, method, uri, headers, body, timeout=timeout * SLOW, **more)

    def connect(self, timeout=10):
        return fastcgi.Connection(self.socket_path, timeout * SLOW)

    def workers(self):
        return self.process.children()

    def stop(self, timeout=15):
        return self.process.stop(timeout)

    def kill(self):
        self.process.kill()

    def log_lines(self):
        """The structured log as objects; a line that is not JSON is given as {"text": …}."""
        lines = []
        for line in read(self.log).splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                lines.append({"text": line})
        return lines

    def cgi(self, method="GET", uri="/", headers=None, body=b"", timeout=20, **more):
        """The same request to the same binary as a plain CGI program."""
        params = fastcgi.environment(method, uri, headers, body, **more)
        done = subprocess.run([self.program], input=body, env={**self.env, **params}, cwd=self.directory,
                              capture_output=True, timeout=timeout * SLOW, preexec_fn=_die_with_parent)
        answer = fastcgi.Answer(done.stdout, done.stderr)
        answer.code = done.returncode
        return answer


class Site:
    """The lab behind nginx as a user would run it, over SQLite or over a PostgreSQL of its own."""

    def __init__(self, database="sqlite", program="lab", workers=2, docs=None, **more):
        self.postgres = Postgres() if database == "postgresql" else None
        url = self.postgres.create("lab") if self.postgres else None
        self.app = App(program, database=url, workers=workers, **more)
        self.nginx = Nginx(self.app.socket_path, docs or os.path.join(BUILD, "docs"))
        self.port = self.nginx.port
        self.client = self.nginx.client()
        self.editor = self.nginx.client(token=tokens.hs256(tokens.claims(), TOKEN_KEY))

    def metrics(self):
        return self.client.get("/metrics").text


def in_parallel(work, count):
    """Runs work(0) … work(count - 1), each in a thread; gives the results, or raises the first exception."""
    results, errors = [None] * count, []

    def call(index):
        try:
            results[index] = work(index)
        except BaseException as error:  # shown by the test that waits here
            errors.append(error)

    threads = [threading.Thread(target=call, args=(index,), daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


class Load:
    """Clients that repeat one request each on kept connections until stopped, and remember every outcome."""

    def __init__(self, port, path, clients=8, method="GET", token=None, body=None, pause=0.0):
        self.statuses, self.responses, self._stop = [], [], threading.Event()
        self._lock = threading.Lock()

        def work():
            client = Client(port, token=token, timeout=15)
            while not self._stop.is_set():
                try:
                    response = client.request(method, path(client) if callable(path) else path,
                                              body() if callable(body) else body)
                    outcome = response.status
                except (OSError, http.client.HTTPException) as error:
                    response, outcome = None, type(error).__name__
                with self._lock:
                    self.statuses.append((time.monotonic(), outcome))
                    if response is not None and response.status >= 400:
                        self.responses.append(response)
                if pause:
                    time.sleep(pause)
            client.close()

        self.threads = [threading.Thread(target=work, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def counts(self, since=0.0):
        found = {}
        with self._lock:
            for at, outcome in self.statuses:
                if at >= since:
                    found[outcome] = found.get(outcome, 0) + 1
        return found

    def wait_for(self, count, since=0.0, timeout=15):
        wait_until(lambda: sum(self.counts(since).values()) >= count, f"{count} answers under load", timeout)

    def stop(self):
        self._stop.set()
        for thread in self.threads:
            thread.join(20)
        return self.counts()


def certificate():
    """The paths of a key and of a certificate for localhost that it signs itself."""
    need("openssl")
    keys = directory("tls")
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
         f"{keys}/key", "-out", f"{keys}/cert", "-subj", "/CN=localhost"], check=True)
    for name in ("key", "cert"):  # a web server that a test runs as another user reads them too
        os.chmod(f"{keys}/{name}", 0o644)
    return f"{keys}/key", f"{keys}/cert"


def tls_context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


# ---- TAP ------------------------------------------------------------------

def _title(function):
    text = (function.__doc__ or function.__name__[len("test_"):].replace("_", " ")).strip()
    return " ".join(text.split("\n\n")[0].split()).rstrip(".").replace("#", "\\#")


def _on_alarm(*_):
    raise TimedOut("the test has run past its time limit")


def _diagnose(error):
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    for log, process in {process.log: process for process in _processes}.items():
        with contextlib.suppress(OSError):
            state = "running" if process.running else f"ended with {process.code}"
            text += f"\n--- {process} ({state}), {log}\n"
            text += "\n".join(read(log).splitlines()[-25:]) + "\n"
    for line in text.splitlines():
        print(f"# {line[:2000]}")


from .webservers import Apache, Lighttpd, Nginx  # noqa: E402, F401  (they use what is above)


def main():
    """Runs every test_* function of the program's file in order, or those named as arguments, and prints TAP."""
    global _failed
    module = sys.modules["__main__"]
    tests = [value for name, value in vars(module).items() if name.startswith("test_") and callable(value)]
    if sys.argv[1:]:
        tests = [test for test in tests if any(name in test.__name__ for name in sys.argv[1:])]
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    signal.signal(signal.SIGALRM, _on_alarm)
    if os.environ.get("BY_SERVER_TESTS") == "no" and "/tests/check/" not in os.path.abspath(module.__file__):
        print("1..0 # SKIP configured with --disable-server-tests")
        return
    print(f"1..{len(tests)}", flush=True)
    for number, test in enumerate(tests, 1):
        began = time.monotonic()
        signal.alarm(int(getattr(test, "timeout", TEST_TIMEOUT) * SLOW))
        try:
            test()
            result = f"ok {number} - {_title(test)}"
        except Skip as reason:
            result = f"ok {number} - {_title(test)} # SKIP {reason}"
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit of a helper is a failure too
            signal.alarm(0)
            _failed = True
            _diagnose(error)
            result = f"not ok {number} - {_title(test)}"
        finally:
            signal.alarm(0)
        print(result, flush=True)
        print(f"# {time.monotonic() - began:.2f} s", flush=True)
    sys.exit(1 if _failed else 0)
