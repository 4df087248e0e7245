"""gpiozero's mock pins, made as quiet as the real ones: an output's first level is the one asked for."""

from gpiozero.pins.mock import MockFactory, MockPin


class QuietMockPin(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A pin that takes its level before it becomes an output, as the character device does in one request."""

    def output_with_state(self, state: bool) -> None:  # noqa: FBT001 - gpiozero's signature
        if self._function == "input":
            self._change_state(bool(state))
        super().output_with_state(bool(state))


class QuietMockFactory(MockFactory):  # type: ignore[misc]  # gpiozero has no types
    """Pins without hardware, for tests and benches in one process."""

    def __init__(self) -> None:
        super().__init__(pin_class=QuietMockPin)
