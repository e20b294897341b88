"""A newcomer's first run: scripts/quickstart serves the lab, its printed lines work, and it stops cleanly."""

import os
import re
import signal
import socket
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness  # noqa: E402

QUICKSTART = os.path.join(harness.SOURCE, "scripts", "quickstart")


def environment(**more):
    harness.need("nginx", "curl", "npm")
    home = os.environ.get("HOME", "/")
    return {**harness.base_environment(), "HOME": home, "QUICKSTART_DIR": harness.directory("quickstart"),
            "QUICKSTART_BUILD": harness.BUILD, **{name: str(value) for name, value in more.items()}}


def test_check():
    """quickstart --check starts the lab, runs the lines that it prints, and stops"""
    done = harness.run([QUICKSTART, "--check", "--no-install"], env=environment(PORT=harness.free_port()), timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all lines work" in done.stdout, done.stdout


test_check.timeout = 320


def test_port_in_use():
    """A port in use ends quickstart with a code that is not 0 and a message that names the port"""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = harness.run([QUICKSTART, "--check", "--no-install"], env=environment(PORT=port))
    assert done.returncode == 69 and str(port) in done.stderr, (done.returncode, done.stderr)


def test_bad_arguments():
    """A bad port or option is refused with exit code 64"""
    for port in ("x", "0", "65536", "-1", "5003x"):
        done = harness.run([QUICKSTART, "--check", "--no-install"], env=environment(PORT=port))
        assert done.returncode == 64, (port, done.returncode, done.stderr)
    assert harness.run([QUICKSTART, "--frobnicate"], env=environment()).returncode == 64


def test_interrupt():
    """Ctrl-C ends quickstart with 0, and nothing of it stays: no process, no socket, no listening port"""
    port = harness.free_port()
    env = environment(PORT=port, TMPDIR=harness.directory("tmp"))
    log = os.path.join(harness.directory("log"), "quickstart.log")
    process = harness.Process([QUICKSTART, "--no-install"], log, env=env)
    harness.wait_until(lambda: "Ctrl-C" in process.output() or not process.running, "quickstart serves", timeout=250)
    assert process.running, process.output()
    client = harness.Client(port)
    assert client.get("/health").json()["status"] == "healthy"
    assert client.get("/docs").status == 200
    rows = client.get("/api/v1/experiments").json()
    assert rows["total"] >= 3, f"no sample data: {rows}"
    lines = [line.strip() for line in process.output().splitlines() if line.strip().startswith("curl ")]
    assert len(lines) == 3, process.output()
    answers = [harness.run(["sh", "-c", line], check=True).stdout for line in lines]
    assert '"items"' in answers[0] and '"id"' in answers[1] and 'validation-failed' in answers[2], answers
    below = process.children()
    assert len(below) >= 2, below
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0, process.output()
    for pid in below:
        harness.wait_until(lambda pid=pid: not os.path.exists(f"/proc/{pid}"), f"{pid} is gone")
    assert not os.listdir(env["TMPDIR"]), os.listdir(env["TMPDIR"])
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


test_interrupt.timeout = 300


def test_readme_commands():
    """README's first-run commands are those that exist here"""
    text = harness.read(os.path.join(harness.SOURCE, "README.md"))
    named = set(re.findall(r"(?m)^\s*(?:\$ )?(scripts/[\w-]+)", text))
    assert {"scripts/quickstart", "scripts/test"} <= named, named
    for path in named:
        assert os.access(os.path.join(harness.SOURCE, path), os.X_OK), path


harness.main()
