"""Certificates on the way to a real mosquitto: each fault is told apart, by cause."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.dial import Dial, Endpoint, Names, TlsFiles
from drivers.expiry import earliest_end
from drivers.failover import Failover
from drivers.mqtt import MqttUplink
from drivers.ports import Certificates, Down, Message, Outcome, Up
from edge.centre.certificates import CertificateAuthority, Issued
from edge.field.broker import ANONYMOUS, LOOPBACK, Broker, Tls, find_broker
from tests.contract.far import ACL, BOX, SESSION, Drive

CACHE = Path(__file__).parents[2] / ".cache"
NOW = datetime.now(UTC)
LONG = timedelta(days=10 * 365)  # more than a certificate lives, less than its authority


@dataclass(frozen=True, slots=True)
class Papers:
    """What each side shows and believes; a test spoils one of them."""

    authority: Issued
    server: Issued
    client: Issued


def papers(*, host: str = LOOPBACK, server_made: datetime = NOW, client_made: datetime = NOW) -> Papers:
    authority = CertificateAuthority.make("centre", min(NOW, server_made, client_made))
    server = authority.for_server("broker", (host,), server_made)
    return Papers(authority.pem, server, authority.for_client(BOX, client_made))


@contextmanager
def broker_with(folder: Path, made: Papers) -> Iterator[Broker]:
    tls = Tls(
        authority=file(folder / "ca.pem", made.authority.certificate),
        certificate=file(folder / "broker.pem", made.server.certificate),
        key=file(folder / "broker.key", made.server.key),
    )
    listeners = {"tls": (*tls.lines(), "allow_anonymous false"), "plain": ANONYMOUS}
    lines = ("per_listener_settings true",)
    listeners["tls"] = (*listeners["tls"], f"acl_file {ACL}")
    with Broker(find_broker(CACHE), listeners=listeners, lines=lines, parent=folder) as broker:
        yield broker


def file(path: Path, pem: bytes) -> Path:
    path.write_bytes(pem)
    return path


def shown(folder: Path, made: Papers) -> TlsFiles:
    return TlsFiles(
        authority=file(folder / "trusted.pem", made.authority.certificate),
        certificate=file(folder / "box.pem", made.client.certificate),
        key=file(folder / "box.key", made.client.key),
    )


def cause_of(port: int, files: TlsFiles, *, host: str = LOOPBACK) -> str:
    drive = Drive(MqttUplink(Endpoint(host, port, files)))
    drive.uplink.connect(SESSION)
    (down,) = drive.until(Down)
    assert drive.all(Up) == []
    return down.cause


def test_the_common_name_is_the_user_and_only_its_own_topics_are_open(tmp_path: Path) -> None:
    made = papers()
    with broker_with(tmp_path, made) as broker:
        drive = Drive(MqttUplink(Endpoint(LOOPBACK, broker.ports["tls"], shown(tmp_path, made))))
        drive.uplink.connect(SESSION)
        drive.until(Up)
        rows = [drive.uplink.publish(Message("event/alarm", bytes(4000))) for _ in range(50)]
        forbidden = drive.uplink.publish(Message("firmware", b"x"))

        assert {drive.settled(row).outcome for row in rows} == {Outcome.NOBODY}
        assert drive.settled(forbidden).outcome is Outcome.FORBIDDEN
        drive.uplink.close()


@pytest.mark.parametrize(
    ("spoiled", "cause"),
    [
        (papers(server_made=NOW + timedelta(days=2)), "tls-not-yet-valid"),
        (papers(server_made=NOW - LONG), "tls-expired"),
        (papers(host="10.8.0.1"), "tls-wrong-host"),
        (papers(host="broker.example"), "tls-wrong-host"),
    ],
    ids=["not yet valid", "expired", "wrong address", "wrong name"],
)
def test_a_wrong_certificate_of_the_broker_is_named(tmp_path: Path, spoiled: Papers, cause: str) -> None:
    with broker_with(tmp_path, spoiled) as broker:
        assert cause_of(broker.ports["tls"], shown(tmp_path, spoiled)) == cause


def test_a_broker_of_another_authority_is_not_trusted(tmp_path: Path) -> None:
    made, other = papers(), papers()
    with broker_with(tmp_path, made) as broker:
        files = shown(tmp_path, Papers(other.authority, made.server, made.client))
        assert cause_of(broker.ports["tls"], files) == "tls-untrusted"


@pytest.mark.parametrize("spoil", ["expired", "foreign"])
def test_our_refused_certificate_is_named_as_ours(tmp_path: Path, spoil: str) -> None:
    made = papers(client_made=NOW - LONG if spoil == "expired" else NOW)
    client = papers().client if spoil == "foreign" else made.client
    with broker_with(tmp_path, made) as broker:
        files = shown(tmp_path, Papers(made.authority, made.server, client))
        assert [cause_of(broker.ports["tls"], files) for _ in range(5)] == ["tls-client"] * 5


def test_a_plain_port_is_not_taken_for_tls(tmp_path: Path) -> None:
    made = papers()
    with broker_with(tmp_path, made) as broker:
        assert cause_of(broker.ports["plain"], shown(tmp_path, made)) in {"tls", "tls-plain"}


def test_tls_files_that_cannot_be_used_are_ours_to_mend(tmp_path: Path) -> None:
    made = papers()
    with broker_with(tmp_path, made) as broker:
        port, good = broker.ports["tls"], shown(tmp_path, made)
        missing = TlsFiles(good.authority, good.certificate, tmp_path / "nothing.key")
        torn = TlsFiles(good.authority, file(tmp_path / "torn.pem", b"-----BEGIN"), good.key)
        strange = TlsFiles(good.authority, good.certificate, file(tmp_path / "strange.key", papers().client.key))

        assert [cause_of(port, files) for files in (missing, torn, strange)] == ["tls-files"] * 3


def test_the_second_broker_is_asked_for_its_own_name(tmp_path: Path) -> None:
    made = papers(host="second.example")
    with broker_with(tmp_path, made) as broker:
        files = shown(tmp_path, made)
        first, second = Endpoint(LOOPBACK, 1, files), Endpoint(LOOPBACK, broker.ports["tls"], files)
        drive = Drive(Failover(MqttUplink(first), MqttUplink(second), lambda: Dial(first, Names())))
        for times in (1, 2, 3):
            drive.uplink.connect(SESSION)
            drive.until(Down, count=times)

    assert [down.cause for down in drive.all(Down)] == ["unreachable", "unreachable", "tls-wrong-host"]
    assert drive.all(Up) == []


def test_when_the_certificates_end_is_told_before_the_session_stands(tmp_path: Path) -> None:
    made = papers()
    with broker_with(tmp_path, made) as broker:
        drive = Drive(MqttUplink(Endpoint(LOOPBACK, broker.ports["tls"], shown(tmp_path, made))))
        drive.uplink.connect(SESSION)
        drive.until(Up)
        drive.uplink.close()

    assert [type(event) for event in drive.events[:2]] == [Certificates, Up]
    (told,) = drive.all(Certificates)
    shown_by = {"own": made.client, "authority": made.authority, "broker": made.server}
    assert told.ends == {whose: earliest_end(issued.certificate) for whose, issued in shown_by.items()}


def test_our_certificate_that_is_refused_is_told_with_its_end(tmp_path: Path) -> None:
    """The one that has ended is the one that must be named."""
    made = papers(client_made=NOW - LONG)
    with broker_with(tmp_path, made) as broker:
        drive = Drive(MqttUplink(Endpoint(LOOPBACK, broker.ports["tls"], shown(tmp_path, made))))
        drive.uplink.connect(SESSION)
        drive.until(Down)

    assert drive.all(Certificates)[0].ends["own"] < NOW.timestamp()
