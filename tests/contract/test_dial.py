"""The way to the broker: name servers that are dead or hang, addresses that last worked, ways given up."""

import gc
import socket
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.dial import DialFailed, Endpoint, Names
from drivers.mqtt import MqttUplink
from drivers.ports import Down, Up
from tests.contract.crooked import Crooked
from tests.contract.far import SESSION, Drive, open_files, wait_for


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


def dead(*_: object, **__: object) -> list[tuple[object, ...]]:
    raise socket.gaierror(-3, "Temporary failure in name resolution")


def test_the_address_that_last_worked_outlives_the_program(broker: Crooked, tmp_path: Path) -> None:
    def known(_host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    for resolve in (known, dead):
        uplink = MqttUplink(Endpoint("broker.test", broker.port), Names(resolve, tmp_path))
        drive = Drive(uplink, broker)  # type: ignore[arg-type]  # only `poll` is asked
        uplink.connect(SESSION)
        drive.until(Up)
        uplink.close()

    assert [path.name for path in tmp_path.iterdir()] == ["broker.test.address"]


@pytest.mark.parametrize("content", [b"", b"evil.example\n", b"\xff\xfe", b"127.0.0.1 127.0.0.2", b"0" * 10_000])
def test_a_kept_address_that_is_no_address_is_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broker.test.address").write_bytes(content)

    with pytest.raises(DialFailed, match=r"no address for"):
        Names(dead, tmp_path).addresses(Endpoint("broker.test", 8883), 5.0)


def test_a_folder_that_takes_nothing_costs_no_connection(broker: Crooked, tmp_path: Path) -> None:
    uplink = MqttUplink(Endpoint("127.0.0.1", broker.port), Names(folder=tmp_path / "not there"))
    drive = Drive(uplink, broker)  # type: ignore[arg-type]  # only `poll` is asked
    uplink.connect(SESSION)

    drive.until(Up)

    uplink.close()


def test_a_hundred_flaps_leave_no_descriptor_no_thread_and_no_memory(drive: Drive, broker: Crooked) -> None:
    drive.until(Up)
    files, threads = open_files(), threading.active_count()
    used: list[int] = []

    gc.collect()
    gc.freeze()  # what other tests of this process have loaded is not looked through a hundred times
    tracemalloc.start()
    for _ in range(100):
        broker.hang_up()
        drive.until(Down)
        drive.events.clear()
        broker.packets.clear()
        drive.uplink.connect(SESSION)
        drive.until(Up)
        drive.events.clear()
        gc.collect()
        used.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    gc.unfreeze()

    wait_for(lambda: threading.active_count() <= threads, drive.turn)
    assert open_files() <= files
    assert max(used[-10:]) - max(used[10:20]) < 100 * 1024  # a connection leaves less than 1 KiB behind, if anything


def test_closing_while_on_the_way_leaves_nothing(broker: Crooked) -> None:
    uplink = MqttUplink(Endpoint("127.0.0.1", broker.port))

    for _ in range(20):
        uplink.connect(SESSION)
    uplink.close()

    assert uplink.sockets() == []
    assert uplink.turn(0) == []
