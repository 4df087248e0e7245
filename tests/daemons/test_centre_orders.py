"""An operator's orders: signed, fresh, answered, and an exit code for each way they can end."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.ports import Message
from edge.core.messages import Command, Reply, encode
from edge.core.seal import Signer
from edge.core.words import BoxId
from edge.field.broker import find_broker
from tests.daemons.centre_world import KENTONGAN, FakeBox, World, wait_for

CACHE = Path(__file__).parents[2] / ".cache"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(find_broker(CACHE), tmp_path) as world:
        yield world


def ordered(world: World, box: FakeBox, *arguments: str) -> tuple[int, str]:
    """Run an operator's command while the box lives."""
    command = [*KENTONGAN, "centre", *arguments, "--root", str(world.places.root), "--lang", "en"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        box.until(lambda: child.poll() is not None, "the order ended", 30)
        assert child.stdout is not None
        return child.returncode, child.stdout.read()


def test_silence_reaches_the_box_signed_fresh_and_named(world: World) -> None:
    centre = world.centre()
    box = world.box().connect()

    code, said = ordered(world, box, "silence", box.name, "7c1f0b2e.1", "--by", "Sari")

    assert (code, "accepted by the box" in said) == (0, True), said
    ((command, correlation),) = box.commands
    assert (command.name, command.args, command.by) == ("silence", {"alarm": "7c1f0b2e.1"}, "Sari")
    assert (command.nonce, correlation) == (box.nonce, command.jti.encode())
    wait_for(lambda: centre.lines("command"), "the centre saw the order pass")
    assert centre.lines("command")[0]["by"] == "Sari"


def test_a_refusal_by_the_box_is_an_exit_code(world: World) -> None:
    box = world.box().connect()
    box.answers = lambda command: Reply(box.name, command.jti, "refused", "repeated: seen before")
    code, said = ordered(world, box, "silence", box.name, "7c1f0b2e.1", "--by", "Sari")
    assert (code, "repeated: seen before" in said) == (7, True), said


def test_a_box_that_says_nothing_is_an_exit_code(world: World) -> None:
    box = world.box().connect()
    box.answers = lambda _: None
    code, said = ordered(world, box, "silence", box.name, "7c1f0b2e.1", "--by", "Sari", "--within", "1")
    assert (code, "E-BOX-SILENT" in said) == (6, True), said


def test_a_box_that_was_never_online_is_an_exit_code(world: World) -> None:
    box = world.box()
    done = world.run("silence", box.name, "7c1f0b2e.1", "--by", "Sari")
    assert (done.returncode, "E-BOX-OFFLINE" in done.stderr) == (6, True), done.stderr


def test_a_reply_in_the_boxs_name_by_another_key_is_not_believed(world: World) -> None:
    box = world.box().connect()
    box.signer = Signer(bytes(32))
    code, said = ordered(world, box, "silence", box.name, "7c1f0b2e.1", "--by", "Sari", "--within", "1")
    assert (code, "E-BOX-SILENT" in said) == (6, True), said


def test_an_order_under_an_old_nonce_is_given_once_more_with_the_new_one(world: World) -> None:
    box = world.box().connect()
    turned = False

    def renewed(command: Command) -> Reply | None:
        nonlocal turned
        if not turned:
            turned, box.nonce = True, "nonce-2"
            box._uplink.publish(state_message(box))
        return box.obey(command)

    box.answers = renewed
    code, said = ordered(world, box, "silence", box.name, "7c1f0b2e.1", "--by", "Sari")
    assert code == 0, said
    assert [command.nonce for command, _ in box.commands] == ["nonce-1", "nonce-2"]
    assert len({command.jti for command, _ in box.commands}) == 2


def state_message(box: FakeBox) -> Message:
    return Message("state", encode(box.state()), retain=True)


def test_an_acknowledgement_is_recorded_with_name_and_ticket_and_told_to_the_box(world: World) -> None:
    world.centre()
    box = world.box().connect()
    alarm = box.event()
    box.send(alarm)
    box.until_received(alarm)

    code, said = ordered(world, box, "ack", str(alarm.id), "--ticket", "T-17", "--by", "Sari")

    assert code == 0, said
    assert [command.args for command, _ in box.commands] == [{"alarm": str(alarm.id), "ticket": "T-17"}]
    (row,) = map(json.loads, world.run("list", "--json").stdout.splitlines())
    assert (row["alarm"], row["open"], row["acknowledged_by"], row["ticket"]) == (str(alarm.id), True, "Sari", "T-17")


def test_an_unknown_alarm_cannot_be_acknowledged(world: World) -> None:
    world.centre()
    done = world.run("ack", "00000000.1", "--ticket", "T", "--by", "Sari")
    assert (done.returncode, "E-ALARM-UNKNOWN" in done.stderr) == (2, True)


def test_an_unknown_box_gets_no_order(world: World) -> None:
    done = world.run("silence", BoxId("ktg-aaaaaaaa"), "7c1f0b2e.1", "--by", "Sari")
    assert (done.returncode, "E-BOX-UNKNOWN" in done.stderr) == (2, True)


def test_a_dead_broker_is_an_exit_code_of_the_operators_command(world: World) -> None:
    box = world.box()
    world.broker.stop()
    done = world.run("silence", box.name, "7c1f0b2e.1", "--by", "Sari")
    assert (done.returncode, "E-CENTRE-BROKER" in done.stderr) == (6, True), done.stderr


def test_an_alarm_name_that_two_boxes_have_needs_the_boxs(world: World) -> None:
    world.centre()
    one, two = world.box().connect(), world.box().connect()
    for box in (one, two):
        alarm = box.event()
        box.send(alarm)
        box.until_received(alarm)
    order = ("ack", str(alarm.id), "--ticket", "T-17", "--by", "Sari")

    done = world.run(*order)
    code, said = ordered(world, two, *order, "--box", two.name)

    assert (done.returncode, one.name in done.stderr, two.name in done.stderr) == (2, True, True)
    assert code == 0, said
    assert (len(one.commands), len(two.commands)) == (0, 1)
