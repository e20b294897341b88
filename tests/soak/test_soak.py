"""Load while workers are killed, for a few seconds; `make soak` does it for minutes (soak.py)."""

import os
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."),
                os.path.dirname(os.path.abspath(__file__))]

from support import harness  # noqa: E402

import soak  # noqa: E402


def test_killed_workers():
    """every request that is lost while workers are killed was on one of them, and nothing leaks"""
    killed, counts = soak.kills(seconds=4, workers=3, connections=24, pause=0.8)
    assert killed >= 2 and counts["lost"] > 0, (killed, counts)


def test_steady():
    """20,000 requests on the same workers lose none and leak nothing"""
    soak.steady(20_000)


if __name__ == "__main__":
    harness.main()
