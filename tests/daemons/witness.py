"""What passes between boxes and centres while the tests of daemons run, as far as a test can overhear it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from edge.field.children import Child
from tests.pages import Said, flaws

OVERHEARD: Final = Path(__file__).with_name("overheard.py")
RELAY: Final = ["-m", "edge.daemons.relay"]


class Witness:
    """Collects, and tells what does not fit the contract; each message is judged once."""

    def __init__(self) -> None:
        self._said: list[Said] = []
        self._logs: dict[Path, int] = {}  # -> how much of it is read

    def hear(self, said: Said) -> None:
        self._said.append(said)

    def follow(self, log: Path) -> None:
        """Read along what `overheard` appends to this file."""
        self._logs.setdefault(log, 0)

    def take(self) -> list[Said]:
        """What was said since the last time."""
        said, self._said = self._said, []
        for log in self._logs:
            said += self._read(log)
        return said

    def _read(self, log: Path) -> list[Said]:
        if not log.exists():
            return []
        with log.open("rb") as file:
            file.seek(self._logs[log])
            whole = file.read().rpartition(b"\n")[0]  # a line may be on its way
        self._logs[log] += len(whole) + 1 if whole else 0
        lines = map(json.loads, whole.splitlines())
        return [Said(each["topic"], bytes.fromhex(each["raw"]), each["qos"], each["retain"]) for each in lines]


def unfit(said: Sequence[Said]) -> list[str]:
    return [flaw for each in dict.fromkeys(said) for flaw in flaws(each)]  # much is said again and again


WITNESS: Final = Witness()


class Followed(Child):
    """`Child`; if it is a relay, the witness hears what it publishes."""

    witness = WITNESS

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        if list(command[1:3]) == RELAY:
            heard = log.with_suffix(".jsonl")
            self.witness.follow(heard)
            command = [command[0], str(OVERHEARD), *command[3:]]
            environment = {**(environment or {}), "OVERHEARD": str(heard)}
        super().__init__(name, command, log, environment)
