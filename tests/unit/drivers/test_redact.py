"""What is taken out of a text before anybody reads it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.redact import HIDDEN, redact

# What may stand unquoted in an address or a form without ending the value there
PASSWORDS = st.text(
    st.characters(max_codepoint=0x2FF, exclude_characters="\"'<>&\\", categories=("L", "N", "P", "S")),
    min_size=4,
    max_size=40,
)  # fmt: skip

FORMS = {
    "userinfo": "GET http://admin:{}@192.168.1.9/onvif/snapshot failed",
    "stream": "no frame from rtsp://admin:{}@192.168.1.9:554/Streaming/Channels/101 in time",
    "stream path": "rtsp://192.168.1.9:554/user=admin_password={}_channel=1_stream=0.sdp?real_stream",
    "query": "http://192.168.1.9/cgi-bin/snap.cgi?user=admin&password={}&channel=1",
    "short query": "/webcapture.jpg?usr=admin&pwd={}",
    "foscam": "/cgi-bin/CGIProxy.fcgi?cmd=snapPicture2&usr=admin&loginpas={}",
    "form": "username=admin&passwd={}",
    "json": '{{"user": "admin", "password": "{}"}}',
    "python": "{{'user': 'admin', 'password': '{}'}}",
    "wsse": "<wsse:Security><wsse:UsernameToken><wsse:Password Type='x'>{}</wsse:Password></wsse:UsernameToken>"
    "</wsse:Security>",
    "wsse alone": "sent <Password>{}</Password>",
    "wsse cut": "<s:Header><wsse:Security s:mustUnderstand='1'><wsse:Password>{}",
    "basic header": "Authorization: Basic {}",
    "digest header": 'authorization: Digest username="admin", response="{}"',
    "headers": "{{'Authorization': 'Digest username=\"admin\", response=\"{}\"', 'Host': 'x'}}",
    "digest alone": 'sent Digest username="admin", realm="k", response="{}"',
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(password=PASSWORDS)
def test_no_form_of_a_login_is_left(form: str, password: str) -> None:
    secret = f"kunci-{password}"
    assert secret not in redact(form.format(secret))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(password=PASSWORDS)
def test_what_was_redacted_stays_as_it_is(form: str, password: str) -> None:
    once = redact(form.format(password))
    assert redact(once) == once


@given(before=st.text(max_size=60), password=PASSWORDS, after=st.text(max_size=60))
def test_a_known_secret_is_found_anywhere(before: str, password: str, after: str) -> None:
    secret = f"kunci-{password}"
    assert secret not in redact(before + secret + after, [secret])


@pytest.mark.parametrize("spelt", ["kunci%20%2Frahasia", "kunci+%2Frahasia", "kunci%20/rahasia"])
def test_a_known_secret_is_found_in_an_address(spelt: str) -> None:
    assert redact(f"?x={spelt};", ["kunci /rahasia"]) == f"?x={HIDDEN};"


@pytest.mark.parametrize(
    "plain",
    [
        "WARNING camera lost  camera=gerbang cause=E-CAMERA-SLOW",
        "http://192.168.1.9:8080/onvif/device_service",
        'WWW-Authenticate: Basic realm="kamera"',
        "the camera refused the user name or the password",
        "<tt:Name>mainStream</tt:Name>",
        "3 users of 4, pass 2",
    ],
)
def test_what_is_no_secret_stays(plain: str) -> None:
    assert redact(plain) == plain


@pytest.mark.parametrize(
    "piece", ["://", "<Security", "<a:Password", "user=", '"password": "', "Authorization: ", "Basic ", "rtsp://", "\\"]
)
def test_a_strangers_text_takes_no_long_time(piece: str) -> None:
    text = piece * (256 * 1024 // len(piece))
    began = time.process_time()
    redact(text)
    assert time.process_time() - began < 5.0
