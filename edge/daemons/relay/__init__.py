"""kentongan-relay: the MQTT session and its TLS key. Opens no device and reads no command's meaning."""

from edge.daemons.relay.compose import main

__all__ = ["main"]
