"""`kentongan config`: check, apply, show, migrate, rollback, sample, schema."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import click

from edge.config.active import Source, read_active
from edge.config.apply import Applied, apply, roll_back
from edge.config.editor import editor_schema
from edge.config.generations import Texts, texts_of, write_atomically
from edge.config.kits import kit_names, load_kit
from edge.config.load import SystemUsers, load_path, read_whole
from edge.config.migrate import Migrated, migrate
from edge.config.model import Configuration
from edge.config.origin import DEFAULT, Scalar, origins
from edge.config.sample import sample
from edge.core import codes
from edge.core.faults import Fault, FaultRecord, Refused, Wording, printable
from edge.field.console import Session, pass_session, session_options, show_json, worst

as_json = click.option("--json", "as_json", is_flag=True, help="Untuk mesin / for machines")
file_argument = click.argument("file", required=False, type=click.Path(path_type=Path))


@dataclass(frozen=True, slots=True)
class Checked:
    """check --json."""

    file: str
    ok: bool
    faults: tuple[FaultRecord, ...]


@dataclass(frozen=True, slots=True)
class Installed:
    """apply --json and rollback --json. generation: the one in use from now on, null where it was refused."""

    file: str
    ok: bool
    generation: int | None
    changed: bool
    faults: tuple[FaultRecord, ...]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """migrate --json. ok: whether the new text could be applied; diff: unified, without context."""

    file: str
    ok: bool
    changed: bool
    written: bool
    diff: tuple[str, ...]
    faults: tuple[FaultRecord, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """show --json. source: null for a FILE; configuration: null where nothing is readable."""

    source: Source | None
    configuration: Configuration | None
    faults: tuple[FaultRecord, ...]


@dataclass(frozen=True, slots=True)
class Stands:
    """show --origin --json: one value. origin: "site.toml:12", "kit rt-standard:9" or "default"."""

    value: Scalar
    origin: str


@click.group()
def config() -> None:
    """Periksa, terapkan, tampilkan konfigurasi / check, apply, show the configuration."""


@config.command()
@file_argument
@as_json
@session_options
@pass_session
def check(session: Session, file: Path | None, *, as_json: bool) -> int:
    """Periksa berkas tanpa menerapkan / check a file without applying it."""
    path = file or session.places.site
    loaded = load_path(path, SystemUsers())
    if as_json:
        show_json(Checked(str(path), loaded.configuration is not None, _records(loaded.faults)))
        return worst(loaded.faults)
    session.show(loaded.faults)
    if loaded.configuration is not None:
        session.say(_sound(path, loaded.configuration))
    return worst(loaded.faults)


@config.command("apply")
@file_argument
@click.option("--accept-loss", is_flag=True, help="Bagian yang hilang memang dilepas / parts gone are meant to be gone")
@click.option("--without-overlay", is_flag=True, help="Buang perubahan dari pusat / drop what the centre laid over it")
@as_json
@session_options
@pass_session
def apply_command(
    session: Session, file: Path | None, *, accept_loss: bool, without_overlay: bool, as_json: bool
) -> int:
    """Periksa, lalu jadikan konfigurasi boks / check, then make it the box's configuration."""
    path = file or session.places.site
    try:
        applied = apply(session.places, path, SystemUsers(), accept_loss=accept_loss, without_overlay=without_overlay)
    except Refused as refused:
        return _refused(session, path, refused.faults, as_json=as_json)
    if as_json:
        generation, faults = applied.configuration.generation, _records(applied.faults)
        show_json(Installed(str(path), ok=True, generation=generation, changed=applied.changed, faults=faults))
        return 0
    session.show(applied.faults)
    session.say(_done(applied))
    return 0


@config.command()
@file_argument
@click.option("--origin", is_flag=True, help="Asal setiap nilai / where each value comes from")
@as_json
@session_options
@pass_session
def show(session: Session, file: Path | None, *, origin: bool, as_json: bool) -> int:
    """Tampilkan konfigurasi yang dipakai, atau isi FILE / show what the box uses, or what FILE means."""
    if file is None:
        reading = read_active(session.places)
        configuration, faults, source = reading.configuration, reading.faults, reading.source
    else:
        loaded = load_path(file, SystemUsers())
        configuration, faults, source = loaded.configuration, loaded.faults, None
    if origin and configuration is not None:
        texts = Texts(file.read_bytes()) if file else texts_of(session.places, configuration.generation)
        _show_origins(session, texts, configuration, as_json=as_json)
        return worst(faults)
    if as_json:
        masked = None if configuration is None else _masked(configuration)
        show_json(Shown(source, masked, _records(faults)))
    else:
        session.show(faults)
        if configuration is not None:
            click.echo(_sheet(configuration))
    return worst(faults)


@config.command("migrate")
@file_argument
@click.option("--write", is_flag=True, help="Tulis, yang lama disimpan (.lama) / write, keep the old one")
@as_json
@session_options
@pass_session
def migrate_command(session: Session, file: Path | None, *, write: bool, as_json: bool) -> int:
    """Perbaiki bentuk berkas, tampilkan bedanya / bring a file into its present form, show what changes."""
    path = file or session.places.site
    try:
        migrated = migrate(read_whole(path), path.name, SystemUsers())
        if write and migrated.changed:
            write_atomically(path.with_name(f"{path.name}.lama"), path.read_bytes())
            write_atomically(path, migrated.text.encode())
    except Refused as refused:
        return _refused(session, path, refused.faults, as_json=as_json)
    except OSError as error:
        fault = codes.STATE_READONLY.fault(what=str(error.filename or path), why=error.strerror or str(error))
        return _refused(session, path, [fault], as_json=as_json)
    faults, written = migrated.loaded.faults, write and migrated.changed
    if as_json:
        ok, diff = migrated.loaded.configuration is not None, tuple(migrated.diff())
        show_json(Rewritten(str(path), ok, migrated.changed, written, diff, _records(faults)))
        return worst(faults)
    for line in migrated.diff():
        click.echo(printable(line))
    session.show(faults)
    session.say(_rewritten(migrated, written=written))
    return worst(faults)


@config.command()
@click.argument("number", required=False, type=int)
@as_json
@session_options
@pass_session
def rollback(session: Session, number: int | None, *, as_json: bool) -> int:
    """Kembali ke generasi sebelumnya, atau ke NUMBER / go back to the generation before, or to NUMBER."""
    try:
        now = roll_back(session.places, number)
    except Refused as refused:
        return _refused(session, session.places.generations, refused.faults, as_json=as_json)
    if as_json:
        folder = str(session.places.generations)
        show_json(Installed(folder, ok=True, generation=now.generation, changed=True, faults=()))
        return 0
    session.say(
        Wording(
            f"✓ Kembali: generasi {now.generation}, {now.site.name}. Dipakai saat daemon dijalankan ulang.",
            f"✓ Back: generation {now.generation}, {now.site.name}. In use when the daemons are restarted.",
        )
    )
    return 0


@config.command()
def schema() -> None:
    """Cetak JSON Schema untuk editor / print the JSON Schema for editors (configs/site.schema.json)."""
    show_json(editor_schema())


@config.command("sample")
@click.argument("kit", default="rt-standard")
@session_options
@pass_session
def sample_command(session: Session, kit: str) -> None:
    """Cetak contoh site.toml untuk sebuah kit / print a sample site.toml for a kit."""
    names = kit_names()
    if kit not in names:
        listed = ", ".join(names)
        text = Wording(f"kit {kit} tidak ada; yang ada: {listed}.", f"there is no kit {kit}; there are: {listed}.")
        raise click.BadParameter(text[session.language])
    click.echo(sample(load_kit(kit)), nl=False)


def _show_origins(session: Session, texts: Texts, configuration: Configuration, *, as_json: bool) -> None:
    """As the text that was applied says it, not as site.toml stands now: somebody may be editing that."""
    found = list(origins(texts.site, session.places.site.name, _masked(configuration), texts.overlay))
    if as_json:
        show_json({each.key: Stands(each.value, each.where or DEFAULT.en) for each in found})
        return
    for each in found:
        click.echo(f"{each.key:<28} {each.value!s:<24} {each.where or DEFAULT[session.language]}")


def _refused(session: Session, path: Path, faults: Iterable[Fault], *, as_json: bool) -> int:
    faults = tuple(faults)
    if as_json:
        show_json(Installed(str(path), ok=False, generation=None, changed=False, faults=_records(faults)))
    else:
        session.show(faults)
        if read_active(session.places).configuration is not None:
            session.say(Wording("Konfigurasi lama tetap dipakai.", "The old configuration stays in use."))
    return worst(faults)


def _records(faults: Iterable[Fault]) -> tuple[FaultRecord, ...]:
    return tuple(fault.record() for fault in faults)


def _sound(path: Path, configuration: Configuration) -> Wording:
    zones, sounders, lamps = len(configuration.zones), len(configuration.sounders), len(configuration.lamps)
    return Wording(
        f"✓ {path.name}: {configuration.site.name}, {zones} tombol, {sounders} sirene, {lamps} lampu.",
        f"✓ {path.name}: {configuration.site.name}, {zones} buttons, {sounders} sirens, {lamps} lamps.",
    )


def _done(applied: Applied) -> Wording:
    generation = applied.configuration.generation
    if applied.changed:
        return Wording(
            f"✓ Generasi {generation} diterapkan. Boks memakainya saat daemon dijalankan ulang.",
            f"✓ Generation {generation} applied. The box uses it when its daemons are restarted.",
        )
    return Wording(
        f"✓ Tidak ada yang berubah: tetap generasi {generation}.", f"✓ No change: still generation {generation}."
    )


def _rewritten(migrated: Migrated, *, written: bool) -> Wording:
    if not migrated.changed:
        return Wording(f"✓ {migrated.name}: bentuknya sudah benar.", f"✓ {migrated.name}: is in its present form.")
    if written:
        return Wording(f"✓ {migrated.name} ditulis.", f"✓ {migrated.name} written.")
    return Wording("Belum ditulis: tambahkan --write.", "Not written yet: add --write.")


def _masked(configuration: Configuration) -> Configuration:
    """Without what must not be pasted into a chat: the telephone number of a person."""
    phone = configuration.site.phone
    hidden = phone[:4] + "•" * max(0, len(phone) - 4)
    return replace(configuration, site=replace(configuration.site, phone=hidden))


def _sheet(configuration: Configuration) -> str:
    return "\n".join(_rows(_masked(configuration)))


def _rows(configuration: Configuration) -> Iterable[str]:
    site, uplink = configuration.site, configuration.uplink
    yield f"{site.name}  {site.id}  (kit {configuration.kit}, gen {configuration.generation}, {configuration.driver})"
    for zone in configuration.zones:
        marks = " ".join([zone.kind, zone.button, zone.wiring, zone.contact, *(["silent"] if zone.silent else [])])
        hold = "" if zone.hold_s is None else f" hold {zone.hold_s:g} s"
        yield f"  zone     {zone.id:<16} {zone.pin:<7} {marks}{hold}"
    for sounder in configuration.sounders:
        backup = " backup" if sounder.backup else ""
        yield f"  sounder  {sounder.id:<16} {sounder.pin:<7} {sounder.relay} {sounder.switch}{backup}"
    for lamp in configuration.lamps:
        yield f"  lamp     {lamp.id:<16} {lamp.pin:<7} {lamp.relay}"
    panel = configuration.panel
    yield f"  panel    {panel.profile}  sound {panel.sound_s:g} s  storm {panel.storm_s:g} s"
    if uplink is not None:
        second = f", {uplink.second_host}:{uplink.second_port}" if uplink.second_host else ""
        secured = "tls" if uplink.tls else "plain"
        yield f"  uplink   {uplink.host}:{uplink.port}{second}  {secured}  beat {uplink.beat_s:g} s"
