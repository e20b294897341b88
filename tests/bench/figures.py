"""Measures what is no case: open streams, overload, reloads under load, replacement, and the soak's counts."""

import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import threading
import time
from datetime import datetime

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "soak")]
from bench import load, peers  # noqa: E402
from support import harness  # noqa: E402

import soak  # noqa: E402

PROBE = "tests/apps/probe/probe"
PING = "/api/v1/ping"


# ---- replacement ------------------------------------------------------------

def logged(app, message, pid):
    """When the log says this of the process, in milliseconds; None: it does not."""
    for line in app.log_lines():
        if line.get("message") == message and line.get("pid") == pid:
            return datetime.fromisoformat(line["timestamp"].replace("Z", "+00:00")).timestamp() * 1000
    return None


def replaced(app):
    """Milliseconds from when the supervisor told of a killed worker, before it forked another, to when that one was ready."""
    victim = app.workers()[0]
    os.kill(victim, signal.SIGKILL)
    successor = harness.wait_until(lambda: [pid for pid in app.workers() if pid != victim], "a replacement is there")[0]
    ready = harness.wait_until(lambda: logged(app, "worker ready", successor), "the replacement is ready")
    return ready - logged(app, "worker killed by a signal", victim)


def measure_replacement(times=5):
    """The median of fresh supervisors, so that no pause between crashes counts; and what the idle worker holds."""
    postgres = harness.Postgres()
    url, took, held = postgres.create("lab"), [], []
    for number in range(times):
        app = harness.App(database=url, workers=1, prepare=("upgrade",) if number == 0 else ())
        held.append(harness.resident(app.workers()[0]))
        took.append(replaced(app))
        app.stop()
    postgres.stop()
    return {"replacement_ms": round(statistics.median(took), 2), "idle_worker_postgresql_bytes": max(held)}


# ---- streams ----------------------------------------------------------------

class Streams:
    """tests/bench/streams in the background: all are open when it has been made."""

    def __init__(self, kind, where, count, seconds):
        self.process = subprocess.Popen(
            [harness.binary("tests/bench/streams"), kind, str(where), "/api/v1/stream?n=100000&ms=1000", str(count),
             str(seconds)], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "open\n", "the streams did not open"

    def result(self):
        out, _ = self.process.communicate()
        assert self.process.returncode == 0, self.process.returncode
        return json.loads(out)


def processor_seconds(pids):
    ticks = 0
    for pid in pids:
        fields = harness.read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def asker(app):
    """One GET on a kept connection to the application."""
    connection = app.connect()

    def ask():
        assert connection.request("GET", "/api/v1/caller").status == 200
    return ask


def stream_app():
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    app = harness.App(PROBE, prepare=(), workers=2, limits={resource.RLIMIT_NOFILE: (files, files)},
                      env={"HEAD_TIMEOUT": "60s", "ACCESS_LOG": "false"})
    for _ in range(200):
        app.fastcgi("GET", "/api/v1/stream?n=1")
    return app


def measure_streams(count=10_000, through=1000, seconds=15):
    """Streams on the socket itself, then fewer through nginx; and a client beside them that asks a hundred times a second."""
    app = stream_app()
    workers = app.workers()
    before = sum(map(harness.resident, workers))
    streams = Streams("fastcgi", app.socket_path, count, seconds)
    used, began = processor_seconds(workers), time.monotonic()
    probe = load.Probe(asker(app))
    time.sleep(seconds - 1)
    held = sum(map(harness.resident, workers)) - before
    tail, used = probe.stop(), (processor_seconds(workers) - used) / (time.monotonic() - began)
    got = streams.result()
    events = got["events"] / (got["milliseconds"] / 1000)
    values = {"stream_bytes": round(held / count), "stream_lost": got["lost"], "stream_cpu": round(used, 3),
              "stream_events": round(events), "stream_on_time": round(events / count, 3), "stream_get_ms": round(tail, 2)}
    app.stop()
    return {**values, **streams_through_nginx(through, seconds)}


def streams_through_nginx(count, seconds):
    app = stream_app()
    nginx = harness.Nginx(app.socket_path, harness.directory("docs"))
    streams = Streams("http", nginx.port, count, seconds)
    client = nginx.client()
    probe = load.Probe(lambda: client.get("/api/v1/caller"))
    time.sleep(seconds - 1)
    tail, got = probe.stop(), streams.result()
    nginx.stop()
    app.stop()
    return {"stream_nginx_lost": got["lost"], "stream_nginx_get_ms": round(tail, 2)}


# ---- overload ---------------------------------------------------------------

IN_TIME, GOOD = 1.5, 1.0


def crowd_numbers(port, clients, seconds):
    answers = load.Crowd(port, "/api/v1/spin?ms=20", clients, seconds).answers
    refused = [answer for answer in answers if answer[0] != 200]
    return {
        "good": round(sum(status == 200 and took <= GOOD for status, _, took in answers) / seconds, 1),
        "in_time": round(sum(took <= IN_TIME for *_, took in answers) / len(answers), 4),
        "problems": sum(status == 503 and problem for status, problem, _ in refused),
        "gateway": sum(status in (502, 504) for status, *_ in refused),
        "refused": len(refused), "answers": len(answers)}


def measure_overload(clients=512, seconds=12):
    """Work that four workers cannot do in time, asked of Banyan and of PHP-FPM behind one nginx, which waits for 3 s at most."""
    postgres = harness.Postgres()
    postgres.create("bench")
    app = harness.App(PROBE, prepare=(), workers=4, env={"QUEUE_TIMEOUT": "900ms", "ACCESS_LOG": "false"})
    directory = harness.directory("peers")
    php = peers.start_php("php", os.path.join(directory, "php.sock"), directory, postgres, children=4)
    ports = {"banyan": harness.free_port(), "php": harness.free_port()}
    nginx = harness.Nginx(site=None, extra=lambda port: "\n".join([
        f"server {{ listen 127.0.0.1:{port}; return 204; }}", peers.NGINX, "fastcgi_read_timeout 3s;",
        peers.FastCGI(app.socket_path).nginx("banyan", ports["banyan"]), php.nginx("php", ports["php"])]))
    ours = crowd_numbers(ports["banyan"], clients, seconds)
    theirs = crowd_numbers(ports["php"], clients, seconds)
    print("overload: Banyan", ours, "PHP-FPM", theirs, flush=True)
    nginx.stop()
    app.stop()
    postgres.stop()
    return {"overload_good": ours["good"], "overload_in_time": ours["in_time"],
            "overload_problems": round(ours["problems"] / max(1, ours["refused"]), 4) if ours["refused"] else 1,
            "overload_php_good": theirs["good"], "overload_php_in_time": theirs["in_time"],
            "overload_php_problems": round(theirs["gateway"] / theirs["answers"], 4),
            "overload_ratio": round(ours["good"] / max(theirs["good"], 0.1), 2)}


# ---- reload -----------------------------------------------------------------

def generation(app):
    return json.loads(app.command("status", "--json").stdout)["generation"]


def change_generations(app, changes, seconds):
    """So many, spread evenly: every fifth by an upgrade onto the same binary, as the words of the supervisor name it."""
    began = time.monotonic()
    for number in range(changes):
        time.sleep(max(0, began + (number + 0.5) * seconds / changes - time.monotonic()))
        app.process.send_signal(signal.SIGUSR2 if number % 5 == 4 else signal.SIGHUP)


def measure_reload(seconds=60, changes=25):
    """Requests through nginx with deploy/nginx, which keeps connections, while generation after generation takes over."""
    app = harness.App(workers=2, env={"ACCESS_LOG": "false"})
    nginx = harness.Nginx(app.socket_path, harness.directory("docs"))
    before = load.wrk(nginx.port, PING, max(2, seconds // 6))
    first = generation(app)
    thread = threading.Thread(target=change_generations, args=(app, changes, seconds), daemon=True)
    thread.start()
    under = load.wrk(nginx.port, PING, seconds, strict=False)
    thread.join()
    took_over = generation(app) - first
    nginx.stop()
    app.stop()
    return {"reload_requests": under.requests, "reload_failed": under.failed, "reload_generations": took_over,
            "reload_p99_ms": round(under.p99, 3), "reload_p99_before_ms": round(before.p99, 3)}


# ---- soak -------------------------------------------------------------------

def measure_soak(seconds=60, requests=1_000_000, each=500):
    """tests/soak in full: it ends the run when a lost request was not on a killed worker, or anything leaks."""
    killed, counts = soak.kills(seconds)
    replaced_counts = soak.replacements(requests, each)
    return {"kills_workers": killed, "kills_answers": counts["ok"], "kills_lost": counts["lost"],
            "kills_failed": counts["failed"], "replaced_workers": replaced_counts["workers"],
            "replaced_answers": replaced_counts["ok"], "replaced_lost": replaced_counts["lost"],
            "replaced_seconds": replaced_counts["seconds"]}
