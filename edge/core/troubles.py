"""What is broken now, each told once when it breaks and once when it works again."""

from dataclasses import dataclass

from edge.core.records import BOX, Records


@dataclass(frozen=True, slots=True)
class Trouble:
    """lamp: False for what nobody at the box may learn (a silent zone's fault)."""

    code: str
    cid: str
    text: str
    subject: str
    lamp: bool

    @property
    def word(self) -> str:
        return self.code if self.subject == BOX else f"{self.code}/{self.subject.partition('/')[2]}"


class Troubles:
    """Open troubles by code and subject."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._open: dict[tuple[str, str], Trouble] = {}

    @property
    def shown(self) -> frozenset[str]:
        """Each open trouble that may be seen at the box, in one word."""
        return frozenset(self.causes)

    @property
    def causes(self) -> dict[str, str]:
        """What is known of each of them."""
        return {each.word: each.text for each in self._open.values() if each.lamp}

    def is_open(self, code: str, subject: str = BOX) -> bool:
        return (code, subject) in self._open

    def trouble(self, code: str, cid: str, text: str, *, subject: str = BOX, lamp: bool = True) -> None:
        if not self.is_open(code, subject):
            self._open[code, subject] = Trouble(code, cid, text, subject, lamp)
            self._records.trouble(code, cid, text, subject)

    def restored(self, code: str, subject: str = BOX) -> None:
        trouble = self._open.pop((code, subject), None)
        if trouble is not None:
            self._records.restoral(code, trouble.cid, subject)
