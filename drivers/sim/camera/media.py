"""The two media services (ONVIF ver10/media and ver20/media), as far as a gateway asks for them."""

from collections.abc import Iterator
from typing import Final

from drivers.sim.camera.device import Operation
from drivers.sim.camera.soap import NO_PROFILE, NOT_SUPPORTED, Asked, Refused, escape
from drivers.sim.camera.spec import Quirk
from drivers.sim.camera.standing import SNAPSHOT, Standing

SOURCE: Final = "VideoSource_1"
LARGEST: Final = 0
MULTICAST: Final = (
    "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
    "<tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
)


def tokens(standing: Standing) -> list[str]:
    return [f"Profile_{number}" for number in range(1, len(standing.spec.profiles) + 1)]


def profiles(standing: Standing, asked: Asked) -> str:
    del asked
    rows = "".join(
        f'<trt:Profiles token="{token}" fixed="true"><tt:Name>{name}</tt:Name>'
        f'<tt:VideoSourceConfiguration token="VSC_1">{_source(standing)}</tt:VideoSourceConfiguration>'
        f'<tt:VideoEncoderConfiguration token="VEC_{token}">{_encoder(name, width, height)}'
        "</tt:VideoEncoderConfiguration></trt:Profiles>"
        for token, name, width, height in _profiles(standing)
    )
    return f"<trt:GetProfilesResponse>{rows}</trt:GetProfilesResponse>"


def _profiles(standing: Standing) -> Iterator[tuple[str, str, int, int]]:
    """Token, name, width, height."""
    for place, (token, (width, height)) in enumerate(zip(tokens(standing), standing.spec.profiles, strict=True)):
        yield token, ("mainStream" if place == LARGEST else "subStream"), width, height


def _source(standing: Standing) -> str:
    width, height = standing.spec.profiles[LARGEST]
    return (
        f"<tt:Name>VSC_1</tt:Name><tt:UseCount>2</tt:UseCount><tt:SourceToken>{SOURCE}</tt:SourceToken>"
        f'<tt:Bounds x="0" y="0" width="{width}" height="{height}"/>'
    )


def _encoder(name: str, width: int, height: int) -> str:
    return (
        f"<tt:Name>VEC_{name}</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>"
        f"<tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution>"
        "<tt:Quality>4</tt:Quality><tt:RateControl><tt:FrameRateLimit>15</tt:FrameRateLimit>"
        "<tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>2048</tt:BitrateLimit></tt:RateControl>"
        "<tt:H264><tt:GovLength>30</tt:GovLength><tt:H264Profile>Main</tt:H264Profile></tt:H264>"
        f"{MULTICAST}<tt:SessionTimeout>PT60S</tt:SessionTimeout>"
    )


def video_sources(standing: Standing, asked: Asked) -> str:
    del asked
    width, height = standing.spec.profiles[LARGEST]
    return (
        f'<trt:GetVideoSourcesResponse><trt:VideoSources token="{SOURCE}"><tt:Framerate>15</tt:Framerate>'
        f"<tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution>"
        "</trt:VideoSources></trt:GetVideoSourcesResponse>"
    )


def snapshot_uri(standing: Standing, asked: Asked) -> str:
    uri = _snapshot(standing, _token(standing, asked, "trt"))
    return f"<trt:GetSnapshotUriResponse>{_media_uri(uri)}</trt:GetSnapshotUriResponse>"


def stream_uri(standing: Standing, asked: Asked) -> str:
    uri = standing.stream(_token(standing, asked, "trt"))
    return f"<trt:GetStreamUriResponse>{_media_uri(uri)}</trt:GetStreamUriResponse>"


def _media_uri(uri: str) -> str:
    return (
        f"<trt:MediaUri><tt:Uri>{escape(uri)}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>"
        "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>"
    )


def _token(standing: Standing, asked: Asked, prefix: str) -> str:
    token = asked.text(f"{prefix}:ProfileToken")
    if token not in tokens(standing):
        raise Refused(NO_PROFILE)
    return token


def _snapshot(standing: Standing, token: str) -> str:
    spec = standing.spec
    if spec.has(Quirk.SNAPSHOT_NONE):
        raise Refused(NOT_SUPPORTED)
    if spec.has(Quirk.SNAPSHOT_NULL):
        return "(null)"
    if spec.has(Quirk.SNAPSHOT_RTSP):
        login = f"user={spec.user}&password={spec.password}"
        return f"rtsp://{standing.host}:554/{login}&channel=1&stream=0.sdp?real_stream"
    return standing.url(f"{SNAPSHOT}?profile={token}&channel=1")


def profiles2(standing: Standing, asked: Asked) -> str:
    """Configurations come only for the types that were asked for (Media 2, 5.2.3)."""
    wanted = {element.text for element in asked.body if element.tag.endswith("}Type")}
    rows = "".join(
        f'<tr2:Profiles token="{token}" fixed="true"><tr2:Name>{name}</tr2:Name>'
        f"{_configurations(standing, wanted, name, (width, height))}</tr2:Profiles>"
        for token, name, width, height in _profiles(standing)
    )
    return f"<tr2:GetProfilesResponse>{rows}</tr2:GetProfilesResponse>"


def _configurations(standing: Standing, wanted: set[str | None], name: str, size: tuple[int, int]) -> str:
    source = f'<tr2:VideoSource token="VSC_1">{_source(standing)}</tr2:VideoSource>'
    encoder = (
        f'<tr2:VideoEncoder token="VEC_{name}" GovLength="30" Profile="Main"><tt:Name>VEC_{name}</tt:Name>'
        "<tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>"
        f"<tt:Resolution><tt:Width>{size[0]}</tt:Width><tt:Height>{size[1]}</tt:Height></tt:Resolution>"
        '<tt:RateControl ConstantBitRate="false"><tt:FrameRateLimit>15</tt:FrameRateLimit>'
        "<tt:BitrateLimit>2048</tt:BitrateLimit></tt:RateControl><tt:Quality>4</tt:Quality></tr2:VideoEncoder>"
    )
    kept = [(source, {"All", "VideoSource"}), (encoder, {"All", "VideoEncoder"})]
    rows = "".join(xml for xml, names in kept if wanted & names)
    return f"<tr2:Configurations>{rows}</tr2:Configurations>" if rows else ""


def snapshot_uri2(standing: Standing, asked: Asked) -> str:
    uri = _snapshot(standing, _token(standing, asked, "tr2"))
    return f"<tr2:GetSnapshotUriResponse><tr2:Uri>{escape(uri)}</tr2:Uri></tr2:GetSnapshotUriResponse>"


def stream_uri2(standing: Standing, asked: Asked) -> str:
    uri = standing.stream(_token(standing, asked, "tr2"))
    return f"<tr2:GetStreamUriResponse><tr2:Uri>{escape(uri)}</tr2:Uri></tr2:GetStreamUriResponse>"


OPERATIONS: Final[dict[str, Operation]] = {
    "trt:GetProfiles": profiles,
    "trt:GetVideoSources": video_sources,
    "trt:GetSnapshotUri": snapshot_uri,
    "trt:GetStreamUri": stream_uri,
    "tr2:GetProfiles": profiles2,
    "tr2:GetSnapshotUri": snapshot_uri2,
    "tr2:GetStreamUri": stream_uri2,
}
