"""Anchors and standings on both kinds of store, and a server of the schema before them."""

import pytest
from sqlalchemy import text

from edge.centre import reader
from edge.centre.database import asking
from edge.centre.kept import Kept
from edge.centre.standing import Standing
from edge.centre.store import Store
from edge.centre.stored import Feed
from edge.core.messages import Beat
from edge.core.words import SECOND_NS
from tests.unit.test_centre_times import BORN_NS, BOX, EPOCH, TRUE, anchor, press


def test_times_are_corrected_and_boxes_stand_alike_on_both(url: str) -> None:
    with Store.open(url) as store, store.group(BORN_NS) as group:
        assert [group.put(each) for each in (press(), anchor(3))] == [Kept.NEW, Kept.NEW]
        group.beat(Beat(BOX, "n", EPOCH, 1, 3, "2026-11-24T13:05:22.000Z", "synced", 0, gauges={"free_mb": 9}))
    told = [row["corrected"] for row in reader.export(url)]
    assert isinstance(told[0], dict)
    assert told[0]["time"] == TRUE
    assert [row["corrected"] for row in reader.events_after(url, 0)] == told
    (alarm,) = reader.alarms(url)
    assert alarm.corrected == told[0]
    assert Feed(url).corrected(1) is not None
    (box,) = reader.boxes(url, BORN_NS + SECOND_NS)
    assert (box.standing, box.beat_age_s, box.gauges) == (Standing.ONLINE, 1.0, {"free_mb": 9})


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_server_of_the_second_schema_is_brought_up_once(url: str) -> None:
    with Store.open(url) as store:
        with store.group(1) as group:
            group.put(press())
        with store.database.transaction() as connection:
            for statement in (
                "DROP TABLE anchor",
                "DROP TABLE picture",
                "DROP TABLE picture_part",
                "ALTER TABLE beat DROP COLUMN gauges",
                "UPDATE kentongan_schema SET version = 2",
            ):
                connection.execute(text(statement))
    for _ in range(2):
        with Store.open(url) as store, store.group(2) as group:
            assert group.put(press()) is Kept.FOLDED
            group.put(anchor(3))
            group.beat(Beat(BOX, "n", EPOCH, 1, 3, "2026-11-24T13:05:22.000Z", "synced", 0, gauges={"free_mb": 9}))
    with asking(url) as brought:
        assert [row["version"] for row in brought.query("SELECT version FROM kentongan_schema")] == [4]
    assert len(list(reader.export(url))) == 2
