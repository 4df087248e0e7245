"""HTTP Digest against the vectors of RFC 7616, 3.9.1, and what is not answered."""

import hashlib

import pytest

from drivers.camera import Login
from drivers.digest import CHALLENGE_LIMIT, choose

MUFASA = Login("Mufasa", "Circle of Life")
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"


def asked(algorithm: str) -> str:
    return (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, nonce="{NONCE}", '
        f'opaque="{OPAQUE}"'
    )


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_vectors_of_the_standard(algorithm: str, response: str) -> None:
    challenge = choose([asked(algorithm)])
    assert challenge is not None
    answer = challenge.answer(MUFASA, "GET", "/dir/index.html", cnonce=CNONCE)
    assert f'response="{response}"' in answer
    assert f'opaque="{OPAQUE}"' in answer
    assert "nc=00000001" in answer


def test_without_qop_the_older_form_is_answered() -> None:
    challenge = choose(['digest REALM=k, nonce="n"'])
    assert challenge is not None
    first, second = (hashlib.md5(text).hexdigest() for text in (b"Mufasa:k:Circle of Life", b"GET:/"))
    due = hashlib.md5(f"{first}:n:{second}".encode()).hexdigest()
    answer = challenge.answer(MUFASA, "GET", "/")
    assert f'response="{due}"' in answer
    assert "cnonce" not in answer
    assert "algorithm" not in answer


def test_the_stronger_of_two_is_answered_whatever_their_order() -> None:
    for headers in ([asked("MD5"), asked("SHA-256")], [asked("SHA-256"), asked("MD5")]):
        chosen = choose(headers)
        assert chosen is not None
        assert chosen.algorithm == "SHA-256"


def test_of_two_challenges_in_one_header_the_first_counts() -> None:
    chosen = choose(['Digest realm="a", nonce="n1", qop="auth", Digest realm="b", nonce="n2"'])
    assert chosen is not None
    assert (chosen.realm, chosen.nonce) == ("a", "n1")


def test_an_empty_value_is_a_value() -> None:
    chosen = choose(['Digest realm=, nonce="n", opaque='])
    assert chosen is not None
    assert (chosen.realm, chosen.opaque) == ("", "")


def test_quotes_in_what_the_camera_says_do_not_leave_their_place() -> None:
    chosen = choose(['Digest realm="a\\" , uri=\\"/evil", nonce="n"'])
    assert chosen is not None
    assert 'realm="a\\" , uri=\\"/evil"' in chosen.answer(MUFASA, "GET", "/")


@pytest.mark.parametrize(
    "header",
    [
        'Basic realm="k"',
        'Basic realm="k", nonce="n"',
        "Negotiate",
        "",
        'Digest realm="k"',
        'Digest realm="k", nonce="n", algorithm=SHA-512-256',
        'Digest realm="k", nonce="n", qop="auth-int"',
        f'Digest realm="{"k" * CHALLENGE_LIMIT}", nonce="n"',
        'Digest realm="k\r\nX: y", nonce="n"',
        'Digest realm="\u00e9", nonce="n"',
        "Digest ,,,=,",
    ],
)
def test_what_is_not_answered(header: str) -> None:
    assert choose([header]) is None
