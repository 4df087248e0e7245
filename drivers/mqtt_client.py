"""paho's client on a wire of ours: what the uplink and the centre's session both need of it, and nothing more."""

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from drivers.wire import Wire


class WiredClient(Client):
    """MQTT 5 on a socket that is connected already. manual_ack: the caller says when a message is safe."""

    def __init__(self, client_id: str, wire: Wire, *, manual_ack: bool = False) -> None:
        protocol = MQTTProtocolVersion.MQTTv5
        super().__init__(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=protocol, manual_ack=manual_ack)
        self._wire = wire

    def _create_socket(self) -> Wire:
        return self._wire

    @property
    def withholds(self) -> bool:
        """Whether a message came at QoS 2, which we never ask for: paho would keep 65,535 of them unseen."""
        return bool(self._in_messages)
