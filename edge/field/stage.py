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
name = "RT {rt} / RW {rw} Tembalang"
rt = "{rt}"
rw = "{rw}"

[uplink]
host = "{host}"
port = {port}
beat_s = {beat_s}
"""

CENTRE_LISTENS = '"what": "connected"'


class Home:
    """One box on this machine: its folders, virtual wires, its cable to a broker, its daemons, none of them started.

    folder: everything of the box lies below it; the box is admitted by `authority` to `site`
    """

    def __init__(
        self, folder: Path, authority: Authority, broker_port: int, *, site: SiteId = SITE, kit: str, beat_s: float
    ) -> None:
        self._folder = folder
        self._open = ExitStack()
        self.places: Final = Places(folder / "box")
        self.box: Final = enrol_here(authority, self.places, site)
        self.cable: Final = self._open.enter_context(Cable(broker_port))
        self.site: Final = self._configure(site, kit, beat_s)
        self.wires: Final = self._open.enter_context(Bench(self.places.run / "sim"))
        self.alarm: Final = self._daemon("alarm")
        self.relay: Final = self._daemon("relay")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def start(self) -> None:
        """Alarm, then relay, each ready before the next."""
        for daemon in (self.alarm, self.relay):
            daemon.start()
            daemon.wait_ready()

    def line_of(self, name: str) -> str:
        """The pin of a zone, sounder or lamp."""
        pins = {zone.id: zone.pin for zone in self.site.zones}
        pins |= {sounder.id: sounder.pin for sounder in self.site.sounders}
        return (pins | {lamp.id: lamp.pin for lamp in self.site.lamps})[name]

    def program(self, name: str) -> tuple[str, ...]:
        """What Python runs as this daemon."""
        return ("-m", f"edge.daemons.{name}")

    def command(self, name: str) -> list[str]:
        """What is run as this daemon."""
        return [sys.executable, *self.program(name), "--root", str(self.places.root)]

    def _configure(self, site: SiteId, kit: str, beat_s: float) -> Configuration:
        self.places.site.parent.mkdir(parents=True, exist_ok=True)
        _, rw, rt = site.split("-")
        broker = {"host": LOOPBACK, "port": self.cable.port, "beat_s": beat_s}
        text = SITE_TOML.format(kit=kit, site=site, rw=rw, rt=rt, **broker)
        self.places.site.write_text(text, encoding="utf-8")
        return apply(self.places, self.places.site, SystemUsers()).configuration

    def _daemon(self, name: str) -> Child:
        secrets = {"CREDENTIALS_DIRECTORY": str(self.places.secrets)}
        child = Child(name, self.command(name), self._folder / f"{name}.log", secrets)
        self._open.callback(child.stop)
        return child


class Scene:
    """A broker and the reference centre, which homes join. Enter to make trust and start the broker.

    folder: everything lies below it: centre/ is the centre's root
    """

    def __init__(self, folder: Path, *, cache: Path) -> None:
        self._folder = folder
        self._cache = cache
        self._open = ExitStack()
        self.centre_places: Final = CentrePlaces(folder / "centre")

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
        """The centre, until it listens: else the first events find nobody subscribed, and the lamp says so."""
        self.centre.start()
        self.centre.wait_said(CENTRE_LISTENS)

    def home(self, name: str, *, site: SiteId = SITE, kit: str, beat_s: float) -> Home:
        """A box that joins; it ends with the scene."""
        port = self.broker.ports["boxes"]
        folder = self._folder / name
        return self._open.enter_context(Home(folder, self.authority, port, site=site, kit=kit, beat_s=beat_s))

    def _set(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.authority: Authority = Authority.make(self.centre_places)
        self.broker: Broker = self._open.enter_context(self._broker())
        write_settings(self.centre_places, CentreSettings(f"mqtts://{LOOPBACK}:{self.broker.ports['boxes']}"))
        command = [sys.executable, "-c", "from edge.field.cli import main; main()", "centre", "run", "--json"]
        log = self._folder / "centre.log"
        self.centre: Child = Child("centre", [*command, "--root", str(self.centre_places.root)], log)
        self._open.callback(self.centre.stop)

    def _broker(self) -> Broker:
        kept = self._folder / "broker"
        kept.mkdir()
        lines = [
            f"acl_file {self._access()}",
            "persistence true",
            f"persistence_location {kept}/",
            "autosave_interval 1",
            "set_tcp_nodelay true",  # else a receipt waits 40 ms behind the PUBACK before it
            *self._limits(),
        ]
        return Broker(find_broker(self._cache), listeners=self._listeners(), lines=lines, parent=self._folder)

    def _listeners(self) -> dict[str, tuple[str, ...]]:
        keys = self.centre_places.certificates
        tls = Tls(authority=keys / "ca.pem", certificate=keys / "broker.pem", key=keys / "broker.key")
        return {"boxes": tls.lines()}

    def _access(self) -> Path:
        """Who may say and hear what."""
        return folder("broker") / "acl"

    def _limits(self) -> tuple[str, ...]:
        """Further lines of mosquitto.conf: its own defaults hold."""
        return ()


class Stage(Scene):
    """A scene with one home, whose parts are to hand."""

    def __init__(self, folder: Path, *, cache: Path, kit: str = "demo", beat_s: float = 5.0) -> None:
        super().__init__(folder, cache=cache)
        self._kit = kit
        self._beat_s = beat_s
        self.places: Final = Places(folder / "box")

    def start(self) -> None:
        """Centre, then alarm, then relay, each ready before the next."""
        super().start()
        self.lone.start()

    def line_of(self, name: str) -> str:
        """The pin of a zone, sounder or lamp."""
        return self.lone.line_of(name)

    def _set(self) -> None:
        super()._set()
        self.lone: Home = self.home("", kit=self._kit, beat_s=self._beat_s)
        self.box: BoxId = self.lone.box
        self.cable: Cable = self.lone.cable
        self.site: Configuration = self.lone.site
        self.wires: Bench = self.lone.wires
        self.alarm: Child = self.lone.alarm
        self.relay: Child = self.lone.relay
