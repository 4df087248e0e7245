"""What people are shown of a ledger whose card has begun to die."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from edge.core.events import Frozen
from edge.core.words import Epoch, EventClass, EventId
from edge.ledger.ledger import Ledger
from edge.ledger.reader import TRIES, LedgerUnreadable, entries

EPOCH = Epoch("7c1f0b2e")
GOOD = b'{"subject":"box","time":"2026-11-23T13:05:22.417Z","type":"id.kentongan.audit.v1"}'
ROTTEN = [b"\xff\xfe", b"[]", b"{", b"", b'{"type":"no dots"}', b'{"type":1}', b"[" * 5000]


@pytest.mark.parametrize("raw", [*ROTTEN, "text instead of bytes", 7, None])
def test_one_rotten_row_hides_no_other_and_says_that_it_is(tmp_path: Path, raw: object) -> None:
    with Ledger(tmp_path / "ledger.db", EPOCH) as ledger:
        ledger.append([Frozen(EventId(EPOCH, seq), EventClass.AUDIT, GOOD) for seq in (1, 2, 3)])
    db = sqlite3.connect(tmp_path / "ledger.db")
    with db:
        if raw is not None:  # the column allows none
            db.execute("UPDATE event SET raw = ? WHERE seq = 2", (raw,))
        else:
            db.execute("UPDATE event SET digest = X'00' WHERE seq = 2")
    db.close()
    found = entries(tmp_path / "ledger.db")
    assert [(entry.id, entry.intact) for entry in found] == [
        ("7c1f0b2e.1", True), ("7c1f0b2e.2", False), ("7c1f0b2e.3", True),
    ]  # fmt: skip


def checkpointed_during(monkeypatch: pytest.MonkeyPatch, ledger: Path, copies: int) -> list[Path]:
    """The main file changes right after each of the first `copies` copies of it, as in a checkpoint."""
    made: list[Path] = []
    copy = shutil.copyfile

    def copied_then_changed(source: Path, target: Path) -> None:
        copy(source, target)
        if source == ledger:
            made.append(target)
            if len(made) <= copies:
                os.utime(ledger, ns=(len(made), len(made)))

    monkeypatch.setattr(shutil, "copyfile", copied_then_changed)
    return made


def test_a_copy_that_a_checkpoint_ran_through_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger(tmp_path / "ledger.db", EPOCH) as ledger:
        ledger.append([Frozen(EventId(EPOCH, 1), EventClass.AUDIT, GOOD)])
    made = checkpointed_during(monkeypatch, tmp_path / "ledger.db", 2)
    assert len(entries(tmp_path / "ledger.db")) == 1
    assert len(made) == 3


def test_a_ledger_that_never_holds_still_is_named_and_leaves_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger(tmp_path / "ledger.db", EPOCH):
        pass
    made = checkpointed_during(monkeypatch, tmp_path / "ledger.db", TRIES)
    with pytest.raises(LedgerUnreadable, match="changed during each"):
        entries(tmp_path / "ledger.db")
    assert len(made) == TRIES
    assert not made[0].parent.exists()
