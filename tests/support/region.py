"""Reads the region that an application's processes share: the fixed fields of lib/core/shared.h, from its file."""

import struct

MAGIC = 0x62796E32
STATES = ("free", "starting", "prepared", "ready", "draining", "gone")
RELOADS = ("none", "running", "done", "refused")
POOLS, POOL_ROWS, POOL_SIZE = 648, 16, 200
SLOTS, SLOT_SIZE = 3904, 256


def _text(raw):
    return raw.split(b"\0")[0].decode("utf-8", "replace")


class Region:
    """One look at it; OSError when there is none."""

    def __init__(self, path):
        with open(path, "rb") as file:
            raw = file.read(SLOTS + 256 * SLOT_SIZE)
        head = struct.unpack_from("<4IQi5IQQII", raw)
        assert head[0] == MAGIC, hex(head[0])
        (_, self.slots, _, pools, _, self.supervisor, self.generation, self.draining, self.ready, _, self.used, _,
         _, self.reloads, state) = head
        self.reload_state, self.reload_reason = RELOADS[state], _text(raw[72:328])
        self.pools = [self._pool(raw, i) for i in range(pools)]
        self.workers = [worker for worker in (self._worker(raw, i) for i in range(self.slots)) if worker["pid"]]

    @staticmethod
    def _pool(raw, index):
        at = POOLS + index * POOL_SIZE
        most, at_a_time, started, crashed, replaced, backoff = struct.unpack_from("<II4xQQQI", raw, at + 156)
        return {"name": _text(raw[at:at + 32]), "listen": _text(raw[at + 32:at + 144]), "workers_max": most,
                "requests_max": at_a_time, "started": started, "crashed": crashed, "replaced": replaced,
                "backoff_ms": backoff}

    def _worker(self, raw, index):
        at = SLOTS + index * SLOT_SIZE
        pid, generation, pool, state, active, queued, connections, _ = struct.unpack_from("<i7I", raw, at)
        name = self.pools[pool]["name"] if pool < len(self.pools) else ""
        return {"pid": pid, "generation": generation, "pool": name, "state": STATES[state], "active": active,
                "queued": queued, "connections": connections, "requests": struct.unpack_from("<Q", raw, at + 40)[0]}

    def pool(self, name):
        return next(pool for pool in self.pools if pool["name"] == name)

    def of(self, pool, *states):
        """The pids of a pool's workers in one of these states; none named: in any."""
        return [worker["pid"] for worker in self.workers
                if worker["pool"] == pool and (not states or worker["state"] in states)]
