"""A key frame of a stream, and a picture of it where ffmpeg is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from drivers.camera import Address, Candidate, Hostile, Login, NoPicture, NotOffered, Slow, Unreachable, WrongPassword
from drivers.develop import developed
from drivers.lan import Lan, within
from drivers.nal import Codec
from drivers.onvif import OnvifCamera, OnvifCameras
from drivers.rtsp import KeyFrame, key_frame, stream_place
from drivers.sim.camera import Quirk, SimCameras
from drivers.snapshot import checked
from tests.contract.raw_peer import RawPeer, Talk, dripping, pouring, saying
from tests.contract.rtsp_peer import RtspPeer, units
from tests.sim_cameras import specs

CANARY = "kunci-kenari-7f3a"
SPS, PPS, IDR, NEXT = b"\x67set", b"\x68pic", b"\x65" + bytes(range(256)) * 30, b"\x41more"
START = b"\0\0\0\1"
WHOLE = START + SPS + START + PPS + START + IDR


def frame_of(
    peer: RtspPeer | RawPeer, uri: str = "/stream/1", password: str = CANARY, within_s: float = 2.0
) -> KeyFrame:
    lan = Lan(Address("127.0.0.1", 8080), Login("admin", password))
    return key_frame(lan, stream_place(f"rtsp://10.0.0.1:{peer.port}{uri}", lan), within(within_s))


@pytest.mark.parametrize(
    "pictures", [[[SPS, PPS, IDR]], [[NEXT], [NEXT], [SPS, PPS, IDR], [NEXT]], [[SPS], [PPS, IDR]]]
)
def test_the_first_key_frame_comes_whole_with_its_parameters(pictures: list[list[bytes]]) -> None:
    with RtspPeer(CANARY, pictures) as peer:
        frame = frame_of(peer)
    assert (frame.codec, frame.raw) == (Codec.H264, WHOLE)
    assert peer.proofs == [False, True, True, True]
    assert CANARY not in "".join(peer.asked)


def test_parameters_that_were_told_ahead_are_used() -> None:
    with RtspPeer(CANARY, [[IDR], [NEXT]], sets=[SPS, PPS]) as peer:
        assert frame_of(peer).raw == WHOLE


@pytest.mark.parametrize("control", ["trackID=0", "rtsp://evil.example:554/stream/1/trackID=0", "*"])
def test_only_the_path_of_a_track_is_taken(control: str) -> None:
    with RtspPeer(CANARY, [[SPS, PPS, IDR]], control=control) as peer:
        port = peer.port
        frame_of(peer)
    (setup,) = (asked for asked in peer.asked if asked.startswith("SETUP"))
    assert setup.startswith(f"SETUP rtsp://127.0.0.1:{port}/stream/1")


def test_a_wrong_password_is_sent_once() -> None:
    with RtspPeer(CANARY, [[SPS, PPS, IDR]]) as peer:
        lan = Lan(Address("127.0.0.1", 8080), Login("admin", "another"))
        for _ in range(2):
            with pytest.raises(WrongPassword):
                key_frame(lan, stream_place(f"rtsp://10.0.0.1:{peer.port}/", lan), within(2.0))
    assert peer.proofs == [False, True, False]


def test_basic_is_not_answered() -> None:
    with RtspPeer(CANARY, [], challenge='Basic realm="k"') as peer, pytest.raises(NotOffered, match="in the clear"):
        frame_of(peer)
    assert peer.proofs == [False]


@pytest.mark.parametrize(
    "target", ["/user=admin&password=kunci&channel=1", "/user=admin_password=x_channel=1.sdp", "/s?usr=a&pwd=b"]
)
def test_an_address_with_a_login_in_it_is_not_used(target: str) -> None:
    lan = Lan(Address("127.0.0.1", 8080))
    with pytest.raises(NotOffered, match="in the clear"):
        stream_place(f"rtsp://127.0.0.1:554{target}", lan)


@pytest.mark.parametrize("codec", ["MP4V-ES", "JPEG"])
def test_a_stream_that_we_cannot_read_is_said(codec: str) -> None:
    with RtspPeer(CANARY, [], codec=codec) as peer, pytest.raises(NotOffered, match="none that we can read"):
        frame_of(peer)


@pytest.mark.parametrize(
    ("talk", "fault"),
    [
        (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), NotOffered),
        (saying(b""), Unreachable),
        (saying(b"RTSP/1.0 200 OK\r\nContent-Length: 300000000\r\n\r\n"), Hostile),
        (saying(b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n"), Hostile),
        (saying(b"RTSP/1.0 200 OK\r\nContent-Length: 900\r\n\r\nhalf"), Unreachable),
        (saying(b"RTSP/1.0 404 Not Found\r\n\r\n"), NotOffered),
        (pouring(b"RTSP/1.0 200 OK\r\n", b"X: x\r\n"), Hostile),
        (pouring(b"", b"x" * 65536), Hostile),
        (pouring(b"", b"$\0\xff\xff" + b"x" * 65535), Hostile),
        (dripping(b"", b"R"), Slow),
        (dripping(b"RTSP/1.0 200 OK\r\nX: ", b"x"), Slow),
    ],
)
def test_a_peer_that_is_no_stream_has_its_name(talk: Talk, fault: type[Exception]) -> None:
    with RawPeer(talk) as peer, pytest.raises(fault):
        frame_of(peer, within_s=0.5 if fault is Slow else 3.0)


def test_a_stream_without_a_key_frame_ends_at_the_deadline_or_with_it() -> None:
    with RtspPeer(CANARY, [[NEXT]] * 20) as peer, pytest.raises((Slow, Unreachable)):
        frame_of(peer, within_s=0.5)


def encoded_picture() -> list[bytes]:
    """Units of one H.264 key frame."""
    command = ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=15", "-frames:v", "1"]
    command += ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-f", "h264", "pipe:1"]
    encoded = subprocess.run(command, capture_output=True, check=True).stdout
    return [unit for unit in units(encoded) if unit[0] & 31 != 6]


FFMPEG = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg, which a box has only if asked")


@FFMPEG
@pytest.mark.parametrize(("encoder", "codec"), [("libx264", "H264"), ("libx265", "H265")])
def test_a_picture_is_made_of_it(encoder: str, codec: str) -> None:
    kind = Codec.H264 if codec == "H264" else Codec.H265
    command = ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=15", "-frames:v", "1"]
    encoded = subprocess.run(
        [*command, "-c:v", encoder, "-pix_fmt", "yuv420p", "-f", kind, "pipe:1"], capture_output=True, check=True
    ).stdout
    frame = KeyFrame(kind, encoded)
    if codec == "H264":
        with RtspPeer(CANARY, [[unit for unit in units(encoded) if unit[0] & 31 != 6]]) as peer:
            frame = frame_of(peer)
    picture = developed(frame, 200_000, within(10.0))
    assert len(checked(picture)) > 5_000
    assert len(developed(frame, len(picture) - 1, within(10.0))) < len(picture)


@FFMPEG
def test_nonsense_gives_no_picture() -> None:
    with pytest.raises(NoPicture):
        developed(KeyFrame(Codec.H264, b"\0\0\0\1nonsense" * 50), 200_000, within(5.0))


def test_without_ffmpeg_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotOffered, match="ffmpeg is not installed"):
        developed(KeyFrame(Codec.H264, WHOLE), 200_000, within(5.0))


@FFMPEG
def test_a_camera_without_a_picture_gives_one_of_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    (spec,) = specs(1, Quirk.SNAPSHOT_NONE)
    with SimCameras([spec]) as town, RtspPeer(CANARY, [encoded_picture()], host=spec.host) as peer:
        town[0].password = CANARY
        uri = f"rtsp://10.0.0.1:{peer.port}/stream/1"
        monkeypatch.setattr(OnvifCamera, "stream_uri", lambda *_: uri)
        with OnvifCameras().open(Candidate(Address(town[0].host, town[0].port)), Login("admin", CANARY)) as ours:
            ours.interrogate()
            assert len(checked(ours.photograph(200_000))) > 5_000
    assert CANARY not in "".join(peer.asked)


def test_nothing_of_a_login_and_nothing_of_ours_reaches_ffmpeg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text(
        '#!/bin/sh\ncat > /dev/null; echo "$@"; env; (echo x > "$0.written") 2> /dev/null || echo no file\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("KEEPSAKE", CANARY)
    with RtspPeer(CANARY, [[SPS, PPS, IDR]]) as peer:
        told = developed(frame_of(peer), 200_000, within(5.0)).decode()
    assert "-protocol_whitelist pipe" in told
    assert "no file" in told
    assert CANARY not in told
    assert "rtsp" not in told
