"""The guides' code compiles, and what they point to exists."""

import os
import re
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness  # noqa: E402

GUIDES = ("endpoints.md", "models.md")


def guide(name):
    return harness.read(os.path.join(harness.SOURCE, "docs", name))


def compiled(compiler):
    for name in GUIDES:
        blocks = re.findall(r"```c\n(.*?)```", guide(name), re.S)
        assert blocks, name
        source = os.path.join(harness.directory("guides"), name.replace(".md", ".c"))
        harness.write(source, "".join(blocks))
        done = harness.run([compiler, "-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
                            "-Wno-missing-field-initializers", f"-I{harness.SOURCE}/include", source])
        assert done.returncode == 0, done.stderr


def test_gcc():
    """The guides' code compiles with gcc"""
    compiled(*harness.need("gcc"))


def test_clang():
    """The guides' code compiles with clang"""
    compiled(*harness.need("clang"))


def test_links():
    """Every file that the guides link to or name exists"""
    for name in GUIDES:
        for target in re.findall(r"\]\(([^)#]+)", guide(name)):
            assert os.path.exists(os.path.join(harness.SOURCE, "docs", target)), target
        for target in re.findall(r"`((?:tests|routes|include|scripts|lib)/[\w/.-]+)`", guide(name)):
            assert os.path.exists(os.path.join(harness.SOURCE, target)), target


harness.main()
