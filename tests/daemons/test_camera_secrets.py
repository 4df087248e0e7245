"""A password that a technician types once, on a whole run with cameras that provoke: it is in no output of it."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from drivers.sim.camera import Proof, Quirk, SimCameras, Spec
from edge.centre import album
from edge.centre.picture_keys import PictureKeys
from edge.config.resources import CHECKOUT
from edge.field.children import Child
from edge.field.stage import Stage
from edge.field.status import ask_status
from tests.daemons.centre_world import wait_for
from tests.sim_cameras import own_hosts

KENTONGAN = (sys.executable, "-c", "from edge.field.cli import main; main()")
USER = "teknisi-rt"
CANARY = "kenari/&=4711"  # in its path, query and percent-encoded forms it looks different
WITHIN_S = 45.0
CREDENTIALS = "credentials.json"
QUIRKS = (None, Quirk.SNAPSHOT_RTSP, Quirk.BASIC_CHALLENGE, Quirk.SNAPSHOT_REDIRECT, Quirk.LOCKS)


def forms() -> tuple[bytes, ...]:
    """The canary as it may stand in a text: as it is, percent-encoded, in JSON, and in a Basic header."""
    basic = base64.b64encode(f"{USER}:{CANARY}".encode()).decode()
    return tuple(dict.fromkeys(each.encode() for each in (CANARY, quote(CANARY, safe=""), quote(CANARY), basic)))


LEAK = re.compile(b"|".join(re.escape(form) for form in forms()), re.IGNORECASE)
ELSE = re.compile(rb"rtsp://|UsernameToken|PasswordDigest|Authorization:", re.IGNORECASE)  # what else must stay within


class Run:
    """A box with its centre and a street; everything that any program says is kept."""

    def __init__(self, stage: Stage, town: SimCameras, folder: Path) -> None:
        self.stage = stage
        self.town = town
        self.said: list[bytes] = []
        command = [sys.executable, "-m", "edge.daemons.cameras", "--root", str(stage.places.root), "--check-s", "1"]
        self.cameras = Child("cameras", command, folder / "cameras.log")

    def types(self, *words: str, root: Path | None = None, given: str = "", fails: bool = False) -> str:
        command = [*KENTONGAN, *words, "--root", str(root or self.stage.places.root)]
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=90, check=False)
        self.said += [done.stdout.encode(), done.stderr.encode()]
        assert fails or done.returncode == 0, done.stderr
        return done.stdout

    def adopts_all(self) -> None:
        for number, camera in enumerate(self.town, 1):
            address = f"{camera.host}:{camera.port}"
            words = ("--user", USER, "--password-stdin", "--consent", "--events")
            self.types("cameras", "adopt", f"kamera-{number}", address, *words, given=f"{CANARY}\n", fails=True)

    def arguments(self) -> list[bytes]:
        """Command lines and environments of all our processes."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if os.getpgid(int(path.name)) >= 0:
                    found += [(path / "cmdline").read_bytes(), (path / "environ").read_bytes()]
            except (OSError, ProcessLookupError):
                continue
        return found


def kept(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file of the run, but the one in which the login is allowed to lie."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name != CREDENTIALS:
            yield path, path.read_bytes()


def test_the_password_is_in_one_file_and_in_no_output(tmp_path: Path) -> None:
    specs = [
        Spec(host, number=number, user=USER, password=CANARY, quirks=frozenset({quirk} if quirk else ()), delay_s=0.05)
        for number, (host, quirk) in enumerate(zip(own_hosts(len(QUIRKS)), QUIRKS, strict=True), 1)
    ]
    with Stage(tmp_path / "stage", cache=CHECKOUT.parent / ".cache", beat_s=0.5) as stage, SimCameras(specs) as town:
        run = Run(stage, town, tmp_path)
        stage.start()
        wait_for(lambda: ask_status(stage.places)["online"], "online")
        run.cameras.start()
        run.cameras.wait_ready()
        try:
            _all_of_it(run, tmp_path)
        finally:
            run.cameras.stop()
        run.said += [each.output().encode() for each in (stage.centre, stage.alarm, stage.relay, run.cameras)]

    store = stage.places.cameras / CREDENTIALS
    assert CANARY in str(json.loads(store.read_text(encoding="utf-8")))  # it was there to be leaked
    assert store.stat().st_mode & 0o777 == 0o600
    leaks = [str(path) for path, raw in kept(tmp_path) if LEAK.search(raw)]
    leaks += [raw[:200].decode(errors="replace") for raw in run.said if LEAK.search(raw)]
    assert leaks == []
    told = [str(path) for path, raw in kept(tmp_path) if path.suffix in {".log", ".jsonl"} and ELSE.search(raw)]
    assert told == []
    assert [raw for raw in run.said if ELSE.search(raw)] == []
    proofs = {visit.proof for camera in town for visit in camera.book.visits}
    assert proofs & {Proof.WSSE, Proof.DIGEST_MD5, Proof.DIGEST_SHA256}  # logins were sent
    assert not proofs & {Proof.BASIC, Proof.WSSE_TEXT, Proof.OTHER}  # and never so that who listens could read one


def _all_of_it(run: Run, folder: Path) -> None:
    """A technician's evening: adoption, an alarm with its pictures, a password that changes, a diagnosis."""
    stage, town = run.stage, run.town
    run.adopts_all()
    assert not [raw for raw in run.arguments() if LEAK.search(raw)]
    names = [each["name"] for each in json.loads(run.types("cameras", "list", "--json"))]
    assert {"kamera-1", "kamera-2"} <= set(names)

    stage.wires.press(stage.line_of("pos-ronda"))
    wait_for(lambda: album.shots(stage.centre_places.store), "a picture at the centre", WITHIN_S)
    stage.wires.release(stage.line_of("pos-ronda"))
    keys = PictureKeys.read(stage.centre_places)
    wait_for(lambda: list(album.opened_shots(stage.centre_places.store, keys)), "and it opens", WITHIN_S)

    town[0].password = "diganti-orang-lain"
    run.types("cameras", "test", fails=True)
    run.types("cameras", "list", fails=True)
    run.types("cameras", "scan", fails=True)
    assert not [raw for raw in run.arguments() if LEAK.search(raw)]
    run.cameras.kill()
    run.cameras.start()
    run.cameras.wait_ready()
    run.types("status", "--json")
    run.types("ledger", "export")
    centre = stage.centre_places.root
    bundle = folder / "bundle.json"
    run.types("centre", "order", stage.box, "diag", "--by", "Sari", "--save", str(bundle), root=centre)
    assert bundle.stat().st_size > 0
    run.types("centre", "export", "--json", root=centre)
    run.types("centre", "pictures", root=centre)
