"""What `make install` installs is enough: another application builds on it with pkg-config alone, and works."""

import json
import os
import re
import shutil
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness  # noqa: E402

APPLICATION = os.path.join(harness.SOURCE, "tests", "install", "notes.c")


def make(*arguments, check=True):
    """The make of the build, without what it is told by the one that runs this test."""
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DESTDIR")}
    return harness.run(["make", "-s", "-C", harness.BUILD, *arguments], env=env, timeout=110, check=check)


def configured(name):
    """What the build's Makefile says a variable is, its own variables replaced."""
    text = harness.read(os.path.join(harness.BUILD, "Makefile"))
    value = re.search(rf"(?m)^{name} = (.*)$", text)[1]
    return re.sub(r"\$[{(](\w+)[)}]", lambda match: configured(match[1]), value)


@harness.fixture
def root():
    """A directory into which everything is installed."""
    where = os.path.join(harness.directory("install"), "root")
    make("install", f"DESTDIR={where}")
    return where


def installed(variable, *rest):
    return os.path.join(root() + configured(variable), *rest)


def pkg_config(*options):
    harness.need("pkg-config")
    env = harness.base_environment(PKG_CONFIG_PATH=installed("libdir", "pkgconfig"), PKG_CONFIG_SYSROOT_DIR=root())
    return harness.run(["pkg-config", *options, "banyan"], env=env, check=True).stdout.split()


def build(*flags):
    """The application, by the compiler that the library was built with, so that sanitizers agree."""
    program = os.path.join(harness.directory("notes"), "notes")
    done = harness.run([*configured("CC").split(), "-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                        *configured("BY_SANITIZE").split(), "-o", program, APPLICATION, *flags], timeout=100)
    assert done.returncode == 0, done.stderr
    return program


def environment(program, **more):
    folder = os.path.dirname(program)
    return {**harness.base_environment(), "LD_LIBRARY_PATH": installed("libdir"), "APP_ENV": "dev",
            "DATABASE_URL": f"sqlite:{folder}/notes.db", "JWT_KEY": harness.TOKEN_KEY, "JWT_ALGORITHM": "HS256", **more}


@harness.fixture
def notes():
    return build(*pkg_config("--cflags", "--libs"))


def request(program, method, uri, body=None):
    """One request, answered by the application as a plain CGI program."""
    data = json.dumps(body).encode() if body is not None else b""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    params = harness.fastcgi.environment(method, uri, headers, data)
    done = harness.subprocess.run([program], input=data, env={**environment(program), **params},
                                  cwd=os.path.dirname(program), capture_output=True, timeout=30 * harness.SLOW)
    return harness.fastcgi.Answer(done.stdout, done.stderr)


def test_files():
    """Library, headers, banyan.pc, the lab, its manual page and the web server's files are installed"""
    headers = {name for name in os.listdir(os.path.join(harness.SOURCE, "include", "banyan")) if name.endswith(".h")}
    assert set(os.listdir(installed("includedir", "banyan"))) == headers
    for variable, path in (("libdir", "libbanyan.so.0"), ("libdir", "libbanyan.so"), ("libdir", "pkgconfig/banyan.pc"),
                           ("bindir", "lab"), ("mandir", "man1/lab.1"), ("datadir", "banyan/embed-migrations")):
        assert os.path.exists(installed(variable, path)), (variable, path)
    for folder in ("nginx", "apache", "lighttpd", "lighttpd/problems", "systemd", "shared-hosting"):
        shipped = set(os.listdir(os.path.join(harness.SOURCE, "deploy", folder)))
        assert shipped and shipped <= set(os.listdir(installed("datadir", "banyan", folder))), folder


def test_symbols():
    """libbanyan exports names of the public interface only, and each that a header declares"""
    harness.need("nm")
    listed = harness.run(["nm", "-D", "--defined-only", installed("libdir", "libbanyan.so")], check=True).stdout
    names = {line.split()[-1] for line in listed.splitlines()}
    names = {name for name in names if not name.startswith("__odr_asan")}  # AddressSanitizer's, beside each variable
    private = {name for name in names if not re.fullmatch(r"by_[a-z]\w*", name)}
    assert names and not private, sorted(private)
    source = harness.run([*configured("CC").split(), "-E", "-P", "-I", installed("includedir"), "-x", "c", "-"],
                         input="".join(f"#include <banyan/{name}>\n" for name in
                                       sorted(os.listdir(installed("includedir", "banyan")))), check=True).stdout
    declared = re.findall(r'__attribute__\(\(visibility\("default"\)\)\)([^;{]*)', source)
    missing = set()
    for text in declared:
        found = re.findall(r"\b(by_[a-z]\w*)(?=\s*(?:\(|\[|,|$))", text.strip()) if "(" not in text else \
            re.findall(r"\b(by_[a-z]\w*)\s*\(", text)[:1]
        missing |= {name for name in found if name not in names}
    assert len(declared) > 100 and not missing, sorted(missing)


def test_manual_page():
    """The manual page names every command and every setting"""
    page = harness.read(installed("mandir", "man1/lab.1")).replace("\\-", "-")
    helped = harness.run([harness.binary(), "help"], env=harness.base_environment(), check=True).stdout
    sample = harness.run([harness.binary(), "config", "sample"], env=harness.base_environment(), check=True).stdout
    commands = re.findall(r"(?m)^  (\w+)", helped)
    settings = re.findall(r"(?m)^# ([A-Z][A-Z0-9_]+):", sample)
    assert len(commands) > 5 and len(settings) > 10, (commands, settings)
    for name in commands + settings:
        assert re.search(rf"(?m)^\.B {name}\b", page), name


def test_application():
    """An application of at most 100 lines builds with pkg-config alone, without a warning"""
    assert len(harness.read(APPLICATION).splitlines()) <= 100
    assert os.access(notes(), os.X_OK)


def test_application_works():
    """It migrates its database, validates, and creates, reads, changes and deletes"""
    program = notes()
    upgraded = harness.run([program, "db", "upgrade"], env=environment(program), cwd=os.path.dirname(program))
    assert upgraded.returncode == 0 and "1 migration applied" in upgraded.stdout, upgraded.stdout + upgraded.stderr
    problem = harness.check_problem(request(program, "POST", "/api/v1/notes", {"title": "", "stars": 9}), 422)
    harness.check_faults(problem, **{"#/title": "min_length", "#/stars": "maximum"})
    problem = harness.check_problem(request(program, "POST", "/api/v1/notes", {"title": "Buy seed", "stars": 5}), 422)
    harness.check_faults(problem, **{"#/text": "required_with"})
    made = request(program, "POST", "/api/v1/notes", {"title": "Buy seed", "tags": ["garden"], "stars": 3})
    assert made.status == 201, made
    path = f"/api/v1/notes/{made.json()['id']}"
    assert request(program, "GET", path).json()["tags"] == ["garden"]
    changed = request(program, "PATCH", path, {"stars": 4})
    assert changed.status == 200 and changed.json()["stars"] == 4 and changed.json()["version"] == 2, changed
    assert request(program, "GET", "/api/v1/notes?sort=-stars").json()["total"] == 1
    assert request(program, "DELETE", path).status == 204
    harness.check_problem(request(program, "GET", path), 404)


def test_application_edited_migration():
    """An applied migration that was edited afterwards stops it, also when its hash is not written beside it"""
    program = notes()
    folder = harness.directory("edited")
    source = harness.write(os.path.join(folder, "notes.c"),
                           harness.read(APPLICATION).replace("stars INTEGER NOT NULL", "stars BIGINT NOT NULL"))
    other = os.path.join(folder, "notes")
    harness.run([*configured("CC").split(), *configured("BY_SANITIZE").split(), "-o", other, source,
                 *pkg_config("--cflags", "--libs")], check=True)
    env = environment(other)
    for command, code in (([program, "db", "upgrade"], 0), ([other, "db", "check"], 1)):
        done = harness.run(command, env=env, cwd=folder)
        assert done.returncode == code, (command, done.stdout, done.stderr)
    assert "0001_notes" in done.stderr and "edited" in done.stderr, done.stderr


def test_application_serves():
    """It serves as a FastCGI application under a supervisor"""
    program = notes()
    folder = harness.directory("serve")
    listen = os.path.join(folder, "notes.sock")
    env = environment(program, LISTEN=f"unix:{listen}", WORKERS="1", DATABASE_URL=f"sqlite:{folder}/notes.db")
    harness.run([program, "db", "upgrade"], env=env, cwd=folder, check=True)
    server = harness.Process([program, "serve"], os.path.join(folder, "notes.log"), env=env, cwd=folder)

    def ready():
        assert server.running, server.output()
        return harness.fastcgi.request(listen, "GET", "/ready", timeout=5).status == 200
    harness.wait_until(ready, "notes is ready")
    assert harness.fastcgi.request(listen, "GET", "/api/v1/notes").json()["total"] == 0
    assert server.stop() == 0, server.output()


def test_guide():
    """The application of docs/endpoints.md builds, migrates and answers by the guide's own commands"""
    folder = harness.directory("guide")
    text = harness.read(os.path.join(harness.SOURCE, "docs", "endpoints.md"))
    harness.write(os.path.join(folder, "storeroom.c"), "".join(re.findall(r"```c\n(.*?)```", text, re.S)))
    steps = re.search(r"(?m)^    -- banyan:up\n(?:    .*\n)+", text)[0]
    os.makedirs(os.path.join(folder, "migrations", "sqlite"))
    harness.write(os.path.join(folder, "migrations", "sqlite", "0001_reagents.sql"), re.sub(r"(?m)^    ", "", steps))
    commands = re.search(r"(?m)^    sh (?:.*\n    )+\./storeroom db upgrade\n", text)[0]
    harness.need("pkg-config")
    env = {**environment(os.path.join(folder, "storeroom"), DATABASE_URL=f"sqlite:{folder}/storeroom.db"),
           "PKG_CONFIG_PATH": installed("libdir", "pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": root()}
    compiler = f"cc() {{ {configured('CC')} {configured('BY_SANITIZE')} \"$@\"; }}\nset -e\n"
    done = harness.run(["sh", "-c", compiler + commands], env=env, cwd=folder, timeout=100)
    assert done.returncode == 0 and "1 migration applied" in done.stdout, done.stdout + done.stderr
    params = harness.fastcgi.environment("GET", "/api/v1/reagents", {}, b"")
    done = harness.subprocess.run([os.path.join(folder, "storeroom")], env={**env, **params}, cwd=folder,
                                  capture_output=True, timeout=30 * harness.SLOW)
    assert harness.fastcgi.Answer(done.stdout, done.stderr).json()["total"] == 0, done


def test_static():
    """pkg-config --static links an application to the static library"""
    archive = installed("libdir", "libbanyan.a")
    if not os.path.exists(archive):
        harness.skip("configured with --disable-static")
    alone = harness.directory("static")
    shutil.copy(archive, alone)
    program = build(f"-L{alone}", *pkg_config("--static", "--cflags", "--libs-only-l"))
    needed = harness.run(["ldd", program], env=harness.base_environment(), check=True).stdout
    assert "libbanyan" not in needed, needed
    done = harness.run([program, "version"], env=harness.base_environment())
    assert done.returncode == 0 and done.stdout.startswith("notes 1 "), done.stdout + done.stderr


def test_tarball():
    """The tarball holds every tracked file"""
    if not os.path.isdir(os.path.join(harness.SOURCE, ".git")) and not os.path.isfile(os.path.join(harness.SOURCE, ".git")):
        harness.skip("no git repository here")
    harness.need("git")
    tracked = set(harness.run(["git", "-C", harness.SOURCE, "ls-files"], check=True).stdout.split("\n")) - {"", ".gitignore"}
    name = f"dist-{os.path.basename(harness.directory('dist'))}"
    try:
        make("distdir", f"distdir={name}")
        top = os.path.join(harness.BUILD, name)
        held = {os.path.relpath(os.path.join(folder, file), top) for folder, _, files in os.walk(top) for file in files}
    finally:
        shutil.rmtree(os.path.join(harness.BUILD, name), ignore_errors=True)
    assert tracked <= held, f"not in the tarball: {sorted(tracked - held)}"


def test_uninstall():
    """Uninstalling leaves no file"""
    make("uninstall", f"DESTDIR={root()}")
    left = [os.path.join(folder, file) for folder, _, files in os.walk(root()) for file in files]
    assert not left, left


harness.main()
