"""What a power cut may leave: a folder rebuilt from recorded calls, where only what was synced is certain.

A write that no fdatasync or fsync of its file has covered survives whole, torn at sectors, or not at all, each by
chance and independent of the others. A name (create, rename, unlink, mkdir) is certain once its folder was synced,
whatever was done to the file. This is harder than ext4, which orders its journal; a card's own cache is not.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from tests.power.strace import Call

SECTOR: Final = 512
TRACED: Final = (
    "write", "pwrite64", "pwritev", "writev", "sendto", "fdatasync", "fsync", "sync_file_range", "ftruncate",
    "fallocate", "rename", "renameat", "renameat2", "unlink", "unlinkat", "open", "openat", "mkdir", "mkdirat", "mmap",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One thing done to a file's content (`file` set) or to a folder's names (`file` -1)."""

    began: int
    ended: int
    kind: str  # write, truncate | create, unlink, rename, folder
    path: str
    file: int = -1
    offset: int = 0
    content: bytes = b""
    new_path: str = ""

    @property
    def kept_by(self) -> str:
        """What must be synced for it: a file by its number, a folder by its path."""
        return f"#{self.file}" if self.kind in {"write", "truncate"} else str(PurePath(self.path).parent)


class Disk:
    """Every change below one folder, and from which moment on each is certain."""

    def __init__(self, folder: Path, calls: Sequence[Call]) -> None:
        self._folder = str(folder)
        self._names: dict[str, int] = {}  # as the living kernel sees them
        self._files = 0
        self._syncs: dict[str, list[tuple[int, int]]] = {}
        self.changes: Final[list[Change]] = []
        for call in calls:
            self._take(call)
        self._certain = [self._certain_from(change) for change in self.changes]
        self.moments: Final = sorted({at for each in self.changes for at in (each.began, each.ended)})

    @property
    def names(self) -> set[str]:
        """Every file there ever was."""
        return {PurePath(change.path).name for change in self.changes if change.kind == "create"}

    def rebuild(self, cut: int, chance: random.Random, into: Path) -> None:
        """Write the folder's content as a power cut before line `cut` of the record may have left it."""
        names: dict[str, int] = {}
        folders: set[str] = set()
        contents: dict[int, bytearray] = {}
        for change, certain in zip(self.changes, self._certain, strict=True):
            if change.began >= cut:
                break
            if change.kind == "write":
                for offset, part in _survivors(change, chance, whole=certain <= cut):
                    _put(contents.setdefault(change.file, bytearray()), offset, part)
            elif certain <= cut or chance.random() < 0.5:
                _apply(change, names, folders, contents)
        for path, file in names.items():
            if str(PurePath(path).parent) in folders:
                (into / PurePath(path).name).write_bytes(contents.get(file, b""))

    def _certain_from(self, change: Change) -> int:
        covering = [ended for began, ended in self._syncs.get(change.kept_by, ()) if began > change.ended]
        return min(covering, default=2**62)

    def _take(self, call: Call) -> None:
        if call.failed and call.ended is not None:
            return
        inside = [path for path in call.paths() if path == self._folder or path.startswith(self._folder + "/")]
        ended = 2**62 if call.ended is None else call.ended
        match call.name:
            case "fdatasync" | "fsync":
                path = call.paths()[0]
                key = f"#{self._names[path]}" if path in self._names else path
                self._syncs.setdefault(key, []).append((call.began, ended))
            case "sendto":
                return
            case _ if not inside:
                return
            case "open" | "openat":
                self._opened(call, inside[-1], ended)
            case "pwrite64":
                path, content, offset = call.buffer()
                assert offset is not None
                self._add(Change(call.began, ended, "write", path, self._names[path], offset, content))
            case "ftruncate":
                size = int(call.words.rpartition(",")[2])
                self._add(Change(call.began, ended, "truncate", inside[0], self._names[inside[0]], size))
            case "unlink":
                self._add(Change(call.began, ended, "unlink", inside[0]))
                del self._names[inside[0]]
            case "rename":
                old, new = inside
                self._add(Change(call.began, ended, "rename", old, new_path=new))
                self._names[new] = self._names.pop(old)
            case "mkdir":
                self._add(Change(call.began, ended, "folder", inside[0]))
            case "mmap" if "PROT_WRITE" not in call.words:
                return
            case "fallocate":  # ballast: nobody reads what is in it
                return
            case _:
                message = f"the model does not know {call.name}({call.words[:200]})"
                raise AssertionError(message)

    def _opened(self, call: Call, path: str, ended: int) -> None:
        assert "O_TRUNC" not in call.words
        if "O_CREAT" in call.words and path not in self._names:
            self._names[path] = self._files
            self._add(Change(call.began, ended, "create", path, self._files))
            self._files += 1

    def _add(self, change: Change) -> None:
        self.changes.append(change)


def _apply(change: Change, names: dict[str, int], folders: set[str], contents: dict[int, bytearray]) -> None:
    match change.kind:
        case "truncate":
            content = contents.setdefault(change.file, bytearray())
            del content[change.offset :]
            content.extend(bytes(change.offset - len(content)))
        case "create":
            names[change.path] = change.file
        case "unlink":
            names.pop(change.path, None)
        case "rename" if change.path in names:
            names[change.new_path] = names.pop(change.path)
        case "folder":
            folders.add(change.path)


def _survivors(change: Change, chance: random.Random, *, whole: bool) -> Iterable[tuple[int, bytes]]:
    fate = chance.random()
    if whole or fate < 0.4:
        yield change.offset, change.content
    elif fate < 0.6:
        yield from ((at, part) for at, part in _sectors(change) if chance.random() < 0.5)


def _sectors(change: Change) -> Iterable[tuple[int, bytes]]:
    at, end = change.offset, change.offset + len(change.content)
    while at < end:
        stop = min(end, (at // SECTOR + 1) * SECTOR)
        yield at, change.content[at - change.offset : stop - change.offset]
        at = stop


def _put(content: bytearray, offset: int, part: bytes) -> None:
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(part)] = part
