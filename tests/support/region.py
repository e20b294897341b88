"""Reads the region that an application's processes share, where lib/core/shared.h puts its fields, from its file."""

import functools
import json

from . import harness

STATES = ("free", "starting", "prepared", "ready", "draining", "gone")
RELOADS = ("none", "running", "done", "refused")


@functools.cache
def _layout():
    """Offsets and sizes, as a program compiled with the struct tells them."""
    return json.loads(harness.run([harness.binary("tests/integration/region"), "layout"], check=True).stdout)


def _number(raw, field, base=0):
    at, size = _layout()[field]
    return int.from_bytes(raw[base + at:base + at + size], "little")


def _text(raw, field, base=0):
    at, size = _layout()[field]
    return raw[base + at:base + at + size].split(b"\0")[0].decode("utf-8", "replace")


def _row(raw, group, names, base):
    return {name: _number(raw, f"{group}.{name}", base) for name in names}


class Region:
    """One look at it; OSError when there is none."""

    def __init__(self, path):
        layout = _layout()
        slots, size = layout["region.slot"]
        with open(path, "rb") as file:
            raw = file.read(slots + size)
        assert _number(raw, "region.magic") == layout["magic"], hex(_number(raw, "region.magic"))
        for name in ("slots", "supervisor", "generation", "draining", "ready", "used", "reloads"):
            setattr(self, name, _number(raw, "region." + name))
        self.reload_state = RELOADS[_number(raw, "region.reload_state")]
        self.reload_reason = _text(raw, "region.reload_reason")
        self.pools = [self._pool(raw, layout["region.pool"][0] + i * layout["pool_size"])
                      for i in range(_number(raw, "region.pools"))]
        self.workers = [worker for worker in (self._worker(raw, slots + i * layout["worker_size"])
                                              for i in range(self.slots)) if worker["pid"]]

    @staticmethod
    def _pool(raw, base):
        row = _row(raw, "pool", ("workers_max", "requests_max", "started", "crashed", "replaced", "backoff_ms"), base)
        return {"name": _text(raw, "pool.name", base), "listen": _text(raw, "pool.listen", base), **row}

    def _worker(self, raw, base):
        row = _row(raw, "worker", ("pid", "generation", "pool", "state", "active", "queued", "connections", "requests"),
                   base)
        pool = row["pool"]
        return {**row, "pool": self.pools[pool]["name"] if pool < len(self.pools) else "", "state": STATES[row["state"]]}

    def pool(self, name):
        return next(pool for pool in self.pools if pool["name"] == name)

    def of(self, pool, *states):
        """The pids of a pool's workers in one of these states; none named: in any."""
        return [worker["pid"] for worker in self.workers
                if worker["pool"] == pool and (not states or worker["state"] in states)]
