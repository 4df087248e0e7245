"""Devices that answer probes as they are told to, from chosen addresses of this machine; no camera is behind them."""

import heapq
import itertools
import random
import re
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self
from xml.sax.saxutils import escape

GROUP, PORT = "239.255.255.250", 3702
DELAY_MAX_S = 0.5  # APP_MAX_DELAY
ASKED = re.compile(rb"MessageID>([^<]+)<")

MATCHES = (
    '<?xml version="1.0" encoding="utf-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">'
    "<SOAP-ENV:Header><wsa:MessageID>{message}</wsa:MessageID><wsa:RelatesTo>{relates_to}</wsa:RelatesTo>"
    "<wsa:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:To>"
    "<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</wsa:Action>"
    '<d:AppSequence InstanceId="{instance}" MessageNumber="1"/></SOAP-ENV:Header>'
    "<SOAP-ENV:Body><d:ProbeMatches>{matches}</d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>"
)
MATCH = (
    "<d:ProbeMatch><wsa:EndpointReference><wsa:Address>{epr}</wsa:Address></wsa:EndpointReference>"
    "<d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>{scopes}</d:Scopes><d:XAddrs>{xaddrs}</d:XAddrs>"
    "<d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch>"
)
SCOPES = (
    "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/Pos%20Ronda onvif://www.onvif.org/hardware/X1"
)
TWIN = "uuid:00000000-0000-1000-8000-booted-in-one-second"


def match(epr: str, xaddrs: str, scopes: str = SCOPES) -> str:
    return MATCH.format(epr=escape(epr), xaddrs=escape(xaddrs), scopes=escape(scopes))


def matches(relates_to: str, *each: str, message: str = TWIN, instance: str = "1") -> bytes:
    return MATCHES.format(message=message, relates_to=relates_to, instance=instance, matches="".join(each)).encode()


Say = Callable[[str, int], Sequence[bytes]]
"""What a device says to a probe with this MessageID, the how manieth it is (from 0)."""


@dataclass
class Device:
    """on: address it sends from. delay_s: chosen anew for every answer. groups: whether it hears multicast at all."""

    on: str
    say: Say
    delay_s: tuple[float, float] = (0.0, DELAY_MAX_S)
    groups: bool = True
    heard: int = field(default=0, init=False)


class Answerers:
    """Answers for all devices in one thread of its own, until closed. interface: address whose link is listened to."""

    def __init__(self, devices: Sequence[Device], interface: str = "127.0.0.1") -> None:
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, int, socket.socket, bytes, tuple[str, int]]] = []
        self._order = itertools.count()
        self._mouths = {id(device): _bound(device.on, 0) for device in devices}
        self._open = [_joined(interface)]
        self._selector.register(self._open[0], selectors.EVENT_READ, [each for each in devices if each.groups])
        for device in devices:
            ear = _bound(device.on, PORT)
            self._open.append(ear)
            self._selector.register(ear, selectors.EVENT_READ, [device])
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="answerers", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._selector.select(0.01):
                self._heard(key.fileobj, key.data)  # type: ignore[arg-type]  # sockets are all we register
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, mouth, raw, to = heapq.heappop(self._due)
                mouth.sendto(raw, to)

    def _heard(self, ear: socket.socket, devices: Sequence[Device]) -> None:
        raw, sender = ear.recvfrom(65536)
        asked = ASKED.search(raw)
        if asked is None:
            return
        for device in devices:
            number, device.heard = device.heard, device.heard + 1
            for answer in device.say(asked.group(1).decode(), number):
                at = time.monotonic() + random.uniform(*device.delay_s)
                heapq.heappush(self._due, (at, next(self._order), self._mouths[id(device)], answer, sender))

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._selector.close()
        for each in [*self._open, *self._mouths.values()]:
            each.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_of: object) -> None:
        self.close()


def _bound(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    return sock


def _joined(interface: str) -> socket.socket:
    sock = _bound(GROUP, PORT)
    sock.setsockopt(
        socket.IPPROTO_IP,
        socket.IP_ADD_MEMBERSHIP,
        struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(interface)),
    )
    return sock
