"""docs/requirements.md names code and tests that exist."""

import os
import re
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from support import harness  # noqa: E402

PAGE = harness.read(os.path.join(harness.SOURCE, "docs", "requirements.md"))
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines()
        if re.match(r"\| [A-Z]+\d+(\.\d+)? \|", line)]


def test_rows():
    """Every row has an id of its own, a behaviour, code and a test"""
    assert len(ROWS) > 40, len(ROWS)
    ids = [row[0] for row in ROWS]
    assert len(ids) == len(set(ids)), sorted(item for item in ids if ids.count(item) > 1)
    for row in ROWS:
        assert len(row) == 4 and all(row), row


def test_code():
    """Every file that a row names exists"""
    for row in ROWS:
        paths = re.findall(r"`([^`]+)`", row[2])
        assert paths, row
        for path in paths:
            assert os.path.exists(os.path.join(harness.SOURCE, path)), (row[0], path)


def test_tests():
    """Every test that a row names exists in the file that it names"""
    for row in ROWS:
        named = re.findall(r"`(tests/[\w/.]+)`(?: \(([^)]*)\))?", row[3])
        assert named, row
        for path, tests in named:
            whole = os.path.join(harness.SOURCE, path)
            assert os.path.exists(whole), (row[0], path)
            text = harness.read(whole)
            for test in filter(None, re.split(r",\s*", tests)):
                assert re.search(rf"(?m)^(def (test_)?|START_TEST\(|[A-Z_]+\(|static by_error \*){re.escape(test)}\b", text), \
                    (row[0], path, test)


harness.main()
