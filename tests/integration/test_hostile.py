"""
Hostile and unlucky peers and surroundings: requests cut at every byte, records where none belong, aborts, signals, full
disks, no descriptors, a clock that jumps. Whatever they do, they end in time, cost nothing afterwards, and others do not
notice. The application is tests/integration/peer.c; test_fastcgi.py has the single cases of the protocol.
"""

import contextlib
import multiprocessing
import os
import resource
import shlex
import signal
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from support import fastcgi, harness
from support.fastcgi import ABORT_REQUEST, BEGIN_REQUEST, DATA, END_REQUEST, GET_VALUES, PARAMS, STDIN, STDOUT, begin, \
    environment, pairs, record, stream

SANITIZED = "#define BY_ASAN 1" in harness.read(os.path.join(harness.BUILD, "config.h"))
HEAD, BODY, WRITE = 1.0, 1.0, 1.5  # the deadlines of the phases, in seconds
BODY_BYTES = b"0123456789" * 5


def start(workers=1, **more):
    env = {"HEAD_TIMEOUT": f"{int(HEAD * 1000)}ms", "BODY_TIMEOUT": f"{int(BODY * 1000)}ms",
           "WRITE_TIMEOUT": f"{int(WRITE * 1000)}ms", **more.pop("env", {})}
    return harness.App(program="tests/integration/peer", workers=workers, prepare=(), env=env, **more)


@harness.fixture
def app():
    return start()


def head(method="POST", uri="/api/v1/count", body=BODY_BYTES, keep=True, request_id=1, **more):
    return begin(keep=keep, request_id=request_id) \
        + stream(PARAMS, pairs(environment(method, uri, None, body, **more)), request_id)


def whole(method="GET", uri="/api/v1/nap?ms=0", body=b"", keep=True, request_id=1, **more):
    return head(method, uri, body, keep, request_id, **more) + stream(STDIN, body, request_id)


def is_well(running):
    answer = running.fastcgi("GET", "/api/v1/nap?ms=0")
    assert answer.status == 200, answer
    return True


def fewest_descriptors(workers):
    """Of a moment in which none is open for a connection that ends just now."""
    least = 1 << 30
    for _ in range(8):
        least = min(least, sum(map(harness.open_files, workers)))
        time.sleep(0.02)
    return least


@contextlib.contextmanager
def unharmed(running):
    """What happens within costs no worker, and no descriptor or connection once it is over."""
    is_well(running)
    workers = running.workers()
    before = fewest_descriptors(workers)
    yield
    assert running.workers() == workers, "a worker has died"
    harness.wait_until(lambda: sum(map(harness.open_files, workers)) <= before,
                       "descriptors are given back", 5)
    assert is_well(running)


# ---- cut requests ---------------------------------------------------------

def request_to_cut():
    return whole("POST", "/api/v1/count", BODY_BYTES, keep=True)


def test_cut_and_closed():
    """a request that is cut at any byte and closed, wholly or half, costs nothing and gives no answer but to itself"""
    data = request_to_cut()
    with unharmed(app()):
        for length in range(len(data)):
            with app().connect() as connection:
                connection.send(data[:length])
        for length in range(len(data)):
            with app().connect() as connection:
                connection.send(data[:length])
                connection.socket.shutdown(socket.SHUT_WR)
                connection.socket.settimeout(5 * harness.SLOW)
                got = b"".join(iter(lambda sock=connection.socket: sock.recv(65536), b""))
                assert b"Status: 200" not in got, (length, got)


def test_cut_and_silent():
    """a request that is cut at any byte and followed by silence is given up within its phase's deadline"""
    data = request_to_cut()
    params = len(head())
    with unharmed(app()):
        waiting = []
        for length in range(len(data)):
            connection = app().connect()
            connection.send(data[:length])
            waiting.append((length, connection))
        for length, connection in waiting:
            connection.socket.settimeout((HEAD + BODY + 2) * harness.SLOW)
            got = b"".join(iter(lambda sock=connection.socket: sock.recv(65536), b""))
            assert b"Status: 200" not in got, (length, got)
            # Within its head nobody knows yet what to answer; within its body it is told.
            assert (b"Status: 408" in got) == (length >= params), (length, got)
            connection.close()


def test_slow_writers():
    """a body that comes byte by byte is taken as long as it comes; a head that does is not, beyond its deadline"""
    with unharmed(app()), app().connect() as slow, app().connect() as body:
        body.send(head())
        begun, at = time.monotonic(), 0
        data = head()
        pieces = [record(STDIN, bytes([byte])) for byte in BODY_BYTES] + [record(STDIN)]
        gone = False
        for number in range(max(len(pieces), int((HEAD + 1) * 30 * harness.SLOW))):
            if number < len(pieces):
                body.send(pieces[number])
            with contextlib.suppress(ConnectionError):
                if not gone and at < len(data) - 1:
                    slow.send(data[at:at + 1])
                    at += 1
            gone = gone or time.monotonic() - begun > HEAD and slow.is_closed(0.01)
            time.sleep(1 / 30)
        assert slow.is_closed(2)
        assert body.read_answer().json()["bytes"] == len(BODY_BYTES)


def test_slow_readers():
    """readers of a few bytes at a time get all of their answers, and nobody waits for them"""
    size = 300_000
    with unharmed(app()):
        readers = [app().connect() for _ in range(20)]
        for reader in readers:
            reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.send(whole(uri=f"/api/v1/flood?bytes={size}", keep=False))
        left = dict.fromkeys(readers, 0)
        begun = time.monotonic()
        slowest = 0
        while left:
            for reader in list(left):
                got = reader.socket.recv(8192)
                time.sleep(0.0005)
                left[reader] += len(got)
                if not got:
                    assert left.pop(reader) > size
                    reader.close()
            if time.monotonic() - begun > 0.2:
                begun = time.monotonic()
                is_well(app())
                slowest = max(slowest, time.monotonic() - begun)
        assert slowest < 0.5 * harness.SLOW, slowest


# ---- aborts and records where none belong -----------------------------------

def before_the_request(connection):
    del connection


def within_params(connection):
    connection.send(begin() + record(PARAMS, pairs(environment("POST", "/api/v1/count"))[:40]))


def behind_params(connection):
    connection.send(head())


def within_the_body(connection):
    connection.send(head() + record(STDIN, BODY_BYTES[:20]))


def while_parked(connection):
    connection.send(whole(uri="/api/v1/nap?ms=30000"))


def while_the_body_waits(connection):
    connection.send(head("POST", "/api/v1/late") + record(STDIN, BODY_BYTES[:20]))


def while_answering(connection):
    connection.send(whole(uri="/api/v1/flood?bytes=30000000"))
    connection.socket.recv(100)


def behind_the_answer(connection):
    connection.send(whole())
    connection.read_answer()


PHASES = (before_the_request, within_params, behind_params, within_the_body, while_parked, while_the_body_waits,
          while_answering, behind_the_answer)


def settles(connection):
    """Whether the application closes, or has answered all there is to answer, within the deadlines."""
    connection.socket.settimeout(0.5 * harness.SLOW)
    until = time.monotonic() + (HEAD + BODY + WRITE + 3) * harness.SLOW
    while time.monotonic() < until:
        try:
            if not connection.socket.recv(1 << 20):
                return True
        except TimeoutError:
            # Still open and quiet: then it takes a request.
            try:
                connection.send(whole(request_id=9))
                connection.socket.settimeout(3 * harness.SLOW)
                return bool(connection.socket.recv(65536)) or True
            except ConnectionError:
                return True
        except ConnectionError:
            return True
    return False


def test_aborts():
    """ABORT_REQUEST in any phase ends what runs at once, and the connection with it or for the next request"""
    with unharmed(app()):
        for phase in PHASES:
            with app().connect() as connection:
                phase(connection)
                time.sleep(0.05)
                begun = time.monotonic()
                with contextlib.suppress(ConnectionError):
                    connection.send(record(ABORT_REQUEST))
                assert settles(connection), phase.__name__
                assert time.monotonic() - begun < 4 * harness.SLOW, phase.__name__
                assert is_well(app()), phase.__name__
    statuses = [line["status"] for line in app().log_lines() if line.get("logger") == "access"]
    assert statuses.count(499) >= 4, statuses


def test_records_anywhere():
    """management, unknown, foreign and misplaced records in any phase are answered or refused, never waited for"""
    records = {
        "GET_VALUES": record(GET_VALUES, pairs({"FCGI_MAX_CONNS": ""}), 0),
        "unknown management": record(99, b"what", 0),
        "unknown": record(99, b"what"),
        "type 0": record(0, b""),
        "DATA": record(DATA, b"what"),
        "STDOUT": record(STDOUT, b"what"),
        "END_REQUEST": record(END_REQUEST, bytes(8)),
        "PARAMS": record(PARAMS, b"\1\1Ab"),
        "STDIN of another": record(STDIN, b"what", 7),
        "abort of another": record(ABORT_REQUEST, b"", 7),
        "BEGIN_REQUEST": begin(request_id=7),
        "the same BEGIN_REQUEST": begin(),
        "half a header": b"\1\5\0",
        "version 2": record(STDIN, b"what", version=2),
        "noise": b"\xff" * 40,
    }
    with unharmed(app()):
        peers = []
        for phase in PHASES:
            for name, data in records.items():
                connection = app().connect()
                phase(connection)
                with contextlib.suppress(ConnectionError):
                    connection.send(data)
                peers.append((phase.__name__, name, connection))
        is_well(app())
        for phase, name, connection in peers:
            # A request that runs may go on; it ends when its web server goes.
            if phase not in ("while_parked", "while_answering"):
                assert settles(connection), (phase, name)
            connection.close()


def test_lengths():
    """a CONTENT_LENGTH that is no length, or not the body's, is refused before any operation gets the body as whole"""
    def status(length, body=BODY_BYTES):
        with app().connect() as connection:
            return connection.request("POST", "/api/v1/count", body=body, CONTENT_LENGTH=length).status

    with unharmed(app()):
        for length in ("-1", "+50", " 50", "50 ", "0x32", "5e1", "50,50", "fifty", "49", "51", "0", "18446744073709551666",
                       "9" * 40, "1073741825"):
            assert status(length) in (400, 413), (length, status(length))
        assert status("50") == 200 and status("") == 200
        assert status("0", b"") == 200
        assert status("1", b"") == 400


def test_records_that_promise_more():
    """a record that announces more than comes is waited for within the deadline, and takes no memory for it"""
    worker = app().workers()[0]
    with unharmed(app()):
        is_well(app())
        before = harness.resident(worker)
        peers = []
        for number in range(200):
            connection = app().connect()
            part = begin() + struct.pack(">BBHHBx", 1, PARAMS, 1, 65535, 255) if number % 2 else \
                head() + struct.pack(">BBHHBx", 1, STDIN, 1, 65535, 255)
            connection.send(part + b"\1\1Ab")
            peers.append(connection)
        is_well(app())
        grown = harness.resident(worker) - before
        for connection in peers:
            assert connection.is_closed((HEAD + BODY + 3) * harness.SLOW)
            connection.close()
        # A parked request may take 32 KiB (what AddressSanitizer adds is not counted).
        assert SANITIZED or grown < 200 * 48 * 1024, grown


# ---- what runs out ------------------------------------------------------------

def cpu_seconds(pid):
    fields = harness.read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_no_descriptors():
    """without descriptors for more connections the others are served, nothing spins, and the rest is served later"""
    limit = 80
    running = start(limits={resource.RLIMIT_NOFILE: (limit, limit)})
    worker = running.workers()[0]
    kept = running.connect()
    assert kept.request(uri="/api/v1/nap?ms=0").status == 200
    idle = []
    for _ in range(limit):
        connection = running.connect()
        idle.append(connection)
        connection.send(whole())
    harness.wait_until(lambda: any("cannot accept" in line.get("message", "") for line in running.log_lines()),
                       "the worker tells that it has no descriptors", 5)
    spent = cpu_seconds(worker)
    until = time.monotonic() + 1
    while time.monotonic() < until:
        assert kept.request(uri="/api/v1/nap?ms=10").status == 200
    assert cpu_seconds(worker) - spent < 0.5 * harness.SLOW, cpu_seconds(worker) - spent
    told = sum("cannot accept" in line.get("message", "") for line in running.log_lines())
    assert told < 100 * harness.SLOW, told
    for connection in idle[:limit // 2]:
        connection.close()
    for connection in idle[limit // 2:]:
        assert connection.read_answer().status == 200
        connection.close()
    kept.close()
    harness.wait_until(lambda: is_well(running), "good requests again", 5)
    assert running.workers() == [worker]
    assert running.stop() == 0


def serve_into(redirect, limits=None):
    """The application with its log where the shell's redirection says."""
    running = start(start=False)
    script = f"{shlex.quote(running.program)} serve {redirect}"
    running.process = harness.Process(["/bin/sh", "-c", f"exec {script}"], running.log, env=running.env,
                                      cwd=running.directory, limits=limits)
    harness.wait_until(lambda: is_well(running), "it serves")
    return running


def serves_without_a_log(running):
    """More lines than pipes and buffers hold."""
    workers = running.workers()
    for _ in range(300):
        with running.connect() as connection:
            for _ in range(3):
                assert connection.request(uri="/api/v1/nap?ms=0").status == 200
    assert running.process.running and running.workers() == workers
    assert running.stop() == 0


def test_log_on_a_full_disk():
    """a log that cannot be written, because the disk is full or its file may not grow, stops nothing"""
    serves_without_a_log(serve_into("2>/dev/full"))
    serves_without_a_log(serve_into("2>>grown.log", {resource.RLIMIT_FSIZE: (16384, 16384)}))


def test_log_that_nobody_reads():
    """a log pipe whose reader has gone, or never reads, stops nothing"""
    for reader in ("true", "sleep 600"):
        running = start(start=False)
        fifo = os.path.join(running.directory, "log")
        os.mkfifo(fifo)
        harness.Process(["/bin/sh", "-c", f"exec <log; exec {reader}"], running.log, cwd=running.directory)
        running.process = harness.Process(["/bin/sh", "-c", f"exec {shlex.quote(running.program)} serve 2>log"],
                                          running.log, env=running.env, cwd=running.directory)
        harness.wait_until(lambda app=running: is_well(app), "it serves")
        serves_without_a_log(running)


# ---- signals -----------------------------------------------------------------

def three_requests(running):
    """One whose body is half sent, one that is parked, one that streams."""
    body, parked, streaming = running.connect(), running.connect(), running.connect()
    body.send(head() + record(STDIN, BODY_BYTES[:20]))
    parked.send(whole(uri="/api/v1/nap?ms=400"))
    streaming.send(whole(uri="/api/v1/flood?bytes=3000000"))
    streaming.socket.recv(1, socket.MSG_PEEK)
    return body, parked, streaming


def all_end_well(body, parked, streaming, what):
    body.send(record(STDIN, BODY_BYTES[20:]) + record(STDIN))
    assert len(streaming.read_answer().body) == 3_000_000, what
    assert body.read_answer().json()["bytes"] == len(BODY_BYTES), what
    assert parked.read_answer().status == 200, what
    for connection in (body, parked, streaming):
        connection.close()


def survived(pid, numbers):
    """Those of these signals that the process catches or ignores: the others are told to end it."""
    lines = dict(line.split(":\t", 1) for line in harness.read(f"/proc/{pid}/status").splitlines() if ":\t" in line)
    mask = int(lines["SigCgt"], 16) | int(lines["SigIgn"], 16)
    return [number for number in numbers if mask & 1 << (number - 1)]


def test_signals_to_the_supervisor():
    """signals to the supervisor that do not end it, and being stopped, leave what its workers do whole"""
    running = start(workers=2)
    numbers = survived(running.process.pid, (signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD, signal.SIGPIPE,
                                             signal.SIGWINCH, signal.SIGXFSZ))
    assert {signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ} <= set(numbers), numbers
    for number in numbers:
        requests = three_requests(running)
        running.process.send_signal(number)
        time.sleep(0.05)
        all_end_well(*requests, number)
        assert running.process.running, number
        harness.wait_until(lambda: is_well(running), "it serves")
    requests = three_requests(running)
    running.process.send_signal(signal.SIGSTOP)
    all_end_well(*requests, "SIGSTOP")
    assert is_well(running)
    running.process.send_signal(signal.SIGCONT)
    assert running.stop() == 0


def test_signals_to_a_worker():
    """signals to a worker that do not kill it, and being stopped for a while, leave what it does whole"""
    running = start()
    numbers = survived(running.workers()[0], (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD,
                                              signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGXFSZ))
    assert {signal.SIGPIPE, signal.SIGTERM, signal.SIGXFSZ} <= set(numbers), numbers
    for number in [*numbers, signal.SIGSTOP]:
        requests = three_requests(running)
        worker = running.workers()[0]
        os.kill(worker, number)
        time.sleep(0.1)
        os.kill(worker, signal.SIGCONT)
        all_end_well(*requests, number)
        harness.wait_until(lambda: is_well(running), "it serves")
    assert running.stop() == 0


def test_worker_told_to_stop():
    """a worker that is told to stop finishes what it does, and is replaced"""
    running = start()
    worker = running.workers()[0]
    requests = three_requests(running)
    os.kill(worker, signal.SIGTERM)
    time.sleep(0.05)
    all_end_well(*requests, signal.SIGTERM)
    harness.wait_until(lambda: running.workers() and worker not in running.workers() and is_well(running),
                       "another worker", 5)
    assert running.stop() == 0


def test_stop_in_every_phase():
    """SIGTERM to the supervisor while a body is half sent, a request parked and an answer streaming: all end whole"""
    running = start(workers=2)
    requests = three_requests(running)
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    all_end_well(*requests, "SIGTERM")
    assert running.process.wait(5) == 0


# ---- the supervisor is gone ------------------------------------------------------

def test_supervisor_killed_under_load():
    """workers whose supervisor is killed finish what they do and end, and the socket's path is free for the next"""
    running = start(workers=2)
    workers = running.workers()
    requests = three_requests(running)
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()
    all_end_well(*requests, "SIGKILL")
    harness.wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), "workers are gone", 3)
    running.start()
    assert is_well(running) and running.stop() == 0


# ---- the clock ---------------------------------------------------------------------

CLOCK = r"""
/* Shifts the wall clock of a program by as many seconds as a file says. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static long shift(void)
{
	static volatile long *seconds;

	if (!seconds) {
		int fd = open(getenv("CLOCK_SHIFT"), O_RDONLY | O_CLOEXEC);
		void *mapped = mmap(NULL, sizeof(long), PROT_READ, MAP_SHARED, fd, 0);

		if (mapped == MAP_FAILED)
			abort();
		seconds = mapped;
	}
	return *seconds;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	static int (*real)(clockid_t, struct timespec *);

	if (!real)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	int code = real(clock, time);

	if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		time->tv_sec += shift();
	return code;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	time->tv_sec = now.tv_sec;
	time->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}
"""


class Clock:
    """A wall clock for one application, which can be set."""

    def __init__(self):
        self.directory = harness.directory("clock")
        self.file, self.library = os.path.join(self.directory, "shift"), os.path.join(self.directory, "clock.so")
        self.set(0)
        source = harness.write(os.path.join(self.directory, "clock.c"), CLOCK)
        harness.run([*shlex.split(os.environ.get("CC", "cc")), "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o", self.library,
                     source, "-ldl"], check=True)
        self.env = {"LD_PRELOAD": self.library, "CLOCK_SHIFT": self.file}

    def set(self, seconds):
        with open(self.file, "r+b" if os.path.exists(self.file) else "wb") as file:
            file.write(struct.pack("l", seconds))


def test_clock_steps():
    """a wall clock that jumps by a day, forth and back, moves no deadline and ends nothing"""
    if SANITIZED:
        harness.skip("a preloaded library must not stand before AddressSanitizer's")
    clock = Clock()
    running = start(workers=2, env=clock.env)
    workers = running.workers()
    for shift in (86400, -86400, 0):
        body, parked, silent = running.connect(), running.connect(), running.connect()
        begun = time.monotonic()
        body.send(head() + record(STDIN, BODY_BYTES[:20]))
        parked.send(whole(uri="/api/v1/nap?ms=500"))
        silent.send(begin())
        time.sleep(0.1)
        clock.set(shift)
        time.sleep(0.1)
        body.send(record(STDIN, BODY_BYTES[20:]) + record(STDIN))
        assert body.read_answer().json()["bytes"] == len(BODY_BYTES), shift
        assert parked.read_answer().status == 200 and time.monotonic() - begun >= 0.5, shift
        assert silent.is_closed((HEAD + 2) * harness.SLOW) and time.monotonic() - begun > HEAD * 0.8, shift
        assert is_well(running) and running.workers() == workers, shift
        for connection in (body, parked, silent):
            connection.close()
    lines = [line for line in running.log_lines() if line.get("logger") == "access"]
    assert len({line["timestamp"][:10] for line in lines}) >= 3, "the clock was not shifted"
    assert all(0 <= line["duration_ms"] < 10_000 * harness.SLOW for line in lines), lines
    assert running.stop() == 0


# ---- others --------------------------------------------------------------------------

def torment(address, go, stop):
    """Hostile peers of every sort in a process of its own, as long as `go` is set."""
    good, sound = whole(), request_to_cut()
    held = []

    def connect():
        connection = fastcgi.Connection(address, 1)
        held.append(connection)
        return connection

    def idle(number):
        del number
        connect()

    def cut(number):
        connect().send(sound[:number * 37 % len(sound)])

    def cut_and_close(number):
        with fastcgi.Connection(address, 1) as connection:
            connection.send(sound[:number * 53 % len(sound)])

    def stops_reading(number):
        del number
        connect().send(whole(uri="/api/v1/flood?bytes=2000000"))

    def aborts(number):
        phase = PHASES[number % len(PHASES)]
        if phase is while_answering or phase is behind_the_answer:
            return
        connection = connect()
        phase(connection)
        connection.send(record(ABORT_REQUEST))

    def noise(number):
        connect().send(bytes([number % 256]) * 100 + good)

    def second_early(number):
        del number
        connect().send(whole(uri="/api/v1/nap?ms=50") + good)

    kinds = (idle, cut, cut_and_close, stops_reading, aborts, noise, second_early)
    number = 0
    while not stop.is_set():
        if not go.wait(0.1):
            continue
        with contextlib.suppress(OSError):
            kinds[number % len(kinds)](number)
        number += 1
        while len(held) > 150 or (held and not go.is_set()):
            held.pop(0).close()
        time.sleep(0.002)


def latencies(connection, count):
    """Seconds that each of so many good requests took."""
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        assert connection.request(uri="/api/v1/nap?ms=0").status == 200
        taken.append(time.perf_counter() - begun)
    return taken


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def test_others_do_not_notice():
    """beside all of them the 99th percentile of good traffic stays within three times what it is without"""
    running = start(workers=2)
    context = multiprocessing.get_context("fork")
    go, stop = context.Event(), context.Event()
    tormentor = context.Process(target=torment, args=(running.socket_path, go, stop), daemon=True)
    tormentor.start()
    quiet, beside = [], []
    try:
        with running.connect() as connection:
            latencies(connection, 200)
            for _ in range(8):
                quiet += latencies(connection, 400)
                go.set()
                time.sleep(0.2)
                beside += latencies(connection, 400)
                go.clear()
                time.sleep(0.2)
    finally:
        stop.set()
        tormentor.join(5)
        tormentor.kill()
    without, with_them = percentile(quiet, 0.99), percentile(beside, 0.99)
    print(f"# p99 without {without * 1000:.2f} ms, beside hostile peers {with_them * 1000:.2f} ms")
    assert with_them <= max(3 * without, 0.02 * harness.SLOW), (without, with_them)
    assert running.stop() in (0, 1)


if __name__ == "__main__":
    harness.main()
