"""A ledger's file page by page, without SQLite: what is left of it when its header, its root or a neighbour is gone.

Source: sqlite.org/fileformat2.html: b-tree pages (1.6), records (2.1), the write-ahead log (4.1). Our files have pages
of 4096 bytes and nothing reserved in them.
"""

import struct
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from edge.ledger.limits import PAGE_BYTES

Value = int | float | bytes | str | None
Record = tuple[Value, ...]

_LOG_HEADER: Final = 32
_FRAME_HEADER: Final = 24
_INTERIOR, _LEAF = 0x02, 0x0A  # of a table WITHOUT ROWID both hold rows
_LOCAL_MOST: Final = (PAGE_BYTES - 12) * 64 // 255 - 23
_LOCAL_LEAST: Final = (PAGE_BYTES - 12) * 32 // 255 - 23
_INTEGERS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_COLUMNS_LIMIT: Final = 32
_RECORD_LIMIT: Final = 64 * 1024  # an event is 8 KiB; a length that damage made is not followed


class Pages:
    """The file and its log, read and never written. A page that the card refuses is none."""

    def __init__(self, path: Path) -> None:
        """Raises OSError if the file is not there."""
        with ExitStack() as opened:
            self._file: FileIO = opened.enter_context(path.open("rb", buffering=0))
            self._log: FileIO | None = None
            with suppress(FileNotFoundError):
                self._log = opened.enter_context(Path(f"{path}-wal").open("rb", buffering=0))
            self._count: Final = -(-self._file.seek(0, 2) // PAGE_BYTES)  # the last one may be cut off
            self._newest: Final = self._frames()
            self._open: Final = opened.pop_all()

    def __iter__(self) -> Iterator[bytes]:
        """Every page, the newest form of it first; an older form may hold what the newest has lost."""
        for number in self._newest:
            yield self.page(number)
        for number in range(1, self._count + 1):
            yield self._stored(number)

    def page(self, number: int) -> bytes:
        """Its newest form, b"" if there is none."""
        if self._log and number in self._newest:
            return _read(self._log, self._newest[number])
        return self._stored(number)

    def _stored(self, number: int) -> bytes:
        return _read(self._file, (number - 1) * PAGE_BYTES) if 0 < number <= self._count else b""

    def _frames(self) -> dict[int, int]:
        """Page -> where its newest form begins in the log. Frames of an earlier generation have another salt."""
        newest: dict[int, int] = {}
        header = _read(self._log, 0)[:_LOG_HEADER] if self._log else b""
        at = _LOG_HEADER
        while self._log and len(frame := _read(self._log, at)[:_FRAME_HEADER]) == _FRAME_HEADER:
            if frame[8:16] == header[16:24]:
                newest[int.from_bytes(frame[:4])] = at + _FRAME_HEADER
            at += _FRAME_HEADER + PAGE_BYTES
        return newest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()


def records(page: bytes, pages: Pages) -> Iterator[Record]:
    """The rows of one b-tree page of a table WITHOUT ROWID or an index; none where it is something else."""
    if len(page) < PAGE_BYTES or page[0] not in {_INTERIOR, _LEAF}:
        return
    interior = page[0] == _INTERIOR
    count = int.from_bytes(page[3:5])
    first = 12 if interior else 8
    for (at,) in struct.iter_unpack(">H", page[first : first + 2 * min(count, PAGE_BYTES // 6)]):
        with suppress(IndexError, ValueError, struct.error):
            yield _record(_payload(page, at + 4 if interior else at, pages))


def _payload(page: bytes, at: int, pages: Pages) -> bytes:
    size, at = _varint(page, at)
    if size > _RECORD_LIMIT:
        raise ValueError("no record is that long")
    if size <= _LOCAL_MOST:
        return page[at : at + size]
    local = _LOCAL_LEAST + (size - _LOCAL_LEAST) % (PAGE_BYTES - 4)
    local = local if local <= _LOCAL_MOST else _LOCAL_LEAST
    parts = [page[at : at + local]]
    following = int.from_bytes(page[at + local : at + local + 4])
    missing = size - local
    while missing > 0:
        overflow = pages.page(following)
        if not overflow:
            raise ValueError("an overflow page is gone")
        parts.append(overflow[4 : 4 + missing])
        missing -= PAGE_BYTES - 4
        following = int.from_bytes(overflow[:4])
    return b"".join(parts)


def _record(payload: bytes) -> Record:
    end, at = _varint(payload, 0)
    kinds: list[int] = []
    while at < end and len(kinds) <= _COLUMNS_LIMIT:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Value] = []
    at = end
    for kind in kinds:
        size = _size(kind)
        content = payload[at : at + size]
        if len(content) < size:
            raise ValueError("cut off")
        values.append(_value(kind, content))
        at += size
    return tuple(values)


def _size(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    return 8 if kind == 7 else _INTEGERS.get(kind, 0)


def _value(kind: int, content: bytes) -> Value:
    if kind >= 12:
        return content if kind % 2 == 0 else content.decode(errors="replace")
    if kind in _INTEGERS:
        return int.from_bytes(content, signed=True)
    if kind == 7:
        return float(struct.unpack(">d", content)[0])
    return {8: 0, 9: 1}.get(kind)


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """Big-endian, seven bits a byte, all eight of a ninth. Raises IndexError at the end of `content`."""
    value = 0
    for _ in range(8):
        byte = content[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
    return value << 8 | content[at], at + 1


def _read(file: FileIO, at: int) -> bytes:
    try:
        file.seek(at)
        page = file.read(PAGE_BYTES)
        return page.ljust(PAGE_BYTES, b"\0") if page else b""
    except OSError:  # EIO: this page is gone, the next may not be
        return b""
