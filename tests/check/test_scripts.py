"""The scripts and configure refuse what they cannot do, and say what is missing."""

import os
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


def test_configure_names_packages():
    """configure without its libraries exits non-zero and names the Debian and Fedora packages"""
    configure = os.path.join(harness.SOURCE, "configure")
    if not os.path.exists(configure):
        harness.skip("no configure in the source tree")
    done = harness.run([configure, "-q"], cwd=harness.directory("configure"),
                       env={**harness.base_environment(), "PKG_CONFIG_LIBDIR": "/nonexistent"})
    assert done.returncode != 0
    for package in ("libuv1-dev", "libuv-devel", "libpq-dev", "libpq-devel", "libjson-c-dev", "libjwt-dev"):
        assert package in done.stderr, (package, done.stderr)


def test_package_lists():
    """What configure asks for is in scripts/packages/build"""
    asked = {line.split("apt-get install ")[1].split()[0] for line in
             harness.read(os.path.join(harness.SOURCE, "configure.ac")).splitlines() if "apt-get install lib" in line}
    listed = {line.split()[0] for line in harness.read(os.path.join(SCRIPTS, "packages", "build")).splitlines()
              if line and not line.startswith("#")}
    assert asked <= listed, asked - listed


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
