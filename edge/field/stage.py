"""A whole neighbourhood on one machine: a box's real daemons on virtual wires, a real broker, the reference centre."""

import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from drivers.sim.bench import Bench
from edge.centre.authority import Authority
from edge.centre.boxkeys import enrol_here
from edge.centre.places import CentrePlaces
from edge.centre.settings import CentreSettings, write_settings
from edge.config.apply import apply
from edge.config.load import SystemUsers
from edge.config.model import Configuration
from edge.config.places import Places
from edge.config.resources import folder
from edge.core.words import BoxId, SiteId
from edge.field.broker import Broker, Tls, find_broker
from edge.field.cable import LOOPBACK, Cable
from edge.field.children import Child

SITE: Final = SiteId("33.74.10.1004-010-005")
SITE_TOML: Final = """\
kit = "{kit}"

[site]
id = "{site}"
name = "RT 005 / RW 010 Tembalang"
rt = "005"
rw = "010"

[uplink]
host = "{host}"
port = {port}
beat_s = {beat_s}
"""

CENTRE_LISTENS = '"what": "connected"'


class Stage:
    """Enter to set the scene (trust, configuration, broker, cable); then start the parts you need.

    folder: everything lies below it: box/ and centre/ are the roots of the two
    """

    def __init__(self, folder: Path, *, cache: Path, kit: str = "demo", beat_s: float = 5.0) -> None:
        self._folder = folder
        self._cache = cache
        self._kit = kit
        self._beat_s = beat_s
        self._open = ExitStack()
        self.places: Final = Places(folder / "box")
        self.centre_places: Final = CentrePlaces(folder / "centre")
        self.box = BoxId("")

    def __enter__(self) -> Self:
        try:
            self._set()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def start(self) -> None:
        """Centre, then alarm, then relay, each ready before the next."""
        self.centre.start()
        self.centre.wait_said(CENTRE_LISTENS)  # else the first events find nobody subscribed, and the lamp says so
        self.alarm.start()
        self.alarm.wait_ready()
        self.relay.start()
        self.relay.wait_ready()

    def line_of(self, name: str) -> str:
        """The pin of a zone, sounder or lamp."""
        pins = {zone.id: zone.pin for zone in self.site.zones}
        pins |= {sounder.id: sounder.pin for sounder in self.site.sounders}
        return (pins | {lamp.id: lamp.pin for lamp in self.site.lamps})[name]

    def _set(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        authority = Authority.make(self.centre_places)
        self.box = enrol_here(authority, self.places, SITE)
        self.broker: Broker = self._open.enter_context(self._broker())
        self.cable: Cable = self._open.enter_context(Cable(self.broker.ports["boxes"]))
        self.site: Configuration = self._configure()
        write_settings(self.centre_places, CentreSettings(f"mqtts://{LOOPBACK}:{self.broker.ports['boxes']}"))
        self.wires: Bench = self._open.enter_context(Bench(self.places.run / "sim"))
        self.centre: Child = self._child("centre", "kentongan", self.centre_places.root, "centre", "run", "--json")
        self.alarm: Child = self._child("alarm", "edge.daemons.alarm", self.places.root)
        self.relay: Child = self._child("relay", "edge.daemons.relay", self.places.root)

    def _broker(self) -> Broker:
        keys = self.centre_places.certificates
        tls = Tls(authority=keys / "ca.pem", certificate=keys / "broker.pem", key=keys / "broker.key")
        kept = self._folder / "broker"
        kept.mkdir()
        return Broker(
            find_broker(self._cache),
            listeners={"boxes": tls.lines()},
            lines=[
                f"acl_file {folder('broker') / 'acl'}",
                "persistence true",
                f"persistence_location {kept}/",
                "autosave_interval 1",
                "set_tcp_nodelay true",  # else a receipt waits 40 ms behind the PUBACK before it
            ],
            parent=self._folder,
        )

    def _configure(self) -> Configuration:
        self.places.site.parent.mkdir(parents=True, exist_ok=True)
        text = SITE_TOML.format(kit=self._kit, site=SITE, host=LOOPBACK, port=self.cable.port, beat_s=self._beat_s)
        self.places.site.write_text(text, encoding="utf-8")
        return apply(self.places, self.places.site, SystemUsers()).configuration

    def _child(self, name: str, program: str, root: Path, *words: str) -> Child:
        log = self._folder / f"{name}.log"
        if program == "kentongan":
            command = [sys.executable, "-c", "from edge.field.cli import main; main()", *words, "--root", str(root)]
        else:
            command = [sys.executable, "-m", program, "--root", str(root)]
        child = Child(name, command, log, {"CREDENTIALS_DIRECTORY": str(self.places.secrets)})
        self._open.callback(child.stop)
        return child
