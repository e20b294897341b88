"""The lab's four measured routes in FastAPI with asyncpg, as its documentation teaches: models in, models out."""

import json
import os
import time
from datetime import datetime, timezone
from typing import List, Optional

import asyncpg
from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel, Extra, Field, conlist, constr

app = FastAPI()
pool: asyncpg.Pool = None
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid():
    number = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


class Pong(BaseModel):
    message: str
    service: str
    time: datetime


class ExperimentCreate(BaseModel, extra=Extra.forbid):
    name: str = Field(min_length=1, max_length=200)
    accession: Optional[str] = Field(None, regex=r"^[A-Z]{2,5}-[0-9]{4}-[0-9]{4}$", max_length=15)
    description: Optional[str] = Field(None, max_length=4000)
    specimen: str = Field(min_length=1, max_length=200)
    instrument: str = Field(min_length=1, max_length=100)
    objective_magnification: float = Field(gt=0, le=250)
    numerical_aperture: float = Field(gt=0, le=1.7)
    pixel_size_um: float = Field(gt=0, le=100)
    exposure_ms: float = Field(gt=0, le=60000)
    fps: float = Field(gt=0, le=1000)
    frame_count: int = Field(0, ge=0, le=100000000)
    tags: conlist(constr(min_length=1, max_length=40, regex=r"^[a-z0-9][a-z0-9 -]*$"),
                  max_items=20, unique_items=True) = []
    started_at: Optional[datetime] = None
    finished_at: Optional[datetime] = None


class ExperimentView(BaseModel):
    id: str
    name: str
    accession: Optional[str]
    description: Optional[str]
    specimen: str
    instrument: str
    objective_magnification: float
    numerical_aperture: float
    pixel_size_um: float
    exposure_ms: float
    fps: float
    frame_count: int
    tags: List[str]
    status: str
    started_at: Optional[datetime]
    finished_at: Optional[datetime]
    published_at: Optional[datetime]
    published_by: Optional[str]
    created_at: datetime
    updated_at: datetime
    version: int


class Meta(BaseModel):
    size: int
    has_next: bool
    next_cursor: Optional[str]


class Page(BaseModel):
    data: List[ExperimentView]
    meta: Meta


COLUMNS = ", ".join(ExperimentView.__fields__)
FIND = f"SELECT {COLUMNS} FROM experiments WHERE id = $1 AND NOT is_deleted"
LIST = f"SELECT {COLUMNS} FROM experiments WHERE NOT is_deleted AND id > $1 ORDER BY id LIMIT $2"
WRITTEN = [*ExperimentCreate.__fields__, "id", "status", "created_at", "updated_at", "is_deleted", "version"]
INSERT = (f"INSERT INTO experiments ({', '.join(WRITTEN)}) "
          f"VALUES ({', '.join(f'${n}' for n in range(1, len(WRITTEN) + 1))}) RETURNING {COLUMNS}")


async def prepare(connection):
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


@app.on_event("startup")
async def startup():
    global pool
    # asyncpg prepares each statement once per connection; ten connections are more than one process can keep busy.
    pool = await asyncpg.create_pool(min_size=10, max_size=10, init=prepare)


@app.get("/api/v1/ping", response_model=Pong)
async def ping():
    return {"message": "pong", "service": "lab", "time": datetime.now(timezone.utc)}


@app.get("/api/v1/experiments/{id}", response_model=ExperimentView)
async def find(id: str):
    row = await pool.fetchrow(FIND, id)
    if row is None:
        raise HTTPException(404)
    return dict(row)


@app.get("/api/v2/experiments", response_model=Page)
async def page(size: int = Query(20, ge=1, le=100), cursor: str = ""):
    rows = [dict(row) for row in await pool.fetch(LIST, cursor, size + 1)]
    more = len(rows) > size
    rows = rows[:size]
    return {"data": rows, "meta": {"size": size, "has_next": more, "next_cursor": rows[-1]["id"] if more else None}}


@app.post("/api/v1/experiments", response_model=ExperimentView, status_code=201)
async def create(experiment: ExperimentCreate):
    now = datetime.now(timezone.utc)
    row = await pool.fetchrow(INSERT, *experiment.dict().values(), ulid(), "planned", now, now, False, 1)
    return dict(row)
