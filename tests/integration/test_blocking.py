"""No input or output blocks the loop: a tracer on a worker's loop thread sees no call that could wait."""

import json
import os
import re
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness, tokens  # noqa: E402
from support.fastcgi import PARAMS, STDIN, begin, environment, pairs, record, stream  # noqa: E402

SANITIZED = "-fsanitize" in harness.read(os.path.join(harness.BUILD, "Makefile"))
EXPERIMENTS = "/api/v1/experiments"
# Calls that wait unless their descriptor is non-blocking.
ON_DESCRIPTORS = ("read", "readv", "pread64", "preadv", "recvfrom", "recvmsg", "accept", "accept4", "connect", "write", "writev",
                  "sendto", "sendmsg", "pwrite64", "pwritev", "sendfile")
# Calls that wait for a disk, another process or time, whatever the descriptor.
NEVER = ("fsync", "fdatasync", "sync", "syncfs", "sync_file_range", "msync", "flock", "nanosleep", "clock_nanosleep", "pause",
         "wait4", "waitid", "select", "pselect6", "rename", "unlink", "mkdir", "ftruncate", "fallocate", "getdents64", "execve")
# Paths that the loop thread may open, read or write, each with its reason.
FILES = (
    (r"/proc/\d+/statm|/proc/self/statm", "made by the kernel out of memory: the worker's size, five times a second"),
    (r".*/app\.log", "the log: lines are written in batches, and what a full disk costs is counted, not waited for"),
    (r"/dev/urandom", "never waits once the machine runs"),
    (r".*/\.pgpass", "libpq looks for it when it opens a connection whose password nobody gave it"),
    (r"/etc/localtime", "the C library's, once"),
)


def is_allowed_file(path):
    return any(re.fullmatch(pattern, path) for pattern, _ in FILES)


class Trace:
    """strace on the one thread that is the loop's, and what is known of its descriptors."""

    def __init__(self, pid):
        self.pid, self.directory = pid, harness.directory("trace")
        self.output = os.path.join(self.directory, "calls")
        self.nonblocking = {}
        strace, = harness.need("strace")
        log = harness.write(os.path.join(self.directory, "strace.log"), "")
        self.process = harness.Process([strace, "-y", "-s", "64", "-e", "signal=none", "-o", self.output, "-p", pid], log)
        harness.wait_until(lambda: "attached" in self.process.output() or not self.process.running, "strace is attached")
        if not self.process.running:
            harness.skip(f"a process may not be traced here: {self.process.output().strip()[-200:]}")
        for name in os.listdir(f"/proc/{pid}/fd"):
            self.nonblocking[int(name)] = self.flags(name) & os.O_NONBLOCK != 0

    def flags(self, descriptor):
        try:
            return int(re.search(r"flags:\s*(\d+)", harness.read(f"/proc/{self.pid}/fdinfo/{descriptor}"))[1], 8)
        except OSError:
            return 0

    def stop(self):
        self.process.stop()
        return harness.read(self.output).splitlines()


def made(name, line, nonblocking):
    """Keeps account of descriptors that a call makes or changes."""
    result = re.search(r"= (\d+)(?:<|$| )", line)
    if name in ("socket", "accept4", "eventfd2", "epoll_create1", "timerfd_create", "open", "openat", "dup3") and result:
        nonblocking[int(result[1])] = "NONBLOCK" in line
    elif name == "fcntl" and "F_SETFL" in line:
        nonblocking[int(re.match(r"fcntl\((\d+)", line)[1])] = "O_NONBLOCK" in line
    elif name in ("pipe2", "socketpair"):
        for number in re.findall(r"\[?(\d+)<", line):
            nonblocking[int(number)] = "NONBLOCK" in line
    elif name == "ioctl" and "FIONBIO" in line:
        nonblocking[int(re.match(r"ioctl\((\d+)", line)[1])] = "[1]" in line


def wrong(name, line, nonblocking):
    """What is wrong with one call, or None."""
    if "htons(53)" in line or "/etc/resolv.conf" in line or "/etc/hosts" in line:
        return "asks for a name"
    if name in NEVER:
        return "waits for a disk, a process or time"
    if name in ("open", "openat", "stat", "newfstatat", "access", "faccessat2", "readlink", "statx"):
        path = re.search(r'"([^"]*)"', line)
        return None if path and (is_allowed_file(path[1]) or not path[1]) else "goes to a file system"
    if name in ("poll", "ppoll") and not re.search(r", 0\)\s+=|tv_sec=0, tv_nsec=0\}", line):
        return "waits for a descriptor outside the loop"
    if name in ON_DESCRIPTORS:
        descriptor = re.match(r"\w+\((\d+)(?:<([^>]*)>)?", line)
        quick = "MSG_DONTWAIT" in line or nonblocking.get(int(descriptor[1]), False)
        return None if quick or is_allowed_file(descriptor[2] or "") else "may block: its descriptor is blocking"
    return None


def faults(lines, nonblocking):
    found, count = {}, 0
    known = dict(nonblocking)
    for line in lines:
        call = re.match(r"(\w+)\(", line)
        if not call:
            continue
        count += 1
        why = wrong(call[1], line, known)
        made(call[1], line, known)
        if why:
            found.setdefault(f"{call[1]} {why}", line[:200])
    return found, count


# ---- what the worker is asked meanwhile --------------------------------------

RECORDING = {"name": "Traced", "specimen": "HeLa", "instrument": "Spinning disk", "objective_magnification": 60,
             "numerical_aperture": 1.4, "pixel_size_um": 0.1, "exposure_ms": 80, "fps": 1.5, "frame_count": 1}


def editor():
    return {"Authorization": f"Bearer {tokens.hs256(tokens.claims(), harness.TOKEN_KEY)}"}


def ask(app, method, uri, expected, body=None, **headers):
    data = b"" if body is None else json.dumps(body).encode()
    more = {"Content-Type": "application/json"} if body is not None else {}
    answer = app.fastcgi(method, uri, {**editor(), **more, **headers}, data)
    assert answer.status == expected, (method, uri, answer)
    return json.loads(answer.body) if answer.body and answer.body[:1] in b"{[" else None


def use_resource(app, version, method, changes):
    """Create, read, list, change and delete, with the faults that clients make."""
    base = f"/api/{version}/experiments"
    ask(app, "POST", base, 201, {**RECORDING, "name": f"Traced {version} {method}"})
    listed = ask(app, "GET", "/api/v1/experiments?size=1&sort=-created_at", 200)
    key = listed["items"][0]["id"]
    ask(app, "GET", f"{base}/{key}", 200)
    ask(app, method, f"{base}/{key}", 200, changes)
    ask(app, "POST", base, 422, {"name": ""})
    ask(app, "GET", f"{base}/{key}?nonsense=1", 422)
    ask(app, "DELETE", f"{base}/{key}", 204)
    ask(app, "GET", f"{base}/{key}", 404)


def use_lab(app):
    for version in ("v1", "v2"):
        use_resource(app, version, "PUT", {**RECORDING, "name": "Replaced"})
        use_resource(app, version, "PATCH", {"name": "Patched"})
        ask(app, "GET", f"/api/{version}/ping", 200)
    for uri in ("/openapi.json", "/live", "/ready", "/health", "/metrics"):
        assert app.fastcgi("GET", uri).status == 200, uri
    assert app.fastcgi("GET", "/nowhere").status == 404
    harness.in_parallel(lambda _: [ask(app, "GET", f"{EXPERIMENTS}?size=20", 200) for _ in range(5)], 16)


def use_probe(app):
    """Bodies, forms, streams, waits, and clients that leave."""
    body = os.urandom(300000)
    assert app.fastcgi("POST", "/api/v1/upload", {"Content-Type": "application/octet-stream"}, body).status == 200
    form = b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n' + b"z" * 100000 + b"\r\n--x--\r\n"
    assert app.fastcgi("POST", "/api/v1/parts", {"Content-Type": "multipart/form-data; boundary=x"}, form).status == 200
    assert app.fastcgi("GET", "/api/v1/stream?n=5&ms=10").status == 200
    assert app.fastcgi("GET", "/api/v1/big?bytes=3000000").status == 200
    assert app.fastcgi("GET", "/api/v1/sleep?ms=50").status == 200
    assert app.fastcgi("GET", "/api/v1/deadline?ms=1000").status == 504
    assert app.fastcgi("GET", "/api/v1/query?ms=20").status == 200
    assert app.fastcgi("GET", "/api/v1/fail").status == 500
    with app.connect() as connection:
        connection.send(begin() + stream(PARAMS, pairs(environment("GET", "/api/v1/sleep?ms=5000"))) + stream(STDIN, b""))
        time.sleep(0.05)
    with app.connect() as connection:
        connection.send(begin() + record(PARAMS, b"\x01"))


def traced(app, use, *expected):
    """Uses the application under the tracer, and checks what its loop thread called."""
    use(app)
    trace = Trace(app.workers()[0])
    use(app)
    time.sleep(1.2 * harness.SLOW)  # the beat, the pool's keeper and the log go on by themselves
    use(app)
    lines = trace.stop()
    found, count = faults(lines, trace.nonblocking)
    assert count > 200, f"{count} calls were seen"
    for call in expected:
        assert any(re.match(call, line) for line in lines), f"no {call} in {count} calls"
    assert not found, "\n".join(f"{what}: {line}" for what, line in found.items())
    assert app.stop() == 0


def test_checker():
    """The check finds each kind of call that could wait, and lets pass what cannot"""
    state = {5: False, 6: True}
    for line in ('connect(5<socket:[1]>, {sa_family=AF_INET, sin_port=htons(80)}, 16) = 0', 'read(5<socket:[1]>, "", 1) = 0',
                 'recvfrom(9<socket:[1]>, "", 1, 0, NULL, NULL) = 0', 'fdatasync(6</x>) = 0', 'fsync(6</x>) = 0',
                 'connect(6<socket:[1]>, {sa_family=AF_INET, sin_port=htons(53)}, 16) = 0',
                 'openat(AT_FDCWD, "/etc/resolv.conf", O_RDONLY) = 7', 'openat(AT_FDCWD, "/var/lib/lab.db", O_RDWR) = 7',
                 'poll([{fd=6, events=POLLIN}], 1, 1000) = 0', 'clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=1}) = 0'):
        assert faults([line], state)[0], line
    for line in ('read(6<socket:[1]>, "", 1) = 0', 'recvfrom(5<socket:[1]>, "", 1, MSG_PEEK|MSG_DONTWAIT, NULL, NULL) = 0',
                 'openat(AT_FDCWD, "/proc/self/statm", O_RDONLY) = 7', 'poll([{fd=6, events=POLLIN}], 1, 0) = 0',
                 'epoll_wait(7<anon_inode:[eventpoll]>, [], 1024, 1000) = 0'):
        assert not faults([line], state)[0], line
    made_first = ['socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 8<socket:[2]>', 'read(8<socket:[2]>, "", 1) = -1 EAGAIN']
    assert not faults(made_first, state)[0]
    assert faults(['fcntl(6<socket:[1]>, F_SETFL, O_RDWR) = 0', 'read(6<socket:[1]>, "", 1) = 0'], state)[0]


def test_sqlite():
    """The lab over SQLite: no call of the loop thread can wait"""
    traced(harness.App(workers=1), use_lab, "epoll_")


def test_postgresql():
    """The lab over PostgreSQL, reached by a host's name, whose connections are replaced meanwhile: no call can wait"""
    server = harness.Postgres()
    relay = harness.Relay(f"{server.directory}/.s.PGSQL.5432")
    server.create("lab")
    url = f"postgresql://postgres@localhost:{relay.port}/lab?sslmode=disable"
    traced(harness.App(database=url, workers=1, env={"DATABASE_POOL_LIFETIME": "500ms", "DATABASE_POOL_MIN": "2"}), use_lab,
           "connect\\(", "epoll_")


def test_probe():
    """Bodies, forms, streams, waits, deadlines and clients that leave: no call can wait"""
    traced(harness.App("tests/apps/probe/probe", prepare=(), workers=1), use_probe, "epoll_")


def waited_for_processor(pid):
    """Seconds that the thread was ready to run and another one had the processor."""
    return int(harness.read(f"/proc/{pid}/task/{pid}/schedstat").split()[1]) / 1e9


def test_lag():
    """The loop's timer is hardly ever late by more than 10 ms, but for what the machine keeps from it"""
    app = harness.App(workers=1)
    worker = app.workers()[0]

    def samples():
        text = app.fastcgi("GET", "/metrics").body.decode()
        return (harness.metric_sum(text, "banyan_loop_lag_seconds_count"),
                harness.metric_sum(text, "banyan_loop_lag_seconds_bucket", le="0.01"))

    use_lab(app)
    (all_before, quick_before), stolen = samples(), waited_for_processor(worker)
    until = time.monotonic() + 3
    while time.monotonic() < until:
        use_lab(app)
    (every, quick), stolen = samples(), waited_for_processor(worker) - stolen
    seen, late = every - all_before, (every - all_before) - (quick - quick_before)
    print(f"# {seen:.0f} samples, {late:.0f} late by more than 10 ms; {stolen:.3f} s waited for a processor")
    assert seen >= 5, seen
    assert late <= 2 + stolen / 0.01 or SANITIZED, (seen, late, stolen)


harness.main()
