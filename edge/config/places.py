"""Where each thing lies. One option (`--root DIR`) moves all of it, as the demo and the tests do."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    root: Path = Path("/")

    @property
    def etc(self) -> Path:
        return self.root / "etc/kentongan"

    @property
    def state(self) -> Path:
        return self.root / "var/lib/kentongan"

    @property
    def run(self) -> Path:
        return self.root / "run/kentongan"

    @property
    def site(self) -> Path:
        return self.etc / "site.toml"

    @property
    def trust(self) -> Path:
        """keyset.jws, binding.jws, root.pub, escrow.pub, broker-ca.pem: public, owned by root."""
        return self.etc / "trust"

    @property
    def secrets(self) -> Path:
        """tls.key, tls.pem, box.key; outside systemd the daemons read them through $CREDENTIALS_DIRECTORY."""
        return self.etc / "secrets"

    @property
    def generations(self) -> Path:
        """active.json and gen-N.json."""
        return self.state / "config"

    @property
    def trial(self) -> Path:
        """There while a change from afar has not proved itself: which generation to go back to."""
        return self.generations / "trial.json"

    @property
    def inbox(self) -> Path:
        """overlay.json: what the centre ordered and kentongan-config has not taken yet."""
        return self.state / "inbox"

    @property
    def bare(self) -> Path:
        """The last pins, second copy on the boot partition."""
        return self.root / "boot/firmware/kentongan/bare.json"

    @property
    def ledger(self) -> Path:
        return self.state / "ledger/ledger.db"

    @property
    def keyset(self) -> Path:
        """The newest keyset that came from the broker; kept by alarm, never older than the one in `trust`."""
        return self.state / "ledger/keyset.jws"

    @property
    def addresses(self) -> Path:
        """The brokers' addresses that last worked, for the days when no name server answers; kept by relay."""
        return self.state / "relay"

    @property
    def cameras(self) -> Path:
        """inventory.json, credentials.json (0600), spool/: of kentongan-cameras alone."""
        return self.state / "cameras"

    @property
    def counter(self) -> Path:
        """Where people ask kentongan-cameras; the folder's group is the technicians'."""
        return self.run / "cameras/counter.sock"

    @property
    def subscriptions(self) -> Path:
        """Which subscriptions are open on cameras, so that a death leaves none; of this boot."""
        return self.run / "cameras/subscriptions.json"

    @property
    def link(self) -> Path:
        """One socket per role: relay.sock, sms.sock, cameras.sock, config.sock, page.sock, cli.sock."""
        return self.run / "link"

    @property
    def activations(self) -> Path:
        """On-time of the last hour, on tmpfs: gone with the boot it belongs to."""
        return self.run / "activations.json"
