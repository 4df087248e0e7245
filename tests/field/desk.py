"""A centre in one folder, boxes in others, and the commands as people type them."""

from pathlib import Path
from typing import Any

from edge.centre import reader
from edge.centre.places import CentrePlaces
from edge.config.places import Places
from edge.core.faults import Exit
from edge.enrol.forms import fingerprint
from edge.field.cli import run

SITE = "33.74.10.1004-010-005"
SITE_TOML = f'kit = "rt-standard"\n\n[site]\nid = "{SITE}"\nname = "RT 005"\nrt = "005"\nrw = "010"\n'


class Desk:
    """Everything lies below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.centre = CentrePlaces(folder / "centre")
        assert self.at_centre("init") == Exit.OK

    def at_centre(self, *words: str) -> int:
        return run(["centre", *words, "--root", str(self.centre.root), "--lang", "en"])

    def at_box(self, name: str, *words: str) -> int:
        return run(["enrol", *words, "--root", str(self.folder / name), "--lang", "en"])

    def place(self, name: str) -> Places:
        return Places(self.folder / name)

    def box(self, name: str) -> Places:
        """A box with its site.toml."""
        places = self.place(name)
        places.site.parent.mkdir(parents=True)
        places.site.write_text(SITE_TOML, encoding="utf-8")
        return places

    def file(self, name: str) -> str:
        return str(self.folder / name)

    @property
    def pin(self) -> str:
        return fingerprint(self.centre.root_public.read_bytes())

    def audited(self) -> list[dict[str, Any]]:
        return [{**entry} for entry in reader.audit_entries(self.centre.store)]
