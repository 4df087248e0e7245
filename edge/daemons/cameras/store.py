"""The adopted cameras and their logins on disk: two files, each replaced whole, the second one readable by us alone.

A login is told by its number everywhere but here. Whatever was refused is known by that number: a new login has a new
one, so that no crash between the two files can try a refused login again or hold back a new one.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from drivers.camera import Login
from edge.config.generations import write_atomically
from edge.core.inventory import Adopted, Health

INVENTORY: Final = "inventory.json"
CREDENTIALS: Final = "credentials.json"
SIZE_MAX: Final = 256 * 1024  # bytes; sixty-four cameras are 40 kB


@dataclass(frozen=True, slots=True)
class Kept:
    """The inventory as it is written. dark: those of a blackout that was told, and not told as over."""

    cameras: tuple[Adopted, ...] = ()
    health: dict[str, Health] = field(default_factory=dict)
    dark: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Secret:
    """One login as it is written."""

    number: int
    user: str = field(repr=False)
    password: str = field(repr=False)


_KEPT: Final = msgspec.json.Decoder(Kept)
_SECRETS: Final = msgspec.json.Decoder(dict[str, _Secret])
T = TypeVar("T")


class Store:
    """folder: ours, 0700. Everything raises OSError where the disk does not take it; then nothing has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._logins: dict[str, _Secret] = {}
        self._held = False
        self.kept = Kept()

    def load(self) -> tuple[str, ...]:
        """Read both files; what is broken is set aside and told: one short phrase each. Raises OSError."""
        told: list[str] = []
        self.kept = self._read(INVENTORY, _KEPT, told) or Kept()
        self._logins = self._read(CREDENTIALS, _SECRETS, told) or {}
        self._agree()
        return tuple(told)

    def _read(self, name: str, form: "msgspec.json.Decoder[T]", told: list[str]) -> "T | None":
        path = self._folder / name
        try:
            with path.open("rb") as file:
                return form.decode(file.read(SIZE_MAX + 1))
        except FileNotFoundError:
            return None
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            path.replace(path.with_name(f"{name}.broken"))
            told.append(f"{name}: {error if name == INVENTORY else type(error).__name__}")  # no word of a login
            return None

    def _agree(self) -> None:
        """A camera without its login has none; a login without its camera is nobody's."""
        numbers = {name: secret.number for name, secret in self._logins.items()}
        cameras = tuple(replace(camera, login=numbers.get(camera.name, 0)) for camera in self.kept.cameras)
        self.kept = replace(self.kept, cameras=cameras)
        names = {camera.name for camera in cameras}
        if orphans := self._logins.keys() - names:
            self._write_logins({name: secret for name, secret in self._logins.items() if name not in orphans})

    # ---- cameras -----------------------------------------------------------------------------------------------------

    def get(self, name: str) -> Adopted | None:
        return next((camera for camera in self.kept.cameras if camera.name == name), None)

    def login(self, camera: Adopted) -> Login | None:
        secret = self._logins.get(camera.name)
        return Login(secret.user, secret.password) if secret is not None and secret.number == camera.login else None

    def adopt(self, camera: Adopted, login: Login | None) -> Adopted:
        """Keep a camera with its login, in the place of the one of that name. Returns it with its login's number."""
        number = secrets.randbits(48) + 1 if login is not None else 0
        logins = {name: secret for name, secret in self._logins.items() if name != camera.name}
        if login is not None:
            logins[camera.name] = _Secret(number, login.user, login.password)
        adopted = replace(camera, login=number, accepted=number, refused=0, staked=0)
        self._write_logins(logins)
        self.put(adopted)
        return adopted

    def put(self, *cameras: Adopted) -> None:
        """Replace cameras by name, or add them."""
        self._write(self._with(cameras))

    def hold(self, *cameras: Adopted) -> None:
        """As `put`, in memory alone; the next write of anything, or `flush`, takes it along."""
        self.kept = self._with(cameras)
        self._held = True

    @property
    def is_held(self) -> bool:
        """Something is in memory alone."""
        return self._held

    def flush(self) -> None:
        if self._held:
            self._write(self.kept)

    def _with(self, cameras: Iterable[Adopted]) -> Kept:
        changed = {camera.name: camera for camera in cameras}
        others = [camera for camera in self.kept.cameras if camera.name not in changed]
        ordered = sorted([*others, *changed.values()], key=lambda camera: camera.name)
        return replace(self.kept, cameras=tuple(ordered))

    def forget(self, name: str) -> None:
        health = {key: word for key, word in self.kept.health.items() if key != name}
        cameras = tuple(camera for camera in self.kept.cameras if camera.name != name)
        dark = tuple(each for each in self.kept.dark if each != name)
        self._write(Kept(cameras, health, dark))
        self._write_logins({key: secret for key, secret in self._logins.items() if key != name})

    def note(self, health: dict[str, Health], dark: tuple[str, ...]) -> None:
        """What was told of them; as `hold`."""
        noted = replace(self.kept, health=health, dark=dark)
        self._held = self._held or noted != self.kept
        self.kept = noted

    def _write(self, kept: Kept) -> None:
        write_atomically(self._folder / INVENTORY, msgspec.json.encode(kept), mode=0o600)
        self.kept = kept
        self._held = False

    def _write_logins(self, logins: dict[str, _Secret]) -> None:
        write_atomically(self._folder / CREDENTIALS, msgspec.json.encode(logins), mode=0o600)
        self._logins = logins
