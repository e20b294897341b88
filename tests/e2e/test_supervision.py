"""The commands that look at a running application and tell it things, against a process that answers as the test says."""

import json
import os
import signal
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness  # noqa: E402

SECRET = "a secret that no output may hold, of more than 32 bytes"


class Region:
    """A directory in which a stand-in for the supervisor of the lab holds a region."""

    def __init__(self, mood="done"):
        self.directory = harness.directory("region")
        os.mkdir(os.path.join(self.directory, "run"))
        self.path = os.path.join(self.directory, "run", "lab.shared")
        self.log = os.path.join(self.directory, "region.log")
        self.process = harness.Process([harness.binary("tests/integration/region"), self.path, "serve", mood], self.log,
                                       env=harness.base_environment(), cwd=self.directory)
        harness.wait_until(lambda: "ready" in self.process.output(), "the region is there")

    def lab(self, *arguments, **env):
        return harness.run([harness.binary("lab"), *arguments], cwd=self.directory,
                           env=harness.base_environment(APP_ENV="dev", JWT_KEY=SECRET, JWT_ALGORITHM="HS256", **env))


@harness.fixture
def region():
    return Region()


def test_status_json():
    """status --json tells application, pools, workers and refused routes as the region holds them"""
    done = region().lab("status", "--json")
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout)
    assert (status["application"], status["version"], status["supervisor"]) == ("lab", "4.5.6", region().process.pid)
    assert [(p["name"], p["scaling"], p["workers_max"], p["crashed"], p["backoff_ms"]) for p in status["pools"]] == \
        [("web", "static", 4, 2, 0), ("batch", "on_demand", 3, 2, 800)]
    web = status["pools"][0]
    assert (web["running"], web["active"], web["queued"], web["requests"]) == (1, 3, 1, 300), web
    first = status["workers"][0]
    assert (first["pid"], first["pool"], first["state"], first["method"], first["route"]) == \
        (1001, "web", "ready", "GET", "/api/v1/experiments/{id}"), first
    assert first["resident_bytes"] == 9437184 and first["uptime_seconds"] >= 3723 and first["heartbeat_age_ms"] >= 0
    assert status["workers"][1]["heartbeat_age_ms"] is None, status["workers"][1]
    assert [w["pid"] for w in status["workers"]] == [1001, 1002, 1003], "a worker that has gone is none"
    assert [p["route"] for p in status["poisoned"]] == ["POST /api/v1/boom"], status["poisoned"]
    assert 0 < status["poisoned"][0]["seconds_left"] <= 60


def test_half_written_text():
    """A route that a dying worker left half written, without an end and not in UTF-8, is told with question marks"""
    status = json.loads(region().lab("status", "--json").stdout)
    route = status["workers"][2]["route"]
    assert route.startswith("/?(?") and set(route[4:]) == {"r"} and len(route) == 96, route


def test_status_table():
    """The table of status has a line for the application, a block for each pool and an aligned line for each worker"""
    done = region().lab("status")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"lab 4.5.6, supervisor {region().process.pid}, generation 3, up "), lines[0]
    assert [line.split(":")[0] for line in lines if line.startswith("pool ")] == ["pool web at unix", "pool batch at unix"]
    heads = [line for line in lines if line.lstrip().startswith("pid ")]
    workers = [line for line in lines if line.split()[:1] in (["1001"], ["1002"], ["1003"])]
    assert len(heads) == 2 and len(workers) == 3, done.stdout
    assert all("9.0 MiB" in line and "1h02m" in line for line in workers), workers
    column = heads[0].index("state")
    assert [line[column:].split()[0] for line in workers] == ["ready", "draining", "ready"], done.stdout
    assert "refused for" in lines[-1] and lines[-1].endswith("POST /api/v1/boom"), lines[-1]


def test_status_rate():
    """status --rate tells requests per second"""
    done = region().lab("status", "--rate")
    assert done.returncode == 0 and "300 requests, 0.0/s" in done.stdout, done.stdout + done.stderr


def test_status_with_broken_settings():
    """status finds RUNTIME_DIR while other settings are broken, wherever it is set"""
    moved = os.path.join(region().directory, "run")
    elsewhere = harness.directory("elsewhere")
    harness.write(os.path.join(elsewhere, "lab.conf"), f"runtime_dir = {moved}\nworkers = many\nnonsense = 1\n")
    program, env = harness.binary("lab"), harness.base_environment()
    done = harness.run([program, "--config", "lab.conf", "status"], cwd=elsewhere, env=env)
    assert done.returncode == 0 and "lab 4.5.6" in done.stdout, done.stderr
    done = harness.run([program, "--set", f"RUNTIME_DIR={moved}", "status"], cwd=elsewhere, env={**env, "WORKERS": "many"})
    assert done.returncode == 0, done.stderr
    done = harness.run([program, "status"], cwd=elsewhere, env={**env, "WORKERS": "many"})
    assert done.returncode == 1 and "does not run" in done.stderr, done.stderr


def test_status_of_a_dead_supervisor():
    """A region whose supervisor is dead, or whose pid is another program's by now, is told as not running"""
    mine = Region()
    mine.process.send_signal(signal.SIGKILL)
    mine.process.wait()
    done = mine.lab("status")
    assert done.returncode == 1 and "left by one that has ended" in done.stderr, (done.returncode, done.stderr)
    # Its number is in the file of a program that lives: this one.
    harness.write(os.path.join(mine.directory, "pid"), f"{os.getpid()}\n")
    assert mine.lab("status", PID_FILE="pid").returncode == 1
    assert mine.lab("reload", PID_FILE="pid").returncode == 1


def test_status_of_something_else():
    """A file that is no region, or of another version, exits 3"""
    mine = harness.directory("other")
    os.mkdir(os.path.join(mine, "run"))
    harness.write(os.path.join(mine, "run", "lab.shared"), "x" * 1000000)
    done = harness.run([harness.binary("lab"), "status"], cwd=mine, env=harness.base_environment())
    assert done.returncode == 3 and "another version" in done.stderr, (done.returncode, done.stderr)


def test_reload():
    """reload and upgrade wait until the new generation serves, and tell which it is"""
    mine = Region("done")
    for command, generation in (("reload", 4), ("upgrade", 5)):
        done = mine.lab(command)
        assert done.returncode == 0 and f"generation {generation} serves" in done.stdout, done.stdout + done.stderr


def test_reload_refused():
    """A refused reload exits 1 with the supervisor's reason, which status then shows"""
    mine = Region("refused")
    done = mine.lab("reload")
    assert done.returncode == 1 and "WORKERS: must be an integer 0..120" in done.stderr, done.stderr
    assert "the last reload was refused: WORKERS" in mine.lab("status").stdout
    assert json.loads(mine.lab("status", "--json").stdout)["reload"] == \
        {"count": 1, "state": "refused", "reason": "WORKERS: must be an integer 0..120"}


def test_reload_limits():
    """reload gives up waiting at its time limit, waits not at all with --no-wait, and tells of a supervisor that ends"""
    mine = Region("deaf")
    done = mine.lab("reload", "--timeout", "300ms")
    assert done.returncode == 1 and "not done in time" in done.stderr, done.stderr
    assert mine.lab("reload", "--no-wait").returncode == 0
    assert mine.lab("reload", "--timeout", "soon").returncode == 64
    ending = Region("ends")
    done = ending.lab("reload")
    assert done.returncode == 1 and "has ended" in done.stderr, done.stderr


def test_stop():
    """stop returns when the process has ended, and is content when there is none"""
    mine = Region()
    done = mine.lab("stop")
    assert done.returncode == 0 and "stopped" in done.stdout, done.stdout + done.stderr
    assert mine.process.wait() == 0
    assert mine.lab("stop").returncode == 0
    assert mine.lab("reload").returncode == 1


def test_status_endpoint():
    """/status answers like the command, is not stored, and holds no secret"""
    app = harness.App("lab", env={"JWT_KEY": SECRET})
    answer = app.fastcgi("GET", "/status")
    assert answer.status == 200 and answer.headers["cache-control"] == "no-store", answer
    status = json.loads(answer.body)
    assert set(status) == set(json.loads(region().lab("status", "--json").stdout)), status
    assert [worker["pid"] for worker in status["workers"] if worker["state"] == "ready"] == app.workers(), status
    assert SECRET.encode() not in answer.body


def test_no_secret():
    """No secret of the settings is in what these commands print"""
    for command in (["status"], ["status", "--json"], ["reload"]):
        done = region().lab(*command, DATABASE_URL="postgresql://u:pl4nted@h/d")
        assert SECRET not in done.stdout + done.stderr and "pl4nted" not in done.stdout + done.stderr


harness.main()
