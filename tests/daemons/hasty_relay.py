"""The relay with a keepalive and a will delay of seconds: what a test of a lost box can wait for."""

import sys

from drivers import mqtt
from edge.daemons.relay.compose import main

KEEPALIVE_S = 4
WILL_DELAY_S = 1

if __name__ == "__main__":
    mqtt.KEEPALIVE_S, mqtt.WILL_DELAY_S = KEEPALIVE_S, WILL_DELAY_S  # type: ignore[misc]  # that is the point
    sys.exit(main())
