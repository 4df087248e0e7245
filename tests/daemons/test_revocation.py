"""A box that was stolen does not even get through the broker's door."""

import time
from pathlib import Path

from drivers.dial import Endpoint, TlsFiles
from drivers.mqtt import MqttUplink
from drivers.ports import Down, Session, Up
from edge.centre.authority import Authority
from edge.centre.boxkeys import enrol_here
from edge.centre.places import CentrePlaces
from edge.config.places import Places
from edge.core.words import BoxId, SiteId
from edge.field.broker import LOOPBACK, Broker, Tls, find_broker
from tests.contract import far
from tests.daemons.centre_world import wait_for

CACHE = Path(__file__).parents[2] / ".cache"
ACL = Path(__file__).parents[2] / "configs/broker/acl"


def connects(broker: Broker, home: Places, box: BoxId) -> bool:
    tls = TlsFiles(home.trust / "broker-ca.pem", home.secrets / "tls.pem", home.secrets / "tls.key")
    uplink = MqttUplink(Endpoint(LOOPBACK, broker.ports["boxes"], tls))
    uplink.connect(Session(box, will=b"{}", state=b"{}"))
    heard: list[object] = []
    try:
        far.wait_for(
            lambda: any(isinstance(each, Up | Down) for each in heard),
            lambda: heard.extend(uplink.turn(time.monotonic_ns())),
        )
    finally:
        uplink.close()
    return any(isinstance(each, Up) for each in heard)


def test_a_revoked_certificate_is_refused_and_the_others_are_not(tmp_path: Path) -> None:
    places = CentrePlaces(tmp_path / "centre")
    authority = Authority.make(places)
    stolen, other = Places(tmp_path / "stolen"), Places(tmp_path / "other")
    names = {home: enrol_here(authority, home, SiteId("33.74.10.1004-010-005")) for home in (stolen, other)}
    keys = places.certificates
    tls = Tls(authority=keys / "ca.pem", certificate=keys / "broker.pem", key=keys / "broker.key")
    listener = (*tls.lines(), f"crlfile {places.revocations}")
    with Broker(
        find_broker(CACHE), listeners={"boxes": listener}, lines=[f"acl_file {ACL}"], parent=tmp_path
    ) as broker:
        assert [connects(broker, home, names[home]) for home in (stolen, other)] == [True, True]
        authority.revoke(names[stolen])
        broker.reload()
        wait_for(lambda: not connects(broker, stolen, names[stolen]), "the stolen box is refused")
        assert [connects(broker, home, names[home]) for home in (stolen, other)] == [False, True]
