"""What happens to clients when a worker, the database or the whole application goes away under load."""

import os
import signal
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness, tokens  # noqa: E402
from support.harness import check_problem  # noqa: E402

EXPERIMENTS = "/api/v1/experiments"


def editor():
    return tokens.hs256(tokens.claims(), harness.TOKEN_KEY)


def new(name="Under load"):
    return {"name": name, "specimen": "HeLa", "instrument": "Spinning disk", "objective_magnification": 60,
            "numerical_aperture": 1.4, "pixel_size_um": 0.1, "exposure_ms": 80, "fps": 1.5, "frame_count": 1}


def test_worker_killed():
    """A worker killed under load is replaced within a second; only requests that it was running are lost"""
    site = harness.Site(workers=2)
    before = site.app.workers()
    assert len(before) == 2, before
    load = harness.Load(site.port, EXPERIMENTS + "?size=5", clients=8)
    load.wait_for(200)
    victim = before[0]
    killed = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    harness.wait_until(lambda: len(site.app.workers()) == 2 and victim not in site.app.workers(),
                       "the pool is whole again", timeout=1)
    back = time.monotonic()
    load.wait_for(200, since=back + 0.5)
    counts, after = load.stop(), load.counts(since=back + 0.5)
    lost = sum(count for outcome, count in counts.items() if outcome != 200)
    assert lost <= 8, f"more requests lost than were running: {counts}"
    assert set(after) == {200}, f"still failing after the pool was whole: {after}"
    for response in load.responses:
        check_problem(response, 503)
    assert back - killed < 1, back - killed
    assert before[1] in site.app.workers(), "the other worker was touched"


def test_worker_crash_logged():
    """A worker's death is logged with its pid and signal"""
    site = harness.Site(workers=1)
    victim = site.app.workers()[0]
    os.kill(victim, signal.SIGKILL)
    harness.wait_until(lambda: site.app.workers() and victim not in site.app.workers(), "a new worker")
    harness.wait_until(lambda: site.client.get("/ready").status == 200, "ready again")
    lines = [line for line in site.app.log_lines() if line.get("pid") == victim and line.get("signal") == "Killed"]
    assert len(lines) == 1 and lines[0]["level"] == "error", site.app.log_lines()[-10:]


def test_database_restarted():
    """PostgreSQL killed under load answers as 503 problems with Retry-After, and service is back by itself"""
    site = harness.Site("postgresql", workers=2)
    postgres = site.postgres
    created = site.editor.post(EXPERIMENTS, new())
    assert created.status == 201, created
    row = created.json()
    path = f"{EXPERIMENTS}/{row['id']}"
    reads = harness.Load(site.port, path, clients=6)
    writes = harness.Load(site.port, EXPERIMENTS, clients=2, method="POST", token=editor(), body=new)
    reads.wait_for(200)
    writes.wait_for(20)
    postgres.kill()
    down = time.monotonic()
    harness.wait_until(lambda: 503 in reads.counts(since=down), "the outage is answered")
    harness.wait_until(lambda: site.client.get("/health").status == 503, "health tells of the outage")
    health = site.client.get("/health").json()
    assert health["status"] == "unhealthy" and health["components"]["database"]["status"] == "unhealthy", health
    assert site.client.get("/live").status == 200
    refused = site.client.get(path)
    problem = check_problem(refused, 503, "database-unavailable")
    assert int(refused.headers["retry-after"]) >= 1, refused.headers
    assert postgres.directory not in refused.text and "socket" not in refused.text.lower(), problem
    postgres.start()
    up = time.monotonic()
    settled = up + 2.5 * harness.SLOW  # by then every worker has its connections again
    reads.wait_for(200, since=settled)
    harness.wait_until(lambda: site.client.get("/health").status == 200, "health is back", timeout=2)
    counts = reads.stop()
    written = writes.stop()
    assert set(reads.counts(since=settled)) == {200}, reads.counts(since=settled)
    assert set(counts) <= {200, 503}, f"an outage showed as something else than 503: {counts}"
    assert set(written) <= {201, 503}, f"an outage showed as something else than 503: {written}"
    for response in reads.responses[:50] + writes.responses[:50]:
        check_problem(response, 503)
    assert up - down < 15
    most = 2 * (2 + 10)  # workers, each with DATABASE_PIPELINES and DATABASE_POOL_MAX
    assert postgres.connections("lab") <= most, postgres.connections("lab")
    assert harness.metric_sum(site.metrics(), "http_server_active_requests") <= 1


def test_acknowledged_writes_survive():
    """No write that was answered 201 is lost when PostgreSQL is stopped under load"""
    site = harness.Site("postgresql", workers=2)
    load = harness.Load(site.port, EXPERIMENTS, clients=4, method="POST", token=editor(), body=lambda: new("ack"))
    load.wait_for(50)
    site.postgres.stop()
    time.sleep(0.3)
    site.postgres.start()
    harness.wait_until(lambda: site.client.get(EXPERIMENTS).status == 200, "service is back")
    counts = load.stop()
    stored = int(site.postgres.sql("SELECT count(*) FROM experiments WHERE name = 'ack'", "lab"))
    assert stored >= counts[201], f"{counts[201]} were answered 201, {stored} are stored"


def test_no_database_at_start():
    """Without its database, and told how long to wait, serve ends with 69 and names the host, not the password"""
    directory = harness.directory("nowhere")
    app = harness.App(database=f"postgresql://user:hunter2@/lab?host={directory}&connect_timeout=1", prepare=(),
                      start=False, env={"DATABASE_CONNECT_TIMEOUT": "1s", "DATABASE_START_TIMEOUT": "2s"})
    app.start(wait=False)
    code = app.process.wait(15)
    assert code == 69, (code, app.process.output())
    assert "database" in app.process.output() and directory in app.process.output(), app.process.output()
    assert "hunter2" not in app.process.output()


def test_database_comes_later():
    """Without its database serve starts all the same, answers 503 problems, and is ready once the database is there"""
    postgres = harness.Postgres()
    url = postgres.create("lab")
    harness.App(database=url, start=False)
    postgres.stop()
    app = harness.App(database=url, prepare=(), start=False)
    app.start(wait=False)
    harness.wait_until(lambda: app.fastcgi("GET", "/live").status == 200, "it lives")
    assert app.fastcgi("GET", "/ready").status == 503
    answer = app.fastcgi("GET", EXPERIMENTS)
    assert answer.status == 503 and answer.headers["content-type"].startswith("application/problem+json"), answer
    postgres.start()
    harness.wait_until(lambda: app.fastcgi("GET", "/ready").status == 200, "it is ready", timeout=5)
    assert app.fastcgi("GET", EXPERIMENTS).status == 200


def test_unmigrated_database_comes_later():
    """A database that comes after the start and lacks migrations leaves the server unready until they are applied"""
    postgres = harness.Postgres()
    url = postgres.create("lab")
    postgres.stop()
    app = harness.App(database=url, prepare=(), start=False)
    app.start(wait=False)
    harness.wait_until(lambda: app.fastcgi("GET", "/live").status == 200, "it lives")
    postgres.start()

    def message():
        return app.fastcgi("GET", "/ready").json()["components"]["database"]["message"]

    harness.wait_until(lambda: message() == "Its migrations are pending.", "the pending migrations are told", timeout=5)
    assert app.fastcgi("GET", "/ready").status == 503
    app.command("db", "upgrade", check=True)
    harness.wait_until(lambda: app.fastcgi("GET", "/ready").status == 200, "it is ready", timeout=5)
    assert app.fastcgi("GET", EXPERIMENTS).status == 200


def test_bad_settings():
    """Bad settings stop start-up with exit code 78 and name every fault at once, never a secret"""
    app = harness.App(prepare=(), start=False, env={"WORKERS": "many", "BODY_MAX": "-1", "DATABASE_URL": "oracle:x"})
    app.start(wait=False)
    assert app.process.wait(10) == 78, app.process.output()
    for name in ("WORKERS", "BODY_MAX"):
        assert name in app.process.output(), app.process.output()
    app = harness.App(prepare=(), start=False, env={"DATABASE_URL": "oracle://u:hunter2@h/x"})
    app.start(wait=False)
    assert app.process.wait(10) == 78, app.process.output()
    assert "sqlite" in app.process.output() and "postgresql" in app.process.output(), app.process.output()
    assert "hunter2" not in app.process.output()


def test_production_makes_up_nothing():
    """APP_ENV=prod without algorithm, key or DATABASE_URL, or with a placeholder, is 78; so is an unknown APP_ENV"""
    def refused(*expected, **env):
        app = harness.App(prepare=(), start=False, env=env)
        done = app.command("config", "check")
        assert done.returncode == 78, (env, done.stdout, done.stderr)
        for text in expected:
            assert text in done.stdout + done.stderr, (env, done.stdout, done.stderr)

    assert harness.App(prepare=(), start=False, env={"APP_ENV": "prod"}).command("config", "check").returncode == 0
    refused("JWT_KEY", "must be set", APP_ENV="prod", JWT_KEY="")
    refused("JWT_ALGORITHM", "must be an algorithm", APP_ENV="prod", JWT_ALGORITHM="none", JWT_KEY="")
    refused("JWT_KEY", "placeholder", APP_ENV="prod", JWT_KEY="changeme-" + "x" * 40)
    refused("DATABASE_URL", APP_ENV="prod", DATABASE_URL="")
    refused("APP_ENV", "dev, staging, prod", APP_ENV="live")


def test_no_settings():
    """With no settings at all serve runs on SQLite below its own directory, and logs where"""
    names = ("APP_ENV", "DATABASE_URL", "LISTEN", "WORKERS", "JWT_KEY", "JWT_ALGORITHM")
    app = harness.App(prepare=("upgrade",), start=False, env=dict.fromkeys(names))
    app.socket_path = os.path.join(app.directory, "run", "lab.sock")
    app.start()
    assert app.fastcgi("GET", EXPERIMENTS).status == 200
    assert '"database":"sqlite:' in app.process.output(), app.process.output()
    assert any(name.endswith("lab.db") for _, _, names in os.walk(app.directory) for name in names)
    app.stop()


def test_health_command():
    """`lab health live` ends with 0 while the application runs, and with 1 when it does not"""
    app = harness.App()
    assert app.command("health", "live").returncode == 0
    app.stop()
    assert app.command("health", "live").returncode == 1


def test_pending_migrations():
    """With pending migrations serve refuses to start and names the command, unless it is told to apply them"""
    for env in ({}, {"MIGRATE_ON_START": "false"}):
        app = harness.App(prepare=(), start=False, env=env)
        app.start(wait=False)
        assert app.process.wait(20) == 78, app.process.output()
        assert "lab db upgrade" in app.process.output(), app.process.output()
    app.command("db", "upgrade", check=True)
    app.start()
    assert app.fastcgi("GET", EXPERIMENTS).status == 200
    harness.App(prepare=(), env={"MIGRATE_ON_START": "true"})


def test_clean_stop():
    """SIGTERM lets running requests finish, then the process ends with 0 and removes its socket"""
    app = harness.App("tests/apps/probe/probe", prepare=(), workers=1)
    nginx = harness.Nginx(app.socket_path, harness.directory("docs"))

    def ask(_):
        return nginx.client().get("/api/v1/sleep?ms=1500").status

    import threading
    results = []
    thread = threading.Thread(target=lambda: results.append(ask(0)))
    thread.start()
    harness.wait_until(lambda: harness.metric_sum(nginx.client().get("/metrics").text,
                                                  "http_server_active_requests") >= 1, "the request runs")
    time.sleep(0.1)
    began = time.monotonic()
    code = app.stop()
    thread.join()
    assert results == [200], results
    assert code == 0, code
    assert time.monotonic() - began < 5
    answer = nginx.client().get("/live")
    check_problem(answer, 503)
    assert answer.headers["retry-after"]


def test_metrics_of_all_workers():
    """One scrape counts the requests of all workers, and counters do not fall when a worker is replaced"""
    site = harness.Site(workers=2)

    def total():
        return harness.metric_sum(site.metrics(), "http_server_request_duration_seconds_count",
                                  http_route="/api/v1/experiments/{id}")

    path = EXPERIMENTS + "/01ARZ3NDEKTSV4RRFFQ69G5FAV"
    before = total()
    harness.in_parallel(lambda _: [site.nginx.client().get(path) for _ in range(10)], 8)
    harness.wait_until(lambda: total() == before + 80, "80 requests are counted")
    per_worker = site.app.workers()
    os.kill(per_worker[0], signal.SIGKILL)
    harness.wait_until(lambda: len(site.app.workers()) == 2 and per_worker[0] not in site.app.workers(), "a new worker")
    harness.wait_until(lambda: site.client.get("/ready").status == 200, "ready")
    assert total() >= before + 80


harness.main()
