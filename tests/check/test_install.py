"""What `make install` puts in place is enough: an application of one page builds with pkg-config alone and serves."""

import json
import os
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness, tokens  # noqa: E402

SOURCE = os.path.join(harness.SOURCE, "tests", "apps", "notes", "notes.c")


@harness.fixture
def installed():
    """A directory that holds what was installed."""
    root = harness.directory("root")
    done = harness.run(["make", "-s", "install", f"DESTDIR={root}"], cwd=harness.BUILD, timeout=110,
                       env=harness.base_environment())
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return root


def find(name):
    return [os.path.join(base, name) for base, _, files in os.walk(installed()) if name in files]


def pkg_config(*options):
    folder = os.path.dirname(find("banyan.pc")[0])
    env = {**harness.base_environment(), "PKG_CONFIG_PATH": folder, "PKG_CONFIG_SYSROOT_DIR": installed()}
    return harness.run(["pkg-config", *options, "banyan"], env=env, check=True).stdout.split()


@harness.fixture
def notes():
    program = os.path.join(harness.directory("notes"), "notes")
    done = harness.run(["cc", "-std=c17", "-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers", *pkg_config(
        "--cflags"), SOURCE, "-o", program, *pkg_config("--libs")], cwd="/")
    assert done.returncode == 0, done.stderr
    return program


def test_files():
    """Library, every public header, banyan.pc, the lab and nginx's configuration are installed"""
    for name in ("libbanyan.so", "banyan.pc", "lab", "banyan.conf", "banyan-app.conf", "banyan-tls.conf"):
        assert find(name), name
    for header in os.listdir(os.path.join(harness.SOURCE, "include", "banyan")):
        assert find(header), header
    assert not find("runtime.h"), "an internal header is installed"


def test_symbols():
    """The library exports nothing but by_ names, and no internal one"""
    harness.need("nm")
    done = harness.run(["nm", "-D", "--defined-only", find("libbanyan.so")[0]], check=True)
    names = [line.split()[-1].split("@")[0] for line in done.stdout.splitlines()]
    assert len(names) > 100
    wrong = [name for name in names if not name.startswith("by_") or name.startswith("by__")]
    assert not wrong, wrong[:20]


def test_size():
    """The application is one page: at most 100 lines"""
    assert len(harness.read(SOURCE).splitlines()) <= 100


def test_application():
    """The application migrates, validates and serves create, read, change, filter and delete"""
    library = os.path.dirname(find("libbanyan.so")[0])
    app = harness.App(notes(), prepare=("upgrade",), env={"LD_LIBRARY_PATH": library})
    token = tokens.hs256(tokens.claims(roles=["author"]), harness.TOKEN_KEY)

    def ask(method, path, body=None):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return app.fastcgi(method, path, headers, json.dumps(body).encode() if body is not None else b"")

    made = ask("POST", "/api/v1/notes", {"title": "First", "stars": 4, "tags": ["a"]})
    assert made.status == 201, made
    note = json.loads(made.body)
    assert ask("POST", "/api/v1/notes", {"title": "", "stars": 9}).status == 422
    assert ask("POST", "/api/v1/notes", {"title": "First"}).status == 409
    listed = json.loads(ask("GET", "/api/v1/notes?filter=%7B%22stars%22:%7B%22gte%22:4%7D%7D").body)
    assert [item["id"] for item in listed["items"]] == [note["id"]], listed
    assert json.loads(ask("PATCH", f"/api/v1/notes/{note['id']}", {"stars": 5}).body)["stars"] == 5
    assert ask("DELETE", f"/api/v1/notes/{note['id']}").status == 204
    assert ask("GET", f"/api/v1/notes/{note['id']}").status == 404
    assert json.loads(ask("GET", "/openapi.json").body)["openapi"].startswith("3.1")
    app.stop()


harness.main()
