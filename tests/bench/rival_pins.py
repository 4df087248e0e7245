"""mqtt-io's own main program, with a thread that presses its mock pins. Runs in mqtt-io's environment, not in ours.

    python rival_pins.py SOCKET CONFIGURATION

A datagram "17 0" pulls GPIO17 down. mqtt-io's gpiozero module and everything behind it are as installed.
"""

import socket
import sys
import threading

from gpiozero import Device
from mqtt_io.__main__ import main  # type: ignore[import-not-found]  # in its own environment only


def press_for_ever(place: str) -> None:
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    wire.bind(place)
    while True:
        number, level = wire.recv(64).split()
        pin = Device.pin_factory.pin(int(number))
        if level == b"0":
            pin.drive_low()
        else:
            pin.drive_high()


if __name__ == "__main__":
    place, configuration = sys.argv[1:]
    Device.pin_factory = Device._default_pin_factory()
    threading.Thread(target=press_for_ever, args=(place,), daemon=True).start()
    sys.argv[1:] = [configuration]
    main()
