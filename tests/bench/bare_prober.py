"""What anybody would write in an hour with the standard library: the baseline of our discovery. Not to be shipped.

It reads whatever it is sent, of any size, with entities; one interface; nothing is limited.
"""

import select
import socket
import time
import uuid
from xml.etree import ElementTree as ET

GROUP = ("239.255.255.250", 3702)
WSA = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}"
PROBE = (
    '<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl"'
    ' xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><e:Header><w:MessageID>{id}</w:MessageID>'
    "<w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>"
    "<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>"
    "<e:Body><d:Probe><d:Types>{types}</d:Types></d:Probe></e:Body></e:Envelope>"
)


def seek(address: str) -> set[tuple[str, str]]:
    """(endpoint reference, source address) of whoever answers; ends a second after the last new one."""
    found: set[tuple[str, str]] = set()
    asked: set[str] = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        for types in ("dn:NetworkVideoTransmitter", "tds:Device", "dn:NetworkVideoTransmitter"):
            message = f"uuid:{uuid.uuid4()}"
            asked.add(message)
            sock.sendto(PROBE.format(id=message, types=types).encode(), GROUP)
        until = time.monotonic() + 1.0
        while (left_s := until - time.monotonic()) > 0:
            if not select.select([sock], [], [], left_s)[0]:
                break
            raw, (host, _) = sock.recvfrom(65535)
            root = ET.fromstring(raw)
            epr = root.findtext(f".//{WSA}EndpointReference/{WSA}Address") or ""
            if root.findtext(f".//{WSA}RelatesTo") in asked and (epr, host) not in found:
                found.add((epr, host))
                until = time.monotonic() + 1.0
    return found
