"""A stage whose box is asked, pressed and read as a person would."""

from typing import Any

from edge.field.stage import Stage
from edge.field.status import ask_status
from edge.ledger.reader import Wanted, entries
from tests.daemons.centre_world import wait_for


class AskedStage(Stage):
    def bearer(self) -> dict[str, Any]:
        return dict(ask_status(self.places)["bearers"].get("mqtt", {}))

    def lamp(self) -> str:
        return str(ask_status(self.places)["lamp"])

    def troubles(self) -> list[str]:
        return list(ask_status(self.places)["troubles"])

    def sounds(self, zone: str) -> None:
        """Press, hear the siren for it, let go."""
        pin, siren = self.line_of(zone), self.line_of(self.site.sounders[0].id)
        before = len(self.wires.trace())
        self.wires.press(pin)
        wait_for(lambda: [stroke for stroke in self.wires.trace()[before:] if stroke.line == siren], "the siren")
        self.wires.release(pin)

    def alarms(self, *, received: bool) -> list[str]:
        found = entries(self.places.ledger, Wanted(event_class="alarm"), newest=99)
        return [each.subject for each in found if each.name == "alarm" and bool(each.received_at) == received]
