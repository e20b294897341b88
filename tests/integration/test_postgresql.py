"""Both databases do the same, and PostgreSQL's driver stands its faults: the programs beside this file, run for real."""

import os
import re
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness  # noqa: E402

CONFORMANCE = "tests/integration/db_conformance"
FAULTS = "tests/integration/db_faults"


@harness.fixture
def postgres():
    return harness.Postgres()


def check_tap(done):
    assert done.returncode == 0 and "not ok" not in done.stdout, done.stdout[-4000:] + done.stderr[-2000:]
    assert re.search(r"^ok ", done.stdout, re.M), done.stdout


def conformance(url):
    check_tap(harness.run([harness.binary(CONFORMANCE), url], timeout=90))


def fault(case):
    check_tap(harness.run([harness.binary(FAULTS), postgres().url(), case], timeout=60))


def test_sqlite_file():
    """The conformance suite passes on a SQLite file"""
    conformance(f"sqlite:{harness.directory('db')}/test.db")


def test_sqlite_memory():
    """The conformance suite passes on SQLite in memory"""
    conformance("sqlite::memory:")


def test_postgresql():
    """The conformance suite passes on PostgreSQL"""
    conformance(postgres().url())


def test_postgresql_unprepared():
    """The conformance suite passes on PostgreSQL without prepared statements, as a pooler needs it"""
    conformance(postgres().url() + "&prepare=off")


def test_postgresql_other_collation():
    """Filters, orders and cursors mean the same in a database whose own collation differs"""
    postgres().sql("CREATE DATABASE other TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'")
    conformance(postgres().url("other"))


def test_host_by_name():
    """A host given by name, among hosts that do not answer, is found over TCP"""
    relay = harness.Relay(f"{postgres().directory}/.s.PGSQL.5432")
    url = f"postgresql://postgres@localhost:{relay.port}/postgres?sslmode=disable"
    check_tap(harness.run([harness.binary(FAULTS), url, "deadlines"], timeout=60))
    hosts = f"127.0.0.1:{harness.free_port()},localhost:{relay.port}"
    url = f"postgresql://postgres@{hosts}/postgres?sslmode=disable"
    check_tap(harness.run([harness.binary(CONFORMANCE), url, "--case", "transactions_are_all_or_nothing"], timeout=60))


def test_host_without_address():
    """A host that has no address is told as such"""
    url = "postgresql://postgres@no-such-host.invalid/postgres"
    done = harness.run([harness.binary(FAULTS), url, "deadlines"], timeout=30)
    assert done.returncode == 1 and "could not be resolved" in done.stdout, done.stdout


def test_transactions_side_by_side():
    """Fifty transactions that sleep for a second take less than 1.5 seconds together"""
    fault("fifty_sleeps")


def test_refused_begin():
    """A server that refuses BEGIN fails the statement behind it at once, and says why"""
    fault("refused_begin")


def test_pool_exhausted():
    """A full pool refuses as overloaded, and serves again afterwards"""
    fault("exhausted_pool")


def test_deferred():
    """What a statement did is told once it is committed: a constraint that speaks only then makes it an error"""
    fault("deferred")


def test_deadlines():
    """A statement returns at its deadline, and leaves no connection unclean, no backend at work"""
    fault("deadlines")


def test_slow_neighbour():
    """A statement of a second does not hold up the short ones beside it"""
    fault("slow_neighbour")


def test_metrics():
    """Statements, preparations and connections are counted, and nothing is prepared again under load"""
    fault("metrics")


def test_pool_in_order():
    """Whoever waits for a connection is served in the order of coming, also after one in the middle has given up"""
    fault("in_order")


def pool(case):
    check_tap(harness.run([harness.binary(FAULTS), postgres().url() + "&application_name=pool", case], timeout=60))


def test_pool_idle_limit():
    """The pool keeps its least number open, and closes what nobody needs beyond that"""
    pool("idle_limit")


def test_pool_lifetime():
    """Connections that are too old are replaced under load, and no statement fails by it"""
    pool("lifetime")


def test_statement_timeout():
    """A statement ends at the time limit for statements, on PostgreSQL and on SQLite"""
    fault("statement_timeout")
    url = f"sqlite:{harness.directory('db')}/test.db"
    check_tap(harness.run([harness.binary(FAULTS), url, "statement_timeout"], timeout=60))


def test_pool_reload():
    """A reload applies new limits of the pool, and no request is lost by it"""
    url = postgres().create("reloaded") + "&application_name=reloaded"
    app = harness.App(database=url, workers=2, start=False)
    settings = harness.write(os.path.join(app.directory, ".env"), "DATABASE_POOL_MIN=1\n")
    nginx = harness.Nginx(app.start().socket_path, harness.directory("docs"))

    def sessions():
        return int(postgres().sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reloaded'"))

    harness.wait_until(lambda: sessions() == 2 * (2 + 1), "each worker has two shared connections and one of the pool")
    load = harness.Load(nginx.port, "/api/v1/experiments?size=1", clients=4)
    load.wait_for(50)
    harness.write(settings, "DATABASE_POOL_MIN=4\nDATABASE_PIPELINES=1\n")
    app.command("reload", check=True)
    load.wait_for(50, since=time.monotonic())
    counts = load.stop()
    assert set(counts) == {200}, counts
    harness.wait_until(lambda: sessions() == 2 * (1 + 4), "the new workers have the new numbers, and the old are gone")
    harness.write(settings, "DATABASE_POOL_MIN=5\nDATABASE_POOL_MAX=4\n")
    done = app.command("reload")
    assert done.returncode != 0 and "DATABASE_POOL_MIN" in done.stdout + done.stderr, done
    assert app.fastcgi("GET", "/api/v1/experiments").status == 200


def first_after(log):
    return int(re.search(r"first_after=(\d+)", log).group(1)) / 1e9


def under_load(interrupt):
    """Loads while `interrupt` runs; it returns when the server was back. Service must follow within two seconds."""
    log = harness.write(harness.directory("load") + "/log", "")
    program = harness.Process([harness.binary(FAULTS), postgres().url(), "load"], log)
    harness.wait_until(lambda: "# loading" in program.output(), "the load runs")
    time.sleep(0.5)
    back = interrupt()
    time.sleep(2)
    assert program.stop() == 0, program.output()[-3000:]
    output = program.output()
    assert re.search(r"unavailable=[1-9]", output), output
    assert 0 < first_after(output) < back + 2, f"{back}\n{output}"
    harness.wait_until(lambda: postgres().connections("postgres") <= 1, "no connection is left behind")


def test_server_killed():
    """A server that is killed under load costs errors of one kind, and service is back by itself"""
    def interrupt():
        postgres().kill()
        time.sleep(0.7)
        postgres().start()
        return time.monotonic()
    under_load(interrupt)


def test_server_stopped():
    """A server that is stopped in order under load is as one that is killed"""
    def interrupt():
        postgres().stop()
        time.sleep(0.3)
        postgres().start()
        return time.monotonic()
    under_load(interrupt)


def test_backends_terminated():
    """Sessions ended by an administrator are replaced"""
    def interrupt():
        for _ in range(5):
            postgres().sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                           "AND backend_type = 'client backend'")
            time.sleep(0.2)
        return time.monotonic()
    under_load(interrupt)


def test_nothing_listens():
    """A database that cannot be reached is said to be unavailable, soon and with the reason for the log"""
    started = time.monotonic()
    url = f"postgresql://postgres@/postgres?host={harness.directory('none')}"
    done = harness.run([harness.binary(FAULTS), url, "deadlines"], timeout=20)
    assert done.returncode == 1 and "DATABASE_UNAVAILABLE" in done.stdout and "socket" in done.stdout, done.stdout
    assert time.monotonic() - started < 3


harness.main()
