"""gpiozero on lgpio, with the three things corrected that would matter on a siren box.

gpiozero claims an output at level 0 and only then writes the level asked for: a low-on relay clicks at every start.
It takes the chip by number, which changed on the Pi 5 with kernel 6.6.45; the label did not change.
lgpio reads all edges on one thread, and nothing else notices when that one dies.
`import lgpio` makes a FIFO in $LG_WD or the working directory, and fails where it may not.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lgpio
from gpiozero.pins.lgpio import LGPIOFactory, LGPIOPin

from drivers.ports import Busy, DriverError, NoPermission, NotFound

CHIP_LABELS = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835")  # Pi 5; Pi 4; all before them


class QuietLGPIOPin(LGPIOPin):  # type: ignore[misc]  # gpiozero has no types
    """A pin claimed as an output at the level asked for, in one call."""

    def __init__(self, factory: LGPIOFactory, info: Any) -> None:
        with _translated(info.name):
            super().__init__(factory, info)

    def output_with_state(self, state: bool) -> None:  # noqa: FBT001 - gpiozero's signature
        self.when_changed = None
        with _translated(self.info.name):
            lgpio.gpio_claim_output(self.factory._handle, self._number, int(state))  # noqa: SLF001 - as LGPIOPin does


class QuietLGPIOFactory(LGPIOFactory):  # type: ignore[misc]  # gpiozero has no types
    """The chip that carries the 40-pin header, found by its label."""

    def __init__(self) -> None:
        super().__init__(chip=_header_chip())
        self.pin_class = QuietLGPIOPin

    @property
    def alive(self) -> bool:
        thread: Any = lgpio._notify_thread  # noqa: SLF001 - lgpio says nowhere else whether its reader lives
        return bool(thread.is_alive())


@contextmanager
def _translated(line: str) -> Iterator[None]:
    """Translate lgpio's one exception for everything: its text is all there is to tell one fault from another."""
    try:
        yield
    except lgpio.error as fault:
        text = str(fault)
        kind = Busy if "busy" in text else NoPermission if "permission" in text else DriverError
        raise kind(f"{line}: {text}") from fault


def _header_chip() -> int:
    """Raises NotFound naming the chips that are there."""
    seen = []
    for path in sorted(Path("/dev").glob("gpiochip*")):
        number = int(path.name.removeprefix("gpiochip"))
        label = _label(number)
        if label in CHIP_LABELS:
            return number
        seen.append(f"{path} ({label})")
    raise NotFound(
        f"no GPIO chip of a Raspberry Pi: looked for {', '.join(CHIP_LABELS)}, found {', '.join(seen) or 'none'}"
    )


def _label(number: int) -> str:
    with _translated(f"/dev/gpiochip{number}"):
        chip = lgpio.gpiochip_open(number)
    try:
        return str(lgpio.gpio_get_chip_info(chip)[3])
    finally:
        lgpio.gpiochip_close(chip)
