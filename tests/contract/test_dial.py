"""The way to the broker: name servers that are dead or hang, addresses that last worked, ways given up."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

from drivers.dial import Endpoint, Names
from drivers.mqtt import MqttUplink
from drivers.ports import Down, Up
from tests.contract.crooked import Crooked
from tests.contract.far import SESSION, Drive, wait_for


def test_a_name_that_nobody_knows_is_dns(broker: Crooked) -> None:
    def unknown(*_: object, **__: object) -> list[tuple[object, ...]]:
        raise socket.gaierror(-2, "Name or service not known")

    drive = Drive(MqttUplink(Endpoint("broker.invalid", broker.port), Names(unknown)))
    drive.uplink.connect(SESSION)

    (down,) = drive.until(Down)

    assert (down.cause, "broker.invalid" in down.text) == ("dns", True)


def test_a_hanging_resolver_is_given_up_on_the_caller_s_clock_and_asked_once() -> None:
    hang, asked = threading.Event(), []

    def hanging(*arguments: object, **_: object) -> list[tuple[object, ...]]:
        asked.append(arguments)
        hang.wait(10)
        return []

    drive = Drive(MqttUplink(Endpoint("broker.test", 1), Names(hanging)))
    for times in (1, 2, 3):
        drive.uplink.connect(SESSION)
        drive.turn()
        drive.push(16)
        assert drive.until(Down, count=times)[-1].cause == "dns"

    hang.set()
    assert len(asked) == 1


def test_the_address_that_last_worked_outlives_the_name_server(broker: Crooked) -> None:
    answers: list[Callable[[], list[tuple[object, ...]]]] = []

    def resolve(_host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return answers.pop(0)()

    def known() -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", broker.port))]

    def dead() -> list[tuple[object, ...]]:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    answers += [known, dead]
    uplink = MqttUplink(Endpoint("broker.test", broker.port), Names(resolve))
    drive = Drive(uplink, broker)  # type: ignore[arg-type]  # only `poll` is asked
    for times in (1, 2):
        uplink.connect(SESSION)
        drive.until(Up, count=times)

    assert answers == []
    uplink.close()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_hundred_flaps_leave_no_descriptor_and_no_thread(drive: Drive, broker: Crooked) -> None:
    drive.until(Up)
    files, threads = open_files(), threading.active_count()

    for times in range(2, 102):
        broker.hang_up()
        drive.until(Down, count=times - 1)
        drive.uplink.connect(SESSION)
        drive.until(Up, count=times)

    wait_for(lambda: threading.active_count() <= threads, drive.turn)
    assert open_files() <= files


def test_closing_while_on_the_way_leaves_nothing(broker: Crooked) -> None:
    uplink = MqttUplink(Endpoint("127.0.0.1", broker.port))

    for _ in range(20):
        uplink.connect(SESSION)
    uplink.close()

    assert uplink.sockets() == []
    assert uplink.turn(0) == []
