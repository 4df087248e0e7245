"""The chain of what people did: any number of writers make one chain, and nothing done to it later goes unseen."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.centre import reader
from edge.centre.cli import centre
from edge.centre.places import CentrePlaces
from edge.centre.store import Store
from edge.core.messages import Command
from edge.core.words import BoxId

BOX = BoxId("ktg-k7q2m9xa")


@pytest.fixture
def path(root: Path) -> Path:
    path = CentrePlaces(root).store
    with Store.open(path) as store:
        for number in range(1, 6):
            with store.group(number) as group:
                group.audit("order", BOX, "Siti Rahma", {"name": "silence", "number": number})
    return path


def spoil(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_an_untouched_chain_holds_and_tells_its_last_hash(path: Path) -> None:
    state = reader.audit_state(path)
    assert (state.number, state.broken) == (5, "")
    assert state.hash == list(reader.audit_entries(path))[-1]["hash"]


@pytest.mark.parametrize(
    ("statements", "number"),
    [
        (("UPDATE audit SET entry = CAST(replace(CAST(entry AS TEXT), 'Siti', 'Budi') AS BLOB) WHERE number = 3",), 3),
        (("DELETE FROM audit WHERE number = 1",), 1),
        (("DELETE FROM audit WHERE number = 3",), 3),
        (("DELETE FROM audit WHERE number = 5",), 5),
        (("DELETE FROM audit",), 1),
        (("DELETE FROM audit_head",), 6),
        (
            (
                "UPDATE audit SET number = 99 WHERE number = 2",
                "UPDATE audit SET number = 2 WHERE number = 3",
                "UPDATE audit SET number = 3 WHERE number = 99",
            ),
            2,
        ),
    ],
)
def test_whatever_is_altered_deleted_or_moved_is_named(path: Path, statements: tuple[str, ...], number: int) -> None:
    spoil(path, *statements)
    state = reader.audit_state(path)
    assert state.broken
    assert state.number == number


def test_several_writers_make_one_chain(path: Path) -> None:
    faults: list[BaseException] = []

    def write(name: str) -> None:
        try:
            with Store.open(path) as store:
                for number in range(25):
                    with store.group(number) as group:
                        group.audit("order", BOX, name, {"number": number})
        except BaseException as error:  # noqa: BLE001  # told by the test's own thread
            faults.append(error)

    writers = [threading.Thread(target=write, args=(f"writer {number}",)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert faults == []
    state = reader.audit_state(path)
    assert (state.number, state.broken) == (105, "")


def test_an_order_and_a_refusal_are_entered_once(path: Path) -> None:
    order = Command(BOX, "00ff", "n", 1, "acknowledge", {"alarm": "a", "ticket": "T-1"}, "Budi")
    with Store.open(path) as store, store.group(9) as group:
        group.command(order, b"raw")
        group.command(order, b"raw")
        for _ in range(150):
            group.refuse("unknown box", "t/1", b"x")
    later = list(reader.audit_entries(path))[5:]
    assert [(entry["kind"], entry["operator"]) for entry in later] == [("acknowledgement", "Budi")] + 3 * [
        ("refusal", "")
    ]


def test_the_command_says_whole_or_broken(path: Path, root: Path) -> None:
    words = ["audit", "--verify", "--root", str(root), "--lang", "en"]
    whole = CliRunner().invoke(centre, words)
    assert (whole.exit_code, "whole up to 5 " in whole.output) == (0, True), whole.output
    spoil(path, "DELETE FROM audit WHERE number = 4")
    broken = CliRunner().invoke(centre, words)
    assert "number 4" in str(broken.exception) + broken.output
    assert broken.exit_code != 0
