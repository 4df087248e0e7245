"""Where the centre connects to, and what it refuses to connect to."""

from pathlib import Path

import pytest

from edge.centre.places import CentrePlaces
from edge.centre.settings import CentreSettings, SettingsFault, endpoint_of, read_settings, write_settings


@pytest.fixture
def places(root: Path) -> CentrePlaces:
    return CentrePlaces(root)


def test_without_a_file_there_are_defaults(places: CentrePlaces) -> None:
    assert read_settings(places) == CentreSettings()


def test_what_is_written_is_read_again(places: CentrePlaces) -> None:
    settings = CentreSettings("mqtts://10.8.0.1:8884", 'Pusat "Kota" \\ Semarang')
    write_settings(places, settings)
    assert read_settings(places) == settings


@pytest.mark.parametrize("text", ["brokr = 'mqtts://h'", "broker = 8883", "broker =", "broker = '\udcff'"])
def test_a_file_that_says_something_else_is_refused(places: CentrePlaces, text: str) -> None:
    places.home.mkdir(parents=True)
    places.settings.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(SettingsFault, match=r"centre\.toml"):
        read_settings(places)


def test_tls_uses_the_centres_own_certificate(places: CentrePlaces) -> None:
    endpoint = endpoint_of(places, "mqtts://broker.example")
    assert (endpoint.host, endpoint.port) == ("broker.example", 8883)
    assert endpoint.tls is not None
    assert endpoint.tls.key == places.certificates / "centre.key"


@pytest.mark.parametrize("broker", ["mqtt://127.0.0.1:1884", "mqtt://localhost:1884", "mqtt://[::1]:1884"])
def test_plain_is_for_this_machine(places: CentrePlaces, broker: str) -> None:
    endpoint = endpoint_of(places, broker)
    assert (endpoint.port, endpoint.tls) == (1884, None)


@pytest.mark.parametrize(
    "broker",
    ["mqtt://10.8.0.1", "mqtt://localhost.example", "http://h", "h:8883", "mqtts://", "mqtts://h:x", "mqtts://me:pw@h"],
)
def test_anything_else_is_refused(places: CentrePlaces, broker: str) -> None:
    with pytest.raises(SettingsFault):
        endpoint_of(places, broker)
