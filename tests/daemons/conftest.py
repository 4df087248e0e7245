"""Both stores for who asks for `url`; and what left a box or reached a centre is held against the contract's pages."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge.field.broker import find_broker
from tests.bootstrap import CACHE
from tests.contract.far import MosquittoFar
from tests.daemons.postgres import NoPostgres, Postgres, find_postgres
from tests.daemons.relay_world import World
from tests.daemons.witness import WITNESS, Followed, unfit
from tests.pages import validator


def unfit_in(store: Path) -> list[str]:
    """What a centre's store holds and no schema allows."""
    found: list[str] = []
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        for table, name in (("event", "event"), ("presence", "state")):
            for (raw,) in db.execute(f"SELECT raw FROM {table}"):
                body: dict[str, Any] = json.loads(raw)
                found += [f"{error.message[:200]} in {raw[:300]!r}" for error in validator(name).iter_errors(body)]
    return found


@pytest.fixture(autouse=True, scope="session")
def _followed() -> Iterator[None]:
    """Stages of any scope: their relays are followed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edge.field.stage.Child", Followed)
        yield


@pytest.fixture(autouse=True)
def _contract(request: pytest.FixtureRequest) -> Iterator[None]:
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    for store in folder.rglob("centre.db") if isinstance(folder, Path) else ():
        assert unfit_in(store) == []
    assert unfit(WITNESS.take()) == []


@pytest.fixture
def far(tmp_path: Path) -> Iterator[MosquittoFar]:
    """A real mosquitto, and who listens at its far side."""
    made = MosquittoFar(find_broker(CACHE), tmp_path)
    yield made
    made.close()


@pytest.fixture
def world(far: MosquittoFar, root: Path) -> Iterator[World]:
    """A real relay between a played alarm and `far`."""
    made = World(root, far.broker.ports["plain"], far.poll)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/shared/centre.db"
        return
    try:
        programs = find_postgres(CACHE)
    except NoPostgres as error:
        pytest.skip(f"no PostgreSQL here: {error}")
    with Postgres(programs) as server:
        yield server.url
