"""What every board shares: the name of a line, the meaning of its level, and the way of an edge to its sink."""

import re

from drivers.ports import Configuration, ContactWiring, EdgeSink, OutputWiring

LAST_LINE = 27  # the 40-pin header of every Pi since the B+ carries GPIO0 to GPIO27

_NAME = re.compile(r"GPIO(0|[1-9][0-9]?)")


def line_number(line: str) -> int:
    """Return 23 for "GPIO23".

    raises: Configuration for anything else: "23" would be GPIO23 to one reader and pin 23 (GPIO11) to another
    """
    found = _NAME.fullmatch(line) if isinstance(line, str) else None
    if found is None:
        raise Configuration(f'{line!r} is not a line: write it as "GPIO23"; a bare number could be a GPIO or a pin')
    number = int(found[1])
    if number > LAST_LINE:
        raise Configuration(f"{line} is not on the 40-pin header: GPIO0 to GPIO{LAST_LINE} are")
    return number


def pulled_up(wiring: ContactWiring) -> bool:
    """A contact to ground needs a pull-up, a contact to 3V3 a pull-down."""
    return wiring.wiring == "to-ground"


def closed(wiring: ContactWiring, level: bool) -> bool:  # noqa: FBT001 - a level is a value here, not an option
    """A closed contact carries its line to the far end of its wire."""
    return level != pulled_up(wiring)


def active(wiring: ContactWiring, level: bool) -> bool:  # noqa: FBT001 - a level is a value here, not an option
    """A NO contact is active when closed; a NC contact when open, or when its wire is cut."""
    return closed(wiring, level) == (wiring.contact == "no")


def on_level(wiring: OutputWiring) -> bool:
    """The level that switches the relay on."""
    return wiring.relay == "high-on"


class EdgePath:
    """One line's edges on their way to the sink: translated, strictly rising in time, and never raising.

    Two clock readings lie between an edge and its stamp, so two edges 1 us apart could arrive in the wrong order;
    the debouncer refuses such a pair, and the second one is moved 1 ns behind the first instead.
    """

    def __init__(self, wiring: ContactWiring, sink: EdgeSink) -> None:
        self._wiring = wiring
        self._sink = sink
        self._last_ns = -1
        self.faults = 0  # calls of the sink that raised

    def arrived(self, level: bool, at_ns: int) -> None:  # noqa: FBT001 - a level is a value here, not an option
        """Hand one edge over. Runs on the thread that reads the edges of all lines: what it raised would end them."""
        at_ns = max(at_ns, self._last_ns + 1)
        self._last_ns = at_ns
        try:
            self._sink(active(self._wiring, level), at_ns)
        except Exception:  # noqa: BLE001 - one bad sink must not silence every button
            self.faults += 1
