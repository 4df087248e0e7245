"""What the relay makes of its configuration and its surroundings before anything is opened."""

from pathlib import Path

import pytest

from drivers.dial import Endpoint
from drivers.failover import Failover
from drivers.mqtt import MqttUplink
from edge.config.model import Uplink
from edge.config.places import Places
from edge.core.words import SECOND_NS
from edge.daemons.relay.compose import endpoints_of, uplink_of, waits_first

PLACES = Places(Path("/box"))
JUST_ON_NS = 30 * SECOND_NS
LONG_ON_NS = 3600 * SECOND_NS


def test_the_tls_files_lie_where_wiring_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)

    (endpoint,) = endpoints_of(PLACES, Uplink(host="broker.example", port=8883))

    assert endpoint.tls is not None
    assert endpoint.tls.authority == PLACES.trust / "broker-ca.pem"
    assert (endpoint.tls.certificate, endpoint.tls.key) == (PLACES.secrets / "tls.pem", PLACES.secrets / "tls.key")


def test_a_credential_of_systemd_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tls.key").write_bytes(b"key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    (endpoint,) = endpoints_of(PLACES, Uplink(host="broker.example", port=8883))

    assert endpoint.tls is not None
    assert (endpoint.tls.certificate, endpoint.tls.key) == (PLACES.secrets / "tls.pem", tmp_path / "tls.key")


def test_without_tls_there_are_no_files() -> None:
    assert endpoints_of(PLACES, Uplink(host="127.0.0.1", port=1883, tls=False)) == [Endpoint("127.0.0.1", 1883)]


def test_a_second_broker_stands_behind_the_first_and_shows_its_own_name() -> None:
    configured = Uplink(host="a.example", second_host="b.example", second_port=8884)

    first, second = endpoints_of(PLACES, configured)

    assert (str(first), str(second)) == ("a.example:8883", "b.example:8884")
    assert first.tls == second.tls
    assert isinstance(uplink_of(PLACES, configured), Failover)
    assert isinstance(uplink_of(PLACES, Uplink(host="a.example")), MqttUplink)


@pytest.mark.parametrize(
    ("host", "now_ns", "waits"),
    [
        ("broker.example", JUST_ON_NS, True),  # a whole kelurahan got its power back
        ("10.8.0.1", JUST_ON_NS, True),
        ("broker.example", LONG_ON_NS, False),  # only the relay was restarted
        ("127.0.0.1", JUST_ON_NS, False),
        ("localhost", JUST_ON_NS, False),
        ("::1", JUST_ON_NS, False),
    ],
)
def test_only_a_box_that_comes_with_the_power_waits_its_turn(host: str, now_ns: int, *, waits: bool) -> None:
    assert waits_first(Uplink(host=host), now_ns) is waits
