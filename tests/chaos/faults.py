"""What goes wrong in a town, each fault ended by itself; none of them can be told to miss."""

import os
import random
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from signal import SIGCONT, SIGSTOP
from typing import Final

from drivers.mqtt_centre import SessionLost
from edge.core.timing import TimeQuality
from edge.link.sockets import connect
from tests.chaos.town import House, Town
from tests.daemons.forger import forge, forger
from tests.daemons.hung import ERRORS, LATE, PIPE, thaw_whoever_hangs
from tests.daemons.stepped import jump, step

Act = Callable[[Town, random.Random], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """weight: how often, beside the others."""

    name: str
    weight: int
    act: Act


def _alone(act: Callable[[House, random.Random], None]) -> Act:
    """At one box by chance, where nobody else breaks anything meanwhile."""

    def act_at_one(town: Town, chance: random.Random) -> None:
        house = chance.choice(town.houses)
        with house.busy:
            act(house, chance)

    return act_at_one


def _kill_alarm(house: House, _chance: random.Random) -> None:
    """`Child.kill` raises unless the process died of it."""
    house.alive.dies()
    house.home.alarm.kill()
    house.home.alarm.start()
    house.home.alarm.wait_ready()
    house.alive.is_back()


kill_alarm = _alone(_kill_alarm)


@_alone
def kill_alarm_on_a_slow_disk(house: House, chance: random.Random) -> None:
    """Its buttons and sirens are back at once; the ledger opens later than the presses of that time."""
    late = house.home.places.ledger.with_name(LATE)
    late.write_text(f"{chance.uniform(0.5, 3.0):.2f}", encoding="ascii")
    _kill_alarm(house, chance)
    house.await_ledger()
    late.unlink()


@_alone
def freeze_disk(house: House, chance: random.Random) -> None:
    os.mkfifo(house.home.places.ledger.with_name(PIPE))
    time.sleep(chance.uniform(0.5, 6.0))
    thaw_whoever_hangs(house.home.places.ledger)
    house.await_ledger()


@_alone
def break_disk(house: House, chance: random.Random) -> None:
    """Each commit fails; what is pressed lives in memory until the ledger is back."""
    errors = house.home.places.ledger.with_name(ERRORS)
    errors.touch()
    time.sleep(chance.uniform(0.5, 6.0))
    errors.unlink()
    house.await_ledger()


@_alone
def step_clock(house: House, chance: random.Random) -> None:
    """An hour or a year to and fro; it is right again afterwards."""
    for _ in range(4):
        jump(house.home.places.root, chance)
        time.sleep(chance.uniform(0.1, 1.0))
    step(house.home.places.root, 0, TimeQuality.SYNCED)


@_alone
def kill_relay(house: House, _chance: random.Random) -> None:
    house.home.relay.kill()
    house.home.relay.start()


@_alone
def freeze_relay(house: House, chance: random.Random) -> None:
    house.home.relay.signal(SIGSTOP)
    time.sleep(chance.uniform(0.5, 4.0))
    house.home.relay.signal(SIGCONT)


@_alone
def pull_cable(house: House, chance: random.Random) -> None:
    house.home.cable.pull()
    time.sleep(chance.uniform(0.2, 5.0))
    house.home.cable.plug()


@_alone
def hush_cable(house: House, chance: random.Random) -> None:
    """Everything stays open and nothing comes through."""
    house.home.cable.hush()
    time.sleep(chance.uniform(1.0, 8.0))
    house.home.cable.plug()


@_alone
def drip_cable(house: House, chance: random.Random) -> None:
    """One byte a second."""
    house.home.cable.drip()
    time.sleep(chance.uniform(1.0, 8.0))
    house.home.cable.plug()


def kill_broker(town: Town, _chance: random.Random) -> None:
    with town.broker_busy:
        town.scene.broker.kill()
        town.scene.broker.start()


def freeze_broker(town: Town, chance: random.Random) -> None:
    with town.broker_busy:
        town.scene.broker.freeze()
        time.sleep(chance.uniform(1.0, 6.0))
        town.scene.broker.thaw()


def kill_centre(town: Town, chance: random.Random) -> None:
    with town.centre_busy:
        town.scene.centre.kill()
        time.sleep(chance.uniform(0.0, 3.0))
        town.scene.centre.start()


def freeze_centre(town: Town, chance: random.Random) -> None:
    with town.centre_busy:
        town.scene.centre.signal(SIGSTOP)
        time.sleep(chance.uniform(1.0, 6.0))
        town.scene.centre.signal(SIGCONT)


def garbage_on_a_socket(town: Town, chance: random.Random) -> None:
    house = chance.choice(town.houses)
    role = chance.choice(["relay", "cli", "config", "page"])
    with suppress(OSError), connect(house.home.places.link / f"{role}.sock") as sock:
        sock.settimeout(0.2)
        for _ in range(20):
            sock.send(bytes((1, chance.randrange(256))) + chance.randbytes(chance.randrange(400)))


def forged_letters(town: Town, chance: random.Random) -> None:
    """From a broker that lies: receipts and orders that nobody signed, and the keyset of a stranger."""
    house = chance.choice(town.houses)
    with suppress(SessionLost, OSError, socket.timeout), forger(town.scene.centre_places, chance) as session:
        for leaf in ("receipt", "command"):
            forge(session, house.home.box, leaf, chance)
        session.settle(1.0)


FAULTS: Final = (
    Fault("kill alarm", 6, kill_alarm),
    Fault("kill alarm on a slow disk", 2, kill_alarm_on_a_slow_disk),
    Fault("freeze disk", 3, freeze_disk),
    Fault("break disk", 3, break_disk),
    Fault("step clock", 2, step_clock),
    Fault("kill relay", 6, kill_relay),
    Fault("freeze relay", 3, freeze_relay),
    Fault("pull cable", 6, pull_cable),
    Fault("hush cable", 3, hush_cable),
    Fault("drip cable", 2, drip_cable),
    Fault("kill broker", 2, kill_broker),
    Fault("freeze broker", 1, freeze_broker),
    Fault("kill centre", 2, kill_centre),
    Fault("freeze centre", 1, freeze_centre),
    Fault("garbage on a socket", 2, garbage_on_a_socket),
    Fault("forged letters", 2, forged_letters),
)
