"""Behind nginx, reloads and upgrades under load lose, cut and refuse nothing."""

import hashlib
import http.client
import os
import signal
import sys
import threading
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness  # noqa: E402
from support.harness import SLOW, wait_until  # noqa: E402
from support.region import Region  # noqa: E402

API = "/api/v1"
RELOADS, UPGRADES = 20, 5
UPLOAD = bytes(range(256)) * (5 * 1024 * 1024 // 256)
DIGEST = hashlib.sha256(UPLOAD).hexdigest()
LONG = 3_000_000


class Kind:
    """One kind of request, repeated by so many clients; `whole` says whether an answer is what it should be."""

    def __init__(self, name, clients, method, path, whole, body=None, pause=0.0):
        self.name, self.clients, self.method, self.path = name, clients, method, path
        self.whole, self.body, self.pause = whole, body, pause
        self.good, self.bad, self.lock = 0, [], threading.Lock()

    def ask(self, client):
        try:
            answer = client.request(self.method, self.path, self.body)
        except (OSError, http.client.HTTPException) as error:
            return f"{type(error).__name__}: {error}"
        return None if answer.status == 200 and self.whole(answer) else repr(answer)

    def work(self, port, stop):
        client = harness.Client(port, timeout=60)
        while not stop.is_set():
            fault = self.ask(client)
            with self.lock:
                if fault is None:
                    self.good += 1
                else:
                    self.bad.append((time.monotonic(), fault))
            if self.pause:
                time.sleep(self.pause)
        client.close()


def events(count):
    """All events; or those up to where the stream was told to end, and then the line that has the client come again."""
    wanted = [b"id: %d\ndata: %d\n\n" % (i, i) for i in range(count)]
    whole = [b"".join(wanted)] + [b"".join(wanted[:n]) + b"retry: 1000\n\n" for n in range(count + 1)]
    return lambda answer: answer.body in whole


def is_upload(answer):
    got = answer.json()
    return got["bytes"] == len(UPLOAD) and got["sha256"] == DIGEST


def kinds():
    digits = b"0123456789" * 800
    longest = (digits * (LONG // len(digits) + 1))[:LONG]
    return [
        Kind("GET", 6, "GET", API + "/worker", lambda answer: answer.json()["pid"] > 1, pause=0.005),
        Kind("upload", 2, "POST", API + "/upload", is_upload, UPLOAD, pause=0.02),
        Kind("long answer", 2, "GET", f"{API}/big?bytes={LONG}", lambda answer: answer.body == longest, pause=0.02),
        Kind("event stream", 4, "GET", f"{API}/stream?n=10&ms=60", events(10)),
        Kind("slow", 2, "GET", f"{API}/sleep?ms=150", lambda answer: answer.json()["ms"] >= 150),
    ]


def copy_program(directory):
    """A new program at the same path: another file, put there by a rename."""
    path = os.path.join(directory, "probe")
    with open(harness.binary("tests/apps/probe/probe"), "rb") as file:
        data = file.read()
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.chmod(path + ".new", 0o755)
    os.rename(path + ".new", path)
    return path


def change(app, number, generation):
    app.process.send_signal(number)

    def serves():
        assert app.process.running, app.process.output()[-3000:]
        region = Region(os.path.join(app.directory, "run", "probe.shared"))
        assert region.reload_state != "refused", region.reload_reason
        return region.generation == generation and region.reload_state == "done"
    wait_until(serves, f"generation {generation} serves", 30)


def test_reloads_and_upgrades_lose_nothing():
    """twenty reloads and five upgrades under requests, 5 MB uploads, long answers and event streams: each of them is whole"""
    directory = harness.directory("bin")
    app = harness.App(copy_program(directory), prepare=(), workers=2, status=None, env={"ACCESS_LOG": "false"})
    nginx = harness.Nginx(app.socket_path)
    stop, all_kinds = threading.Event(), kinds()
    threads = [threading.Thread(target=kind.work, args=(nginx.port, stop), daemon=True)
               for kind in all_kinds for _ in range(kind.clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    wait_until(lambda: all(kind.good + len(kind.bad) > 0 for kind in all_kinds), "all kinds are under way", 30)
    for turn in range(1, RELOADS + UPGRADES + 1):
        upgrade = turn % 5 == 0
        if upgrade:
            copy_program(directory)
        before = all_kinds[0].good
        change(app, signal.SIGUSR2 if upgrade else signal.SIGHUP, turn + 1)
        wait_until(lambda: all_kinds[0].good + len(all_kinds[0].bad) >= before + 100, "the load goes on", 30)
    stop.set()
    for thread in threads:
        thread.join(60 * SLOW)
    span = time.monotonic() - began
    total = sum(kind.good for kind in all_kinds)
    print("# " + ", ".join(f"{kind.good} of {kind.name}" for kind in all_kinds)
          + f"; {total / span:.0f} a second for {span:.0f} s over {RELOADS} reloads and {UPGRADES} upgrades")
    for kind in all_kinds:
        assert not kind.bad, f"{kind.name}: {len(kind.bad)} of {kind.good + len(kind.bad)} failed: {kind.bad[0][1][:600]}"
        assert kind.good > 0, kind.name
    assert nginx.process.running and "error" not in harness.read(nginx.log), harness.read(nginx.log)[-3000:]
    region = Region(os.path.join(app.directory, "run", "probe.shared"))
    assert region.pool("web")["crashed"] == 0 and region.supervisor == app.process.pid, region.pools
    assert app.stop() == 0


if __name__ == "__main__":
    harness.main()
