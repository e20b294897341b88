"""The settings' one declaration against the sample file and the page that are made of it."""

import os
import re
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness  # noqa: E402

PROBE = "tests/apps/probe/probe"
PAGE = os.path.join(harness.SOURCE, "docs", "settings.md")


def run(*arguments, program=PROBE, cwd=None):
    done = harness.run([harness.binary(program), *arguments], cwd=cwd or harness.directory("settings"),
                       env=harness.base_environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_page():
    """docs/settings.md is what the program prints: every setting with its values, default and description"""
    command = f"{PROBE} config sample --markdown > docs/settings.md"
    assert harness.read(PAGE) == run("config", "sample", "--markdown"), f"make it anew: {command}"


def test_sample_is_all_defaults():
    """The sample file, each of its lines taken in, gives the settings that there are without it"""
    for program in (PROBE, "lab"):
        directory = harness.directory("sample")
        sample = run("config", "sample", program=program)
        # A line without a value stands for a setting that has no default.
        active = re.sub(r"(?m)^#([a-z_]+ = \S)", r"\1", sample)
        assert active.count("\n#") < sample.count("\n#"), sample
        harness.write(os.path.join(directory, "sample.conf"), active)
        assert run("--config", "sample.conf", "config", "show", program=program, cwd=directory) == \
            run("config", "show", program=program, cwd=directory)


def test_sample_is_complete():
    """The sample file, `config show`, the manual page and docs/settings.md name the same settings"""
    shown = {line.split("=")[0] for line in run("config", "show").splitlines()}
    documented = set(re.findall(r"(?m)^\| `([A-Z0-9_]+)` \|", harness.read(PAGE)))
    sampled = set(re.findall(r"(?m)^# ([A-Z0-9_]+): ", run("config", "sample")))
    manual = set(re.findall(r"(?m)^\.B ([A-Z0-9_]+)$", run("help", "--man")))
    assert shown == documented == sampled == manual & shown, (shown ^ documented, shown ^ sampled, shown - manual)
    assert len(shown) > 40, shown


harness.main()
