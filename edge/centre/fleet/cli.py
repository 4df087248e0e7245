"""`kentongan centre simulate`: how many boxes can this broker and this centre bear?"""

import asyncio
import json
import resource
import signal
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click

from drivers.dial import Endpoint
from edge.centre import codes
from edge.centre.explained import explained
from edge.centre.fleet.figures import Figures, figures_of, lines_of
from edge.centre.fleet.play import Fleet, Plan
from edge.centre.fleet.roster import BOXES_MAX, RealCentre, Roster
from edge.centre.fleet.stage import Stage, alarms_in
from edge.centre.places import CentrePlaces
from edge.centre.settings import endpoint_of
from edge.config.resources import CHECKOUT
from edge.core import codes as core_codes
from edge.core.faults import Refused, Wording
from edge.field.broker import BrokerNotFound, find_broker
from edge.field.console import Session, session_options

SPARE_FILES: Final = 100
TENTH: Final = 0.1


@dataclass(frozen=True, slots=True)
class Part:
    """What is played."""

    boxes: int
    tls: bool
    restart: bool
    plan: Plan


@click.command()
@session_options
@click.option("--boxes", type=click.IntRange(1, BOXES_MAX), default=200, show_default=True, help="N")
@click.option("--tls", is_flag=True, help="mTLS, satu sertifikat per boks / one certificate per box")
@click.option("--alarms", is_flag=True, help="Sepersepuluh menekan tombol / a random tenth presses")
@click.option("--restart-broker", "restart", is_flag=True, help="Broker mati dan hidup lagi / the broker restarts")
@click.option("--no-jitter", is_flag=True, help="Pembanding: semua serentak / the control: all in step")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--rate", type=click.FloatRange(1), default=400.0, show_default=True, help="Boks baru per s / new boxes, 1/s"
)
@click.option("--limit", type=click.FloatRange(1), default=160.0, show_default=True, help="Tiap tunggu / each wait, s")
@click.option("--broker", help="mqtt://127.0.0.1:1883, mqtts://host:port [sendiri / its own]")
@click.option(
    "--keys",
    type=click.Path(file_okay=False, path_type=Path),
    help="Akar pusat simulasi: `kentongan centre run --root` / root of the simulated centre [sementara / passing]",
)
@click.option("--json", "as_json", is_flag=True, help="JSON")
@click.pass_obj
def simulate(
    session: Session, *, boxes: int, tls: bool, alarms: bool, restart: bool, no_jitter: bool, seed: int, rate: float,
    limit: float, broker: str | None, keys: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Ribuan boks tiruan / thousands of simulated boxes, under a root of their own: never a real centre's."""
    if broker and restart:
        raise click.UsageError("--restart-broker: --broker")
    if broker and not keys:
        raise click.UsageError("--broker: --keys")
    raise_file_limit(boxes)
    plan = Plan(rate=rate, part=TENTH if alarms else 0.0, jitter=not no_jitter, seed=seed, limit_s=limit)
    with explained(), ExitStack() as ends:
        place = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="fleet-", dir=_cache())))
        places = CentrePlaces(keys or place / "centre")
        try:
            roster = Roster.open(places)
        except RealCentre as error:
            raise Refused(codes.CENTRE_REAL.fault(what=str(error))) from error
        if not as_json:
            session.say(_LOUD)
        part = Part(boxes, tls, restart, plan)
        figures = _own(roster, part, place) if broker is None else _other(roster, part, broker)
    if as_json:
        click.echo(json.dumps(asdict(figures) | {"faults": figures.faults}))
    else:
        for line in lines_of(figures):
            session.say(line)
    if figures.faults:
        raise Refused(core_codes.TEST_FAILED.fault(what="; ".join(figures.faults), where=str(places.root)))


_LOUD: Final = Wording(
    "SIMULASI: boks ini didaftarkan di bawah akar tersendiri. Jangan hubungkan dengan pusat sungguhan.",
    "SIMULATION: these boxes are admitted under a root of their own. Never connect them to a real centre.",
)


def raise_file_limit(boxes: int) -> None:
    """As many open files as boxes need, here and in what we start. Raises click.UsageError."""
    wanted = boxes + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise click.UsageError(f"--boxes {boxes}: ulimit -n {wanted} [{hard}]")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else hard, hard))


def _cache() -> Path | None:
    """Beside the checkout, where a broker may already lie; else wherever passing folders go."""
    if not CHECKOUT.is_dir():
        return None
    cache = CHECKOUT.parent / ".cache"
    cache.mkdir(exist_ok=True)
    return cache


def _own(roster: Roster, part: Part, place: Path) -> Figures:
    try:
        program = find_broker(_cache() or place)
    except BrokerNotFound as error:
        raise Refused(core_codes.BROKER_MISSING.fault(what=str(error))) from error
    with Stage(roster, program, place, tls=part.tls) as stage:
        return asyncio.run(played(roster, part, stage.endpoint, stage))


def _other(roster: Roster, part: Part, broker: str) -> Figures:
    endpoint = endpoint_of(roster.places, broker)
    return asyncio.run(played(roster, part, Endpoint(endpoint.host, endpoint.port), None))


async def played(roster: Roster, part: Part, endpoint: Endpoint, stage: Stage | None) -> Figures:
    """The whole piece; Ctrl-C and SIGTERM end it early, in order, with the figures so far."""
    loop = asyncio.get_running_loop()
    identities = await asyncio.to_thread(roster.admit, part.boxes, tls=part.tls)
    fleet = Fleet(identities, roster.places, endpoint, part.plan)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, fleet.stop.set)
    try:
        await fleet.come()
        if not fleet.stop.is_set():
            fleet.press()
        if stage is not None and part.restart and not fleet.stop.is_set():
            await asyncio.sleep(part.plan.press_s / 2 if part.plan.part else 0.0)
            await fleet.restart(stage.broker.stop, stage.broker.start)
        await fleet.pressed()
    finally:
        now_s = loop.time()
        await fleet.end()
    return figures_of(
        fleet.tally, boxes=part.boxes, tls=part.tls, jitter=part.plan.jitter, seed=part.plan.seed,
        began_s=fleet.began_s, now_s=now_s, stored=alarms_in(roster.places, fleet.epochs) if stage else None,
    )  # fmt: skip
