"""The centre's few settings: which broker, and in whose name receipts are written."""

import tomllib
from dataclasses import dataclass, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from drivers.dial import Endpoint, TlsFiles
from edge.centre.places import CentrePlaces, write_whole

RECEIVER: Final = "Kentongan reference centre"
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


class SettingsFault(ValueError):
    """A setting that cannot be used; the text says which and what to write instead."""


@dataclass(frozen=True, slots=True)
class CentreSettings:
    """broker: mqtts://host:port, or mqtt://127.0.0.1:port without TLS on loopback. receiver: the name in receipts.

    forward:     https://... to which every event is passed on; forward_key: the file with the shared secret
    metrics:     127.0.0.1:port for Prometheus
    store:       sqlite:///path or postgresql+psycopg://user@host/database; "": centre.db beside centre.toml
    pictures_days: pictures are deleted after so many days; "0": never
    door:        https://host:port where boxes reach `kentongan centre door`; "": requests are carried by hand
    """

    broker: str = "mqtts://127.0.0.1:8883"
    receiver: str = RECEIVER
    forward: str = ""
    forward_key: str = ""
    metrics: str = ""
    store: str = ""
    door: str = ""
    pictures_days: str = "30"


def read_settings(places: CentrePlaces) -> CentreSettings:
    """Read centre.toml; what it does not say has its default. Raises SettingsFault."""
    try:
        said = tomllib.loads(places.settings.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return CentreSettings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsFault(f"{places.settings}: {error}") from error
    known = [each.name for each in fields(CentreSettings)]
    if said.keys() - set(known) or not all(isinstance(value, str) for value in said.values()):
        raise SettingsFault(f'{places.settings}: only {" ".join(known)} are known here, each = "..."')
    return CentreSettings(**said)


def write_settings(places: CentrePlaces, settings: CentreSettings) -> None:
    """Leave out what was not chosen."""
    said = {each.name: str(getattr(settings, each.name)) for each in fields(settings)}
    lines = [f"{name} = {_quoted(text)}" for name, text in said.items() if text]
    write_whole(places.settings, ("\n".join(lines) + "\n").encode(), mode=0o600 if settings.store else 0o644)


def store_of(places: CentrePlaces, settings: CentreSettings) -> Path | str:
    """Where the store is: a file, or the URL of a server. It may hold a password: never to be logged as it is."""
    return settings.store or places.store


def days_of(settings: CentreSettings) -> int:
    """How long pictures are kept. Raises SettingsFault."""
    said = settings.pictures_days
    if not (said.isascii() and said.isdecimal() and len(said) <= 5):
        raise SettingsFault(f'pictures_days = "{said}": write a number of days, "0" for ever')
    return int(said)


def endpoint_of(places: CentrePlaces, broker: str) -> Endpoint:
    """Turn the broker's address into what can be dialled. Raises SettingsFault."""
    parts = urlsplit(broker)
    if parts.scheme not in _PORTS or not parts.hostname or parts.username or parts.path not in {"", "/"}:
        raise SettingsFault(f"{broker}: write mqtts://host:port (or mqtt:// for a broker on this machine)")
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError as error:
        raise SettingsFault(f"{broker}: {error}") from error
    if parts.scheme == "mqtts":
        return Endpoint(parts.hostname, port, _own_files(places))
    if not is_loopback(parts.hostname):
        raise SettingsFault(f"{broker}: a broker elsewhere needs mqtts://")
    return Endpoint(parts.hostname, port)


def _own_files(places: CentrePlaces) -> TlsFiles:
    folder = places.certificates
    return TlsFiles(folder / "ca.pem", folder / "centre.pem", folder / "centre.key")


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _quoted(text: str) -> str:
    """A TOML basic string; control characters have no place in a name or an address."""
    if not text.isprintable():
        raise SettingsFault("a setting holds a control character")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
