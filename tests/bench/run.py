"""
Measures the lab against its peers behind one nginx, in interleaved rounds, and what goals.py lists, and writes
docs/benchmarks.{json,md,svg}.

usage: run.py [--rounds N] [--seconds N] [--only PART,…] [--brief] [--dry-run]
Parts are the cases json, row, page and insert, pool, and the groups start, streams, overload, reload and soak. --brief
makes the last four short, to try them; --dry-run writes nothing. What is not measured keeps its last results. Exit code 1
when a goal is missed, naming it.
"""

import argparse
import json
import os
import platform
import re
import resource
import statistics
import sys
import time
from datetime import datetime

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..")]
from bench import chart, figures, goals, peers  # noqa: E402
from bench.load import CONNECTIONS, wrk  # noqa: E402
from support import fastcgi, harness, tokens  # noqa: E402

ROWS = 200
# What the lab must reach, as a ratio to the peer: case -> peer -> ratio.
REQUIRED = {
    "json": {"bare": 0.85, "textbook": 1.5, "fastapi": 6},
    "row": {"fastapi": 6},
    "page": {"fastapi": 15},
    "insert": {"fastapi": 4},
}
CASES = {
    "json": "Small JSON answer",
    "row": "One row by key",
    "page": "Page of 100 rows",
    "insert": "Validated insert",
}
POOL = {"json": 1, "row": 1}  # the least ratio to PHP-FPM with as many processes, by case
POOL_SIZES = (1, 2, 4)
PARKED = 5000


class Stage:
    """Database, lab, peers and the one nginx in front of them all, each on a port of its own."""

    def __init__(self, wanted, sizes=()):
        self.postgres = harness.Postgres({"max_connections": 100, "shared_buffers": "'128MB'"})
        self.lab = harness.App(database=self.postgres.create("bench"), workers=1, prepare=("upgrade",), env={"APP_ENV": "prod"})
        self.contenders = {**peers.start(self.postgres, wanted), **self.pools(sizes)}
        self.ports = {name: harness.free_port() for name in ["lab", *self.contenders]}
        self.nginx = harness.Nginx(site=None, extra=self.configuration)
        self.token = tokens.hs256(tokens.claims(lifetime=7200), harness.TOKEN_KEY)
        self.rows = [self.create(number) for number in range(ROWS)]

    def configuration(self, port):
        blocks = [f"server {{ listen 127.0.0.1:{port}; return 204; }}", peers.NGINX]
        for name, contender in [("lab", peers.FastCGI(self.lab.socket_path)), *self.contenders.items()]:
            blocks.append(contender.nginx(name, self.ports[name]))
        return "\n".join(blocks)

    def pools(self, sizes):
        """The lab, and PHP-FPM, with so many processes each."""
        found, directory = {}, harness.directory("pools")
        for size in sizes:
            app = harness.App(database=self.lab.database, workers=size, prepare=(), env={"APP_ENV": "prod"})
            found[f"lab-{size}"] = peers.FastCGI(app.socket_path)
            found[f"php-{size}"] = peers.start_php(f"php-{size}", os.path.join(directory, f"php-{size}.sock"), directory,
                                                   self.postgres, children=size)
        return found

    def create(self, number):
        client = harness.Client(self.ports["lab"], token=self.token)
        got = client.post("/api/v1/experiments", peers.experiment(number))
        assert got.status == 201, got
        return got.json()["id"]

    def path(self, case):
        return {"json": "/api/v1/ping", "row": f"/api/v1/experiments/{self.rows[len(self.rows) // 2]}",
                "page": "/api/v2/experiments?size=100", "insert": "/api/v1/experiments"}[case]

    def verify(self, case, name):
        """The contender gives the same answer as the lab, ids and times apart."""
        answers = []
        for port in (self.ports["lab"], self.ports[name]):
            client = harness.Client(port, token=self.token)
            got = client.post(self.path(case), peers.experiment(0)) if case == "insert" else client.get(self.path(case))
            assert got.status == (201 if case == "insert" else 200), f"{name}, {case}: {got}"
            answers.append(got.json())
        ours, theirs = answers
        if case == "page":
            assert len(theirs["data"]) == len(ours["data"]) == 100, name
            ours, theirs = ours["data"][0], theirs["data"][0]
        if case in ("row", "page"):
            assert normal(ours) == normal(theirs), f"{name}, {case}: {normal(theirs)} is not {normal(ours)}"
        assert set(ours) == set(theirs), f"{name}, {case}: {set(ours) ^ set(theirs)}"
        if case == "insert":
            bad = harness.Client(self.ports[name], token=self.token).post(
                self.path(case), peers.experiment(0) | {"fps": -1, "name": ""})
            assert bad.status == 422, f"{name} does not validate: {bad}"

    def load(self, case, name, seconds):
        insert = case == "insert"
        got = wrk(self.ports[name], self.path(case), seconds, os.path.join(HERE, "insert.lua") if insert else None,
                  self.token if insert else None)
        if insert:
            self.clean()
        return got

    def clean(self):
        self.postgres.sql("DELETE FROM experiments WHERE name = 'Inserted under load'", "bench")
        self.postgres.sql("VACUUM ANALYZE experiments", "bench")


def normal(row):
    """A row with its numbers and times in one spelling: 1 is 1.0, and JavaScript keeps milliseconds only."""
    def value(item):
        if isinstance(item, str) and re.match(r"\d{4}-\d\d-\d\dT", item):
            return int(datetime.fromisoformat(item).timestamp() * 1000)
        return float(item) if isinstance(item, (int, float)) and not isinstance(item, bool) else item
    return {name: value(item) for name, item in row.items()}


def measure_case(stage, case, rounds, seconds):
    """Every peer after the lab, again and again; the ratio of each pair of neighbours, and their medians."""
    names = [name for name in peers.ALL if case in stage.contenders[name].cases]
    for name in names:
        stage.verify(case, name)
        stage.load(case, name, 1)
    stage.load(case, "lab", 1)
    speeds, tails, ratios = {"lab": []}, {"lab": []}, {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            for contender in ("lab", name):
                got = stage.load(case, contender, seconds)
                speeds.setdefault(contender, []).append(got.speed)
                tails.setdefault(contender, []).append(got.p99)
            ratios[name].append(speeds["lab"][-1] / speeds[name][-1])
        print(f"{case}, round {number + 1} of {rounds}: " + ", ".join(
            f"{name} {speeds[name][-1]:,.0f}/s" for name in ["lab", *names]), flush=True)
    return {name: {
        "requests_per_second": round(statistics.median(speeds[name]), 1),
        "p99_ms": round(statistics.median(tails[name]), 3),
        **({} if name == "lab" else {
            "ratio": round(statistics.median(ratios[name]), 3),
            "ratios": [round(ratio, 3) for ratio in ratios[name]],
            "required": REQUIRED[case].get(name)})} for name in ["lab", *names]}


def measure_pool(stage, case, rounds, seconds):
    """{size: {lab, php, ratio}}: by turns, as many processes of each."""
    found = {}
    for size in POOL_SIZES:
        names = [f"lab-{size}", f"php-{size}"]
        for name in names:
            stage.verify(case, name)
            stage.load(case, name, 1)
        pairs = [[stage.load(case, name, seconds) for name in names] for _ in range(rounds)]
        ratios = [lab.speed / php.speed for lab, php in pairs]
        found[str(size)] = {
            "ratio": round(statistics.median(ratios), 3), "ratios": [round(ratio, 3) for ratio in ratios],
            "required": POOL[case], **{name.split("-")[0]: {
                "requests_per_second": round(statistics.median(got.speed for got in column), 1),
                "p50_ms": round(statistics.median(got.p50 for got in column), 3),
                "p99_ms": round(statistics.median(got.p99 for got in column), 3)}
                for name, column in zip(names, zip(*pairs))}}
        print(f"pool of {size}, {case}: {found[str(size)]['ratio']} of PHP-FPM", flush=True)
    return found


def measure_idle():
    """Resident memory of an idle worker, SQLite and PostgreSQL alike at the settings that are the default."""
    app = harness.App(workers=1)
    got = harness.resident(app.workers()[0])
    app.stop()
    return got


def measure_parked():
    """Bytes a request costs while it waits, with 5,000 of them in one worker; and how soon a fast one is answered."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * PARKED), hard))
    app = harness.App("tests/apps/probe/probe", prepare=(), workers=1,
                      env={"HEAD_TIMEOUT": "60s", "REQUESTS_MAX": 2 * PARKED},
                      limits={resource.RLIMIT_NOFILE: (min(hard, 4 * PARKED), hard)})
    worker = app.workers()[0]
    for _ in range(50):
        app.fastcgi("GET", "/api/v1/sleep?ms=1")
    before = harness.resident(worker)
    params = fastcgi.environment("GET", "/api/v1/sleep?ms=20000")
    request = fastcgi.begin(keep=False) + fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(params)) + fastcgi.record(
        fastcgi.STDIN)
    connections = []
    for _ in range(PARKED):
        connections.append(app.connect(timeout=60))
        connections[-1].send(request)
    harness.wait_until(lambda: harness.metric_sum(app.fastcgi("GET", "/metrics").body.decode(),
                                                  "http_server_active_requests") >= PARKED, "all are parked", 15)
    each = (harness.resident(worker) - before) / PARKED
    fast = []
    for _ in range(50):
        began = time.perf_counter()
        assert app.fastcgi("GET", "/live").status == 200
        fast.append((time.perf_counter() - began) * 1000)
    for connection in connections:
        assert connection.read_answer().status == 200
        connection.close()
    app.stop()
    return each, statistics.median(fast)


def spawn_time(path, arguments, env):
    began = time.perf_counter()
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, flags, 0) for fd, flags in ((0, os.O_RDONLY), (1, os.O_WRONLY),
                                                                               (2, os.O_WRONLY))]
    pid = os.posix_spawn(path, [path, *arguments], env, file_actions=quiet)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, (arguments, status)
    return (time.perf_counter() - began) * 1000


def measure_cgi():
    """Milliseconds that one CGI request with SQLite takes beyond starting the same program."""
    app = harness.App(workers=1, start=False)
    listed = json.loads(app.cgi("GET", "/api/v1/experiments?size=1").body)
    env = {**app.env, **fastcgi.environment("GET", f"/api/v1/experiments/{listed['items'][0]['id']}")}
    env = {name: str(value) for name, value in env.items()}
    cwd = os.getcwd()
    os.chdir(app.directory)
    starts, requests = [], []
    for _ in range(40):
        starts.append(spawn_time(app.program, ["--version"], app.env))
        requests.append(spawn_time(app.program, [], env))
    os.chdir(cwd)
    return statistics.median(starts), statistics.median(requests)


def machine():
    model = re.search(r"model name\s*: (.*)", harness.read("/proc/cpuinfo"))
    return {"cores": os.cpu_count(), "cpu": model[1] if model else platform.machine(), "kernel": platform.release().split("-")[0],
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30), 1)}


def measure_start():
    each, fast = measure_parked()
    start, request = measure_cgi()
    print(f"CGI: {request:.2f} ms, of which {start:.2f} ms start the process", flush=True)
    return {"idle_worker_bytes": measure_idle(), "parked_request_bytes": round(each), "fast_beside_parked_ms": round(fast, 3),
            "cgi_beyond_start_ms": round(request - start, 2), **figures.measure_replacement()}


# What measures each group of goals; with --brief, for how long.
GROUPS = {
    "start": (measure_start, {}),
    "streams": (figures.measure_streams, {"count": 1000, "through": 100, "seconds": 4}),
    "overload": (figures.measure_overload, {"seconds": 4}),
    "reload": (figures.measure_reload, {"seconds": 12, "changes": 5}),
    "soak": (figures.measure_soak, {"seconds": 6, "requests": 60_000}),
}


def judge(results):
    """What was required and missed, one line each."""
    missed = []
    for case, contenders in results["cases"].items():
        for name, got in contenders.items():
            if got.get("required") and got["ratio"] < got["required"]:
                missed.append(f"{case}: {got['ratio']} of {name}, required {got['required']}")
    for case, sizes in results["pool"].items():
        for size, got in sizes.items():
            if got["ratio"] < got["required"]:
                missed.append(f"{case}, pool of {size}: {got['ratio']} of php, required {got['required']}")
    return missed + goals.missed(results["figures"])


def kept():
    """The last results, which stay where nothing new is measured."""
    path = os.path.join(harness.SOURCE, "docs", "benchmarks.json")
    last = json.loads(harness.read(path)) if os.path.exists(path) else {}
    return {**last, **{part: last.get(part, {}) for part in ("versions", "cases", "pool", "figures", "measured")}}


def measure(only, options, results):
    for group, (work, brief) in GROUPS.items():
        if group in only:
            values = work(**(brief if options.brief else {}))
            results["figures"].update(goals.judged(values))
            print(f"{group}: {values}", flush=True)
    if any(part in only for part in ("pool", *CASES)):
        names = peers.ALL if any(case in only for case in CASES) else ()
        stage = Stage(names, POOL_SIZES if "pool" in only else ())
        results["versions"].update(peers.versions(stage.postgres, names))
        for case in CASES:
            if case in only:
                results["cases"][case] = measure_case(stage, case, options.rounds, options.seconds)
        for case in POOL:
            if "pool" in only:
                results["pool"][case] = measure_pool(stage, case, options.rounds, options.seconds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", default=",".join([*CASES, "pool", *GROUPS]))
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args()
    only = options.only.split(",")
    unknown = set(only) - {*CASES, "pool", *GROUPS}
    if unknown:
        parser.error(f"no part is named {', '.join(sorted(unknown))}")
    if os.path.isdir("/dev/shm"):
        os.environ["BY_TEST_TMP"] = "/dev/shm"  # logs and database in memory: it is not the disk that is compared
    results = {**kept(), "date": time.strftime("%Y-%m-%d", time.gmtime()), "machine": machine(),
               "connections": CONNECTIONS, "rounds": options.rounds, "seconds": options.seconds}
    measure(only, options, results)
    results["measured"].update({part: results["date"] for part in only})
    missed = results["missed"] = judge(results)
    if not options.dry_run:
        chart.write(results, CASES, os.path.join(harness.SOURCE, "docs"))
    for line in missed:
        print(f"missed: {line}")
    print("every goal is met" if not missed else f"{len(missed)} missed")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
