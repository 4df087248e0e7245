"""kentongan-relay as it is; what its MQTT client is told to publish, and its will, is also appended to $OVERHEARD.

Beside the broker and not at it: one more subscriber there would change what the broker answers when nobody listens.
"""

import json
import os
import sys
from typing import Any

from drivers.mqtt_client import WiredClient
from edge.daemons.relay import main

_publish, _will_set = WiredClient.publish, WiredClient.will_set
_out = os.open(os.environ["OVERHEARD"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def _note(topic: str, payload: bytes, qos: int, retain: object) -> None:
    line = {"topic": topic, "raw": payload.hex(), "qos": qos, "retain": retain}
    os.write(_out, json.dumps(line).encode() + b"\n")


def publish(client: WiredClient, topic: str, payload: bytes, qos: int = 0, retain: Any = False, **more: Any) -> object:
    _note(topic, payload, qos, retain)
    return _publish(client, topic, payload, qos, retain, **more)


def will_set(client: WiredClient, topic: str, payload: bytes, qos: int = 0, retain: Any = False, **more: Any) -> None:
    _note(topic, payload, qos, retain)
    _will_set(client, topic, payload, qos, retain, **more)


if __name__ == "__main__":
    WiredClient.publish = publish  # type: ignore[assignment,method-assign]  # the same, and it notes
    WiredClient.will_set = will_set  # type: ignore[assignment,method-assign]
    sys.exit(main(sys.argv[1:]))
