"""Drive every output off without the product: run by systemd after kentongan-alarm ended, however it ended.

alarm_off.py FILE    one output a line, "GPIO24 0": the line, and the level that is off (drivers/rest.py writes it)

Exit 0: all are off, or FILE is not there and nothing was ever driven; 1: what could not be driven is named on stderr.
The standard library alone, and little of it: `python3 -I -S` is there before and after every upgrade of the product.
gpioset would do the same, but takes other arguments on Debian 13 than on 12, and one more package on both.
"""

import fcntl
import os
import struct
import sys

LABELS = (b"pinctrl-rp1", b"pinctrl-bcm2711", b"pinctrl-bcm2835")  # the chip of the header: Pi 5; Pi 4; older ones

# linux/gpio.h, second version of its interface
CHIP_INFO = 0x8044B401  # _IOR(0xB4, 1, struct gpiochip_info)
GET_LINE = 0xC250B407  # _IOWR(0xB4, 7, struct gpio_v2_line_request)
INFO = struct.Struct("=32s32sI")  # name, label, lines
REQUEST = struct.Struct("=64I32sQI20xIIQQ216xII20xi")  # offsets, consumer, configuration, counts, descriptor
OUTPUT = 1 << 3  # GPIO_V2_LINE_FLAG_OUTPUT
OUTPUT_VALUES = 2  # GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES
CONSUMER = b"kentongan-off"


def main(arguments: list[str]) -> int:
    try:
        with open(arguments[0], encoding="ascii") as file:  # noqa: PTH123 - pathlib doubles the start of this script
            outputs = [row.split() for row in file]
    except FileNotFoundError:
        return 0
    chip = header_chip()
    left_on = 0
    for line, off in outputs:
        try:
            os.close(drive(chip, int(line.removeprefix("GPIO")), int(off)))
        except OSError as fault:
            left_on += 1
            sys.stderr.write(f"{line} could not be driven off: {fault}\n")
    return 1 if left_on else 0


def header_chip() -> int:
    """Open the chip that carries the 40-pin header. Raises FileNotFoundError."""
    for name in sorted(os.listdir("/dev")):  # noqa: PTH208 - as above
        if name.startswith("gpiochip"):
            chip = os.open(f"/dev/{name}", os.O_RDWR | os.O_CLOEXEC)
            if label(chip) in LABELS:
                return chip
            os.close(chip)
    raise FileNotFoundError(2, "no GPIO chip of a Raspberry Pi in /dev")


def label(chip: int) -> bytes:
    answer = bytearray(INFO.size)
    fcntl.ioctl(chip, CHIP_INFO, answer)
    return bytes(INFO.unpack(answer)[1]).rstrip(b"\0")


def request(offset: int, level: int) -> bytearray:
    """Ask for one line as an output whose first level is `level`."""
    offsets = (offset, *[0] * 63)
    return bytearray(REQUEST.pack(*offsets, CONSUMER, OUTPUT, 1, OUTPUT_VALUES, 0, level, 1, 1, 0, 0))


def drive(chip: int, offset: int, level: int) -> int:
    """Returns the descriptor that holds the line. Raises OSError, EBUSY when somebody drives it."""
    asked = request(offset, level)
    fcntl.ioctl(chip, GET_LINE, asked)
    return int(REQUEST.unpack(asked)[-1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
