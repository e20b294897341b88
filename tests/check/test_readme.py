"""README's code compiles, and what it points to exists."""

import os
import re
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness  # noqa: E402

README = harness.read(os.path.join(harness.SOURCE, "README.md"))
# What the page takes for granted around its code.
BEFORE = """
#include <banyan/app.h>
#include <banyan/entity.h>
"""
BETWEEN = """
typedef struct greeting { const char *text; int64_t times; } greeting;
BY_DECLARE_MODEL(greeting);
static const by_field greeting_fields[] = { BY_FIELD(greeting, text, .doc = "d"), BY_FIELD(greeting, times, .doc = "d") };
BY_MODEL(greeting, greeting_fields, .doc = "A greeting");
typedef struct experiment { by_entity base; const char *name; } experiment;
BY_DECLARE_MODEL(experiment);
static const by_field experiment_fields[] = { BY_ENTITY(experiment, base), BY_FIELD(experiment, name, .doc = "d") };
BY_MODEL(experiment, experiment_fields, .table = "experiments", .doc = "A run");
BY_SERVICE(experiments_service, experiment);
"""
AFTER = """
BY_ROUTES(readme, "Readme", rows);
"""


def compiled(compiler):
    blocks = re.findall(r"```c\n(.*?)```", README, re.S)
    assert len(blocks) == 2, len(blocks)
    source = os.path.join(harness.directory("readme"), "readme.c")
    harness.write(source, BEFORE + blocks[0] + BETWEEN + blocks[1] + AFTER)
    done = harness.run([compiler, "-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
                        "-Wno-missing-field-initializers", f"-I{harness.SOURCE}/include", source])
    assert done.returncode == 0, done.stderr


def test_gcc():
    """README's code compiles with gcc"""
    compiled(*harness.need("gcc"))


def test_clang():
    """README's code compiles with clang"""
    compiled(*harness.need("clang"))


def test_links():
    """Every file that README links to exists"""
    for target in re.findall(r"\]\(([^)#]+)", README):
        assert os.path.exists(os.path.join(harness.SOURCE, target)), target


harness.main()
