"""What gathers on the wire before it is written, and what becomes of it when the socket takes no more."""

import ssl
from typing import cast

import pytest

from drivers.wire import Wire


class Narrow:
    """A socket that takes `room` bytes, then refuses."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken: list[bytes] = []
        self.refused: list[bytes] = []

    def send(self, piece: bytes | bytearray) -> int:
        if len(piece) > self.room:
            self.refused.append(bytes(piece))
            raise ssl.SSLWantWriteError
        self.taken.append(bytes(piece))
        self.room -= len(piece)
        return len(piece)

    def close(self) -> None: ...


def wire_on(sock: Narrow, gather: int = 100) -> Wire:
    return Wire(cast("ssl.SSLSocket", sock), limit=99, gather=gather)


def test_what_was_sent_is_written_in_one_piece_at_the_flush() -> None:
    sock = Narrow(room=1000)
    wire = wire_on(sock)
    assert [wire.send(piece) for piece in (b"one", b"two", b"three")] == [3, 3, 5]
    assert sock.taken == []
    assert wire.wants_write

    wire.flush()

    assert sock.taken == [b"onetwothree"]
    assert not wire.wants_write


def test_what_the_socket_refuses_is_offered_again_from_the_same_byte_and_never_less_of_it() -> None:
    sock = Narrow(room=0)
    wire = wire_on(sock)
    wire.send(b"one")
    wire.flush()
    wire.send(b"two")
    wire.flush()
    assert sock.refused == [b"one", b"onetwo"]

    sock.room = 1000
    wire.flush()

    assert sock.taken == [b"onetwo"]


def test_beyond_its_room_it_takes_no_more_until_the_socket_does() -> None:
    sock = Narrow(room=0)
    wire = wire_on(sock, gather=4)
    wire.send(b"four")
    with pytest.raises(BlockingIOError):
        wire.send(b"more")

    sock.room = 1000

    assert wire.send(b"more") == 4
    wire.close()
    assert b"".join(sock.taken) == b"fourmore"


def test_without_room_to_gather_it_is_written_at_once() -> None:
    sock = Narrow(room=1000)
    wire_on(sock, gather=0).send(b"now")
    assert sock.taken == [b"now"]
