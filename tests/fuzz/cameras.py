"""What a camera may answer: as it came, and as the content of an answer that looks right from outside."""

from contextlib import suppress
from typing import Final

from drivers.camera import SOAP_LIMIT, Address, CameraFault, Candidate, Login
from drivers.digest import choose
from drivers.lan import Answer, Ask, Deadline, Door, Lan
from drivers.nal import CODECS, Units
from drivers.onvif import OnvifCamera, OnvifCameras
from drivers.places import place_of
from drivers.pullpoint import happenings
from drivers.redact import redact
from drivers.rtsp import rtp_payload
from drivers.sdp import video_of
from drivers.snapshot import checked
from drivers.soap import read_envelope

ADDRESS: Final = Address("192.168.1.9", 8080)
ENVELOPE: Final = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema" '
    b'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl" '
    b'xmlns:tr2="http://www.onvif.org/ver20/media/wsdl" xmlns:tev="http://www.onvif.org/ver10/events/wsdl" '
    b'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"><s:Body>@</s:Body></s:Envelope>'
)
SERVICES: Final = ENVELOPE.replace(
    b"@",
    b"<tds:GetServicesResponse>"
    + b"".join(
        b"<tds:Service><tds:Namespace>http://www.onvif.org/%s/wsdl</tds:Namespace><tds:XAddr>http://192.168.1.9/x"
        b"</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>6</tt:Minor></tds:Version></tds:Service>" % name
        for name in (b"ver10/media", b"ver20/media", b"ver10/events")
    )
    + b"</tds:GetServicesResponse>",
)
WRAPPED: Final = (
    b"@",
    (
        b"<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>@</tds:SystemDateAndTime>"
        b"</tds:GetSystemDateAndTimeResponse>"
    ),
    b"<tds:GetServicesResponse>@</tds:GetServicesResponse>",
    b"<tds:GetDeviceInformationResponse>@</tds:GetDeviceInformationResponse>",
    b"<trt:GetProfilesResponse>@</trt:GetProfilesResponse>",
    b"<tr2:GetProfilesResponse>@</tr2:GetProfilesResponse>",
    b"<s:Fault>@</s:Fault>",
)
CAMERAS: Final = OnvifCameras()


class _Parrot(Lan):
    """Answers everything with the same bytes, but the list of services, if it is told to."""

    def __init__(self, raw: bytes, services: bytes) -> None:
        super().__init__(ADDRESS)
        self._raw, self._services = raw, services

    def ask(self, ask: Ask, until: Deadline) -> Answer:
        raw = self._services if b"GetServices" in ask.body else self._raw
        return Answer(200, "application/soap+xml", raw)


def answers(raw: bytes) -> None:
    """Every question that a camera is asked, answered with this."""
    for wrapped in WRAPPED:
        answer = ENVELOPE.replace(b"@", wrapped.replace(b"@", raw))
        for whole in (raw, answer):
            camera = CAMERAS.open(Candidate(ADDRESS), Login("admin", "kunci-kamera"))
            _interrogate(camera, _Parrot(whole, SERVICES if len(raw) % 2 else whole))


def _interrogate(camera: OnvifCamera, parrot: Lan) -> None:
    camera._dialogue.lan = camera._dialogue._bridge._lan = parrot
    camera._known.ahead_ns, camera._door = 0, Door()
    for ask in (camera.clock_offset_s, camera.interrogate):
        with suppress(CameraFault):
            ask()


def messages(raw: bytes) -> None:
    for wrapped in (
        b"@",
        b"<tev:PullMessagesResponse>@</tev:PullMessagesResponse>",
        (
            b"<tev:PullMessagesResponse><wsnt:NotificationMessage><wsnt:Topic>tns1:VideoSource/MotionAlarm</wsnt:Topic>"
            b"<wsnt:Message><tt:Message>@</tt:Message></wsnt:Message></wsnt:NotificationMessage></tev:PullMessagesResponse>"
        ),
    ):
        with suppress(CameraFault):
            assert all(len(source) <= 64 for _, _, source in happenings(read_envelope(_enveloped(wrapped, raw))))


def _enveloped(wrapped: bytes, raw: bytes) -> bytes:
    return ENVELOPE.replace(b"@", wrapped.replace(b"@", raw[:SOAP_LIMIT]))


def words(raw: bytes) -> None:
    """Addresses, challenges, pictures, and what is redacted."""
    text = raw.decode("latin-1")
    for url in (text, f"http://{text}"):
        place = place_of(url, ADDRESS)
        assert place is None or " " not in place.target
    for header in (text, f"Digest {text}", f'Digest nonce="n", {text}'):
        challenge = choose([header])
        if challenge is not None:
            assert "\n" not in challenge.answer(Login("admin", "kunci-kamera"), "GET", "/")
    with suppress(CameraFault):
        checked(raw)
    assert redact(redact(text)) == redact(text)


def streams(raw: bytes) -> None:
    """A session description, and packets as they come."""
    for text in (raw, b"m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n" + raw):
        with suppress(CameraFault):
            video_of(text)
    packets = [rtp_payload(part) for part in (raw, b"\x80\x60" + bytes(10) + raw)]
    for kind in CODECS.values():
        units = Units(kind, [raw])
        for number, payload in enumerate((*packets, raw, *raw.split(b"\0"))):
            units.add(payload, last=bool(number % 2), at=bytes([number % 3]))
