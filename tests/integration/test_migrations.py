"""scripts/embed-migrations turns numbered SQL files into C, and refuses a set that is not sound."""

import hashlib
import os
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness  # noqa: E402

SCRIPT = os.path.join(harness.SOURCE, "scripts", "embed-migrations")
GOOD = "-- Boats.\n\n-- banyan:up\nCREATE TABLE boats (id integer);\n-- banyan:down\nDROP TABLE boats;\n"
TEXTS = "-- banyan:up\nINSERT INTO t VALUES ('\\n \"quoted\" ??= \t é \\');\n-- banyan:irreversible\n"


def migrations(files, dialects=("postgresql", "sqlite")):
    where = harness.directory("migrations")
    for dialect in dialects:
        os.mkdir(os.path.join(where, dialect))
        for name, text in files.items():
            with open(os.path.join(where, dialect, name), "w", encoding="utf-8", newline="") as file:
                file.write(text)
    return where


def embed(where):
    return harness.run([SCRIPT, where, "test_migrations"])


def refused(expected, files, **options):
    done = embed(migrations(files, **options))
    assert done.returncode == 1 and not done.stdout, done
    assert expected in done.stderr, f"{expected!r} is not in\n{done.stderr}"


def test_program():
    """The C source compiles without a warning and holds the files' text and hash"""
    where = migrations({"0001_boats.sql": GOOD, "0002_texts.sql": TEXTS})
    done = embed(where)
    assert done.returncode == 0, done.stderr
    main = """
#include <stdio.h>
int main(void)
{
	for (size_t i = 0; i < test_migrations.count; i++) {
		const by_migration *step = &test_migrations.steps[i];
		printf("%s %u %s %s\\n%s|%s|\\n", step->dialect, (unsigned)step->number, step->name, step->sha256, step->up,
		    step->down ? step->down : "irreversible");
	}
	return 0;
}
"""
    source = harness.write(os.path.join(where, "test.c"), done.stdout + main)
    program = os.path.join(where, "test")
    harness.run(["cc", "-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", f"{harness.SOURCE}/include",
                 source, "-o", program], check=True)
    output = harness.run([program], check=True).stdout
    for dialect in ("postgresql", "sqlite"):
        hashes = [hashlib.sha256(text.encode()).hexdigest() for text in (GOOD, TEXTS)]
        # As many lines stand before a section as in its file, so that errors give the file's own line.
        assert f"{dialect} 1 boats {hashes[0]}\n\n\n\nCREATE TABLE boats (id integer);\n|" \
               "\n\n\n\n\nDROP TABLE boats;\n|\n" in output, output
        assert f"{dialect} 2 texts {hashes[1]}\n\nINSERT INTO t VALUES ('\\n \"quoted\" ??= \t é \\');\n|irreversible|\n" \
            in output, output


def test_long_step():
    """A step may be longer than the literals that C promises"""
    done = embed(migrations({"0001_long.sql": "-- banyan:up\n" + "SELECT 1;\n" * 5000 + "-- banyan:irreversible\n"}))
    assert done.returncode == 0, done.stderr


def test_numbers():
    """A gap, a double number, a wrong name and sets that differ are refused"""
    refused("number 0002 is missing", {"0001_a.sql": GOOD, "0003_c.sql": GOOD})
    refused("number 0001 is missing", {"0002_b.sql": GOOD})
    refused("number 0001 is used twice", {"0001_a.sql": GOOD, "0001_b.sql": GOOD})
    refused("the name must be", {"0001_a.sql": GOOD, "2_b.sql": GOOD})
    refused("lower-case", {"0001_a-b.sql": GOOD})
    refused("there is no migration", {})
    where = migrations({"0001_a.sql": GOOD})
    os.remove(os.path.join(where, "sqlite", "0001_a.sql"))
    done = embed(where)
    assert done.returncode == 1 and "do not have the same steps" in done.stderr, done


def test_ten():
    """Numbers are decimal, whatever their leading zeros"""
    done = embed(migrations({f"{number:04}_step.sql": GOOD for number in range(1, 13)}))
    assert done.returncode == 0 and ".number = 12," in done.stdout, done.stderr


def test_sections():
    """A file without its sections, or with others, is refused, naming file and line"""
    for expected, text in {
        "banyan:up is missing": "CREATE TABLE t (i integer);\n",
        "line 1: SQL outside": "CREATE TABLE t (i integer);\n-- banyan:up\nSELECT 1;\n-- banyan:irreversible\n",
        "holds no SQL": "-- banyan:up\n-- only a comment\n-- banyan:irreversible\n",
        "either a section": "-- banyan:up\nSELECT 1;\n",
        "write either": "-- banyan:up\nSELECT 1;\n-- banyan:down\nSELECT 1;\n-- banyan:irreversible\n",
        "a second section up": "-- banyan:up\nSELECT 1;\n-- banyan:up\nSELECT 1;\n-- banyan:irreversible\n",
        "line 3: there is no section dwon": "-- banyan:up\nSELECT 1;\n-- banyan:dwon\nSELECT 1;\n",
        "line 2: the line ends with CR": "-- banyan:up\nSELECT 1;\r\n-- banyan:irreversible\n",
    }.items():
        refused(expected, {"0001_a.sql": text})
        refused("0001_a.sql: ", {"0001_a.sql": text})


harness.main()
