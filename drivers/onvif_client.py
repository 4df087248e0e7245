"""ONVIF on a short lead: the one file that knows onvif-zeep and zeep (docs/decisions/028).

Of onvif-zeep: its documents, parsed once for a process and shared, and its WS-Security token. Never ONVIFCamera, which
leaves a subscription on every camera that it looks at. Of zeep: SOAP made from those documents and read by them, after
`drivers.soap` has looked at each answer and `drivers.lan` at each byte.
"""

import importlib.metadata
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, Final

from drivers.camera import Login
from drivers.ports import NotFound

VENDORS_LOGS: Final = ("zeep", "zeep.client", "onvif")  # they quote what a camera answered, and whole requests
SILENT: Final = logging.CRITICAL + 1
DISTRIBUTION: Final = "onvif-zeep"
OWN_DOCUMENTS: Final = Path(__file__).with_name("wsdl")


class Namespace(StrEnum):
    DEVICE = "http://www.onvif.org/ver10/device/wsdl"
    MEDIA = "http://www.onvif.org/ver10/media/wsdl"
    MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"
    EVENTS = "http://www.onvif.org/ver10/events/wsdl"


class Port(Enum):
    """A binding of a document: which file, its namespace, the binding's name."""

    DEVICE = ("devicemgmt.wsdl", Namespace.DEVICE, "DeviceBinding")
    MEDIA = ("media.wsdl", Namespace.MEDIA, "MediaBinding")
    MEDIA2 = ("media2.wsdl", Namespace.MEDIA2, "Media2Binding")
    EVENTS = ("events.wsdl", Namespace.EVENTS, "EventBinding")
    PULL = ("events.wsdl", Namespace.EVENTS, "PullPointSubscriptionBinding")
    MANAGER = ("events.wsdl", Namespace.EVENTS, "SubscriptionManagerBinding")


class Vendor:
    """onvif-zeep and zeep, imported at first use without what their import does to the process, and their documents."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._documents: dict[str, Any] = {}
        self._zeep: Any = None
        self._token: Any = None
        self._files: dict[str, Path] = {}

    def client(self, port: Port, transport: Any) -> Any:
        """A light client on the shared document; nothing is sent.

        transport: its `post_xml` carries envelopes
        raises: NotFound without the extra "cameras"
        """
        document = self._document(port.value[0])
        return self._zeep.Client(document, transport=transport, settings=self._settings())

    def token(self, login: Login) -> Any:
        """Created ends in Z: Hikvision refuses +00:00."""
        with self._lock:
            self._load()
        return self._token(login.user, login.password, use_digest=True, zulu_timestamp=True)

    def _settings(self) -> Any:
        """Forgiving with what a document leaves open, unforgiving with what XML may do to a reader."""
        return self._zeep.Settings(
            strict=False,
            forbid_dtd=True,
            forbid_entities=True,
            forbid_external=True,
            xml_huge_tree=False,
            raw_response=True,  # answers are read from the tree that was looked at, not parsed again
        )

    def _document(self, name: str) -> Any:
        with self._lock:
            self._load()
            if name not in self._documents:
                path = self._files.get(name, OWN_DOCUMENTS / name)
                self._documents[name] = self._zeep.wsdl.Document(str(path), _Shelf(), settings=self._settings())
            return self._documents[name]

    def _load(self) -> None:
        if self._zeep is not None:
            return
        try:
            with _undisturbed():
                import zeep  # noqa: PLC0415 - 10 MB and 0.1 s that a box without adopted cameras does not spend
                from onvif.client import UsernameDigestTokenDtDiff  # noqa: PLC0415 - it configures logging
            listed = importlib.metadata.files(DISTRIBUTION) or []
        except ImportError as fault:
            raise NotFound(f'cameras need the extra "cameras", which is not installed: {fault.name}') from fault
        self._files = {file.name: Path(str(file.locate())) for file in listed if file.suffix == ".wsdl"}
        for name in VENDORS_LOGS:
            logging.getLogger(name).setLevel(SILENT)
        self._token, self._zeep = UsernameDigestTokenDtDiff, zeep


class _Shelf:
    """Where zeep loads documents from: files that lie there already."""

    def load(self, url: str) -> bytes:
        return Path(url).read_bytes()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """onvif-zeep configures the root logger of whoever imports it."""
    root = logging.getLogger()
    handlers, level, environment = root.handlers[:], root.level, dict(os.environ)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
