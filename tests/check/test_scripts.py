"""The scripts and configure refuse what they cannot do, and say what is missing."""

import os
import re
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness  # noqa: E402

SCRIPTS = os.path.join(harness.SOURCE, "scripts")


def test_unknown_options():
    """A script that is given what it does not know exits with 64 and prints its usage"""
    for command in (["quickstart", "--frobnicate"], ["test", "--frobnicate"], ["install-packages"],
                    ["install-packages", "nonsense"], ["build"]):
        done = harness.run([os.path.join(SCRIPTS, command[0]), *command[1:]])
        assert done.returncode == 64 and done.stderr, (command, done.returncode, done.stderr)


def configure(*options, hidden=(), older=(), **variables):
    """configure in a directory of its own, with pkg-config unable to see some libraries, or seeing old ones."""
    build, libraries = harness.directory("configure"), harness.directory("pc")
    folders = harness.run(["pkg-config", "--variable=pc_path", "pkg-config"], check=True).stdout.strip().split(":")
    for folder in filter(os.path.isdir, folders):
        for name in os.listdir(folder):
            path = os.path.join(libraries, name)
            if name[:-len(".pc")] not in hidden and not os.path.exists(path):
                os.symlink(os.path.join(folder, name), path)
    for name in older:
        os.unlink(os.path.join(libraries, f"{name}.pc"))
        harness.write(os.path.join(libraries, f"{name}.pc"), f"Name: {name}\nDescription: old\nVersion: 0.0.1\n")
    env = harness.base_environment(PKG_CONFIG_LIBDIR=libraries, **variables)
    return harness.run([os.path.join(harness.SOURCE, "configure"), *options], env=env, cwd=build, timeout=110)


def test_configure_names_packages():
    """configure names the Debian and Fedora package of each missing or too old library, all at once, and fails"""
    harness.need("pkg-config")
    done = configure(hidden=("libjwt", "libpq", "check"), older=("libuv",), ac_cv_header_fcgiapp_h="no")
    assert done.returncode != 0, done.stdout[-2000:]
    told = done.stderr[done.stderr.index("libraries are missing"):]
    for debian, fedora in (("libfcgi-dev", "fcgi-devel"), ("libjwt-dev", "libjwt-devel"), ("libpq-dev", "libpq-devel"),
                           ("libuv1-dev", "libuv-devel"), ("check", "check-devel")):
        assert re.search(rf"apt-get install {debian} +\(Fedora: dnf install {fedora}\)", told), (debian, told)
    assert re.search(r"libuv >= [\d.]+:", told), told
    assert "libjson-c-dev" not in told, told


def test_configure_without_check():
    """--without-check needs no Check, and the summary says that there are no unit tests"""
    harness.need("pkg-config")
    done = configure("--without-check", "--disable-server-tests", hidden=("check",))
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.search(r"(?m)^  unit tests +no\b", done.stdout) and re.search(r"(?m)^  server tests +no$", done.stdout), \
        done.stdout[-1500:]


def test_configure_refuses_contradictions():
    """Sanitizers that exclude each other are refused"""
    harness.need("pkg-config")
    done = configure("--enable-asan", "--enable-tsan")
    assert done.returncode != 0 and "exclude each other" in done.stderr, done.stderr[-2000:]


def test_package_lists():
    """Every library that configure asks for is in the list of packages to install"""
    asked = set(re.findall(r"apt-get install ([a-z0-9-]+)   ", harness.read(os.path.join(harness.SOURCE, "configure"))))
    listed = {line.split()[0] for line in harness.read(os.path.join(SCRIPTS, "packages", "build")).splitlines()
              if line and not line.startswith("#")}
    assert len(asked) > 7 and asked <= listed, sorted(asked - listed)


def test_shell():
    """shellcheck finds nothing in the shell scripts"""
    harness.need("shellcheck")
    scripts = [os.path.join(SCRIPTS, name) for name in os.listdir(SCRIPTS)
               if os.path.isfile(os.path.join(SCRIPTS, name))]
    scripts = [path for path in scripts if harness.read(path).startswith("#!/bin/sh")]
    assert len(scripts) >= 6
    done = harness.run(["shellcheck", *scripts])
    assert done.returncode == 0, done.stdout


harness.main()
