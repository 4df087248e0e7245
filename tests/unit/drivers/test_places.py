"""Of a camera's URL only a port and a path are taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.camera import Address
from drivers.places import Place, place_of

OURS = Address("192.168.1.9", 8080)


@pytest.mark.parametrize(
    ("url", "ports", "target"),
    [
        ("http://192.168.1.9/onvif/media", (80, 8080), "/onvif/media"),
        ("http://192.168.1.9:8999/onvif/media", (8999, 8080), "/onvif/media"),
        ("http://192.168.1.9:8106:8106/onvif/media", (8106, 8080), "/onvif/media"),
        ("http://10.0.0.4:81/onvif/media", (81, 8080), "/onvif/media"),
        ("http://cloud.example/snap?a=1&b=2", (8080, 80), "/snap?a=1&b=2"),
        ("http://127.0.0.1/x", (8080, 80), "/x"),
        ("http://admin:p@ss@192.168.1.9:8080/x", (8080,), "/x"),
        ("HTTP://192.168.1.9:8080", (8080,), "/"),
        ("http://192.168.1.9:99999/x", (80, 8080), "/x"),
        ("http://192.168.1.9:8080/a b".replace(" ", "%20"), (8080,), "/a%20b"),
        ("http://[fe80::1]:80/x", (8080, 80), "/x"),
        ("http://192.168.1.9:8080/gambar-\u00e9", (8080,), "/gambar-%C3%A9"),
    ],
)
def test_the_host_is_ours(url: str, ports: tuple[int, ...], target: str) -> None:
    assert place_of(url, OURS) == Place(ports, target)


@pytest.mark.parametrize(
    "url",
    [
        "(null)",
        "",
        "https://192.168.1.9/x",
        "rtsp://192.168.1.9/x",
        "http:///x",
        "file:///etc/passwd",
        "/x",
        "http://192.168.1.9/a\r\nX: y",
        "http://192.168.1.9/" + "a" * 600,
        "http://[::1/x",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_place(url: str) -> None:
    assert place_of(url, OURS) is None


@given(st.text(max_size=600), st.booleans())
def test_a_target_is_always_one_word_of_a_request_line(text: str, whole: bool) -> None:
    place = place_of(text if whole else f"http://{text}", OURS)
    if place is not None:
        assert place.target.startswith("/")
        assert place.target.isascii()
        assert place.target.isprintable()
        assert " " not in place.target
        assert all(0 < port < 65536 for port in place.ports)
        assert OURS.port in place.ports
