"""Where the centre's own things lie. One root moves all of them, as the demo and the tests do."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CentrePlaces:
    root: Path = Path("/")

    @property
    def home(self) -> Path:
        return self.root / "var/lib/kentongan-centre"

    @property
    def store(self) -> Path:
        return self.home / "centre.db"

    @property
    def postbox(self) -> Path:
        """What is still to be forwarded."""
        return self.home / "forward.db"

    @property
    def forward_key(self) -> Path:
        """The secret that we share with the receiver of what we forward; 0600."""
        return self.keys / "forward.key"

    @property
    def settings(self) -> Path:
        """centre.toml: which broker, which receiver's name."""
        return self.home / "centre.toml"

    @property
    def keys(self) -> Path:
        """receipt.key, command-silence.key, root.pub; root.key and escrow.key until `kentongan centre root export`."""
        return self.home / "keys"

    @property
    def keyset(self) -> Path:
        return self.keys / "keyset.jws"

    @property
    def root_public(self) -> Path:
        """32 raw bytes."""
        return self.keys / "root.pub"

    @property
    def escrow_public(self) -> Path:
        """32 raw bytes, Ed25519: copies of site.toml are sealed for it; escrow.key is kept offline with the root."""
        return self.keys / "escrow.pub"

    def offline(self, name: str) -> Path:
        """Where root.key, escrow.key and ca.key lie as long as they are on this machine."""
        return (self.certificates if name == "ca.key" else self.keys) / name

    def copy(self, box: str) -> Path:
        """site.toml of this box, sealed for the escrow key; 0600."""
        return self.boxes / f"{box}.site"

    @property
    def certificates(self) -> Path:
        """ca.pem, ca.key until `root export`, and pairs of broker, door and centre."""
        return self.home / "ca"

    @property
    def revocations(self) -> Path:
        """For the broker's `crlfile`: certificates of revoked boxes, which it then does not even let in."""
        return self.certificates / "revoked.pem"

    @property
    def invited(self) -> Path:
        """Tokens, and the requests and answers that came of them; 0700."""
        return self.home / "invited"

    def issued(self, box: str) -> Path:
        """Every certificate that this box ever got, PEM."""
        return self.boxes / f"{box}.pem"

    @property
    def boxes(self) -> Path:
        """One admission per box, signed by the root."""
        return self.home / "boxes"


def write_whole(path: Path, content: bytes, *, mode: int) -> None:
    """Put a file in place whole or not at all, with its mode from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        unfinished.unlink()
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    _keep_folder(path.parent)


def _keep_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
