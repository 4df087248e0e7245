"""Every answer of the simulated camera holds against ONVIF's own schemas, and zeep reads it with `strict`."""

import importlib
import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from drivers.sim.camera import Quirk, SimCamera, SimCameras, Topic
from tests.camera_caller import NS, TARGETS, Caller, answers, probe
from tests.sim_cameras import specs

etree: Any = importlib.import_module("lxml.etree")  # neither has types
zeep: Any = importlib.import_module("zeep")
wsse: Any = importlib.import_module("zeep.wsse.username")

VECTORS: Final = Path(__file__).resolve().parents[1] / "vectors/onvif"
TOKEN: Final = "<ProfileToken>Profile_1</ProfileToken>"
SETUP: Final = (
    '<StreamSetup><Stream xmlns="http://www.onvif.org/ver10/schema">RTP-Unicast</Stream>'
    '<Transport xmlns="http://www.onvif.org/ver10/schema"><Protocol>RTSP</Protocol></Transport></StreamSetup>'
)
CALLS: Final = [
    ("tds:GetSystemDateAndTime", ""),
    ("tds:GetServices", "<IncludeCapability>false</IncludeCapability>"),
    ("tds:GetCapabilities", "<Category>All</Category>"),
    ("tds:GetServiceCapabilities", ""),
    ("tds:GetDeviceInformation", ""),
    ("tds:GetNetworkInterfaces", ""),
    ("tds:GetHostname", ""),
    ("tds:GetScopes", ""),
    ("trt:GetProfiles", ""),
    ("trt:GetVideoSources", ""),
    ("trt:GetSnapshotUri", TOKEN),
    ("trt:GetStreamUri", SETUP + TOKEN),
    ("tr2:GetProfiles", "<Type>All</Type>"),
    ("tr2:GetProfiles", ""),
    ("tr2:GetSnapshotUri", TOKEN),
    ("tr2:GetStreamUri", f"<Protocol>RTSP</Protocol>{TOKEN}"),
    ("tev:GetServiceCapabilities", ""),
    ("tev:GetEventProperties", ""),
    ("tev:CreatePullPointSubscription", "<InitialTerminationTime>PT60S</InitialTerminationTime>"),
]
SCHEMAS: Final = {
    "tds": "devicemgmt.wsdl",
    "trt": "media.wsdl",
    "tev": "events.wsdl",
    "wsnt": "events.wsdl",
    "tr2": "media2.xsd",
}
SOAP: Final = "{http://www.w3.org/2003/05/soap-envelope}"
SCHEMA: Final = "{http://www.w3.org/2001/XMLSchema}schema"
TT: Final = "{http://www.onvif.org/ver10/schema}"
# WS-Addressing of August 2004, as far as the discovery schema refers to it: it is not among the wheel's files
ADDRESSING: Final = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified"
  targetNamespace="http://schemas.xmlsoap.org/ws/2004/08/addressing">
  <xs:element name="EndpointReference"><xs:complexType><xs:sequence>
    <xs:element name="Address" type="xs:anyURI"/></xs:sequence></xs:complexType></xs:element></xs:schema>"""


def resolve(resolver: Any, url: str, public_id: str, context: Any) -> Any:
    """Schemas come from where onvif-zeep put them, and from our vectors; nothing is fetched."""
    if url.endswith("2004/08/addressing"):
        return resolver.resolve_string(ADDRESSING, context)
    return resolver.resolve_filename(str(shipped(url.rpartition("/")[2])), context)


SHIPPED: Final = type("Shipped", (etree.Resolver,), {"resolve": resolve})


@cache
def shipped(name: str) -> Path:
    own = VECTORS / name
    if own.exists():
        return own
    files = distribution("onvif-zeep").files or []
    return next(Path(str(file.locate())) for file in files if file.parts[-2:] == ("wsdl", name))


@cache
def schema(name: str) -> Any:
    """The schema that a file is, or holds."""
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(SHIPPED())
    root = etree.parse(str(shipped(name)), parser).getroot()
    inner = root if root.tag == SCHEMA else next(root.iter(SCHEMA))
    return etree.XMLSchema(etree.fromstring(etree.tostring(inner), parser, base_url=str(shipped(name))))


def answered(raw: bytes) -> Any:
    body = etree.fromstring(raw).find(f"{SOAP}Body")
    assert body is not None
    return body[0]


@pytest.fixture(scope="module")
def camera() -> Iterator[SimCamera]:
    with SimCameras(specs(1)) as town:
        yield town[0]


@pytest.fixture(scope="module")
def caller(camera: SimCamera) -> Caller:
    return Caller(camera.host)


@pytest.mark.parametrize(("operation", "inner"), CALLS)
def test_an_answer_is_valid(caller: Caller, operation: str, inner: str) -> None:
    answer = answered(caller.call(operation, inner, security=caller.token()).body)

    prefix, _, name = operation.partition(":")
    assert answer.tag == f"{{{NS[prefix]}}}{name}Response"
    schema(SCHEMAS[prefix]).assertValid(answer)


@pytest.mark.parametrize("quirk", [Quirk.HOST_OTHER, Quirk.HOST_CLOUD, Quirk.SNAPSHOT_NULL, Quirk.SNAPSHOT_RTSP])
def test_a_lying_answer_is_valid_all_the_same(quirk: Quirk) -> None:
    with SimCameras(specs(1, quirk)) as town:
        caller = Caller(town[0].host)
        for operation, inner in [("tds:GetServices", ""), ("trt:GetSnapshotUri", TOKEN)]:
            answer = answered(caller.call(operation, inner, security=caller.token()).body)
            schema(SCHEMAS[operation[:3]]).assertValid(answer)


def test_the_whole_life_of_a_subscription_is_valid(camera: SimCamera, caller: Caller) -> None:
    made = answered(caller.call("tev:CreatePullPointSubscription", security=caller.token()).body)
    target = re.sub(r"^http://[^/]+", "", made.findtext(".//{http://www.w3.org/2005/08/addressing}Address"))
    for topic in Topic:
        camera.happen(topic)

    for operation, inner, tag in [
        ("tev:SetSynchronizationPoint", "", "SetSynchronizationPointResponse"),
        ("tev:PullMessages", "<Timeout>PT1S</Timeout><MessageLimit>99</MessageLimit>", "PullMessagesResponse"),
        ("wsnt:Renew", "<TerminationTime>PT60S</TerminationTime>", "RenewResponse"),
        ("wsnt:Unsubscribe", "", "UnsubscribeResponse"),
    ]:
        answer = answered(caller.call(operation, inner, target=target, security=caller.token()).body)
        assert etree.QName(answer).localname == tag
        schema(SCHEMAS[operation.partition(":")[0]]).assertValid(answer)
        for message in answer.iter(f"{TT}Message"):
            schema("devicemgmt.wsdl").assertValid(message)


def test_the_schema_is_no_rubber_stamp(caller: Caller) -> None:
    answer = answered(caller.call("tds:GetDeviceInformation", security=caller.token()).body)
    answer.remove(answer[0])

    assert not schema("devicemgmt.wsdl").validate(answer)


def test_what_discovery_says_is_valid(camera: SimCamera) -> None:
    raw, _ = next(answers(probe("dn:NetworkVideoTransmitter"), (camera.host, 3702), within_s=5.0))

    schema("ws-discovery.xsd").assertValid(answered(raw))


@pytest.fixture(scope="module")
def services(camera: SimCamera) -> Iterator[dict[str, Any]]:
    """zeep as strict as it is; a proxy for each service of the camera."""
    spec = camera.spec
    with requests.Session() as session:
        session.headers["Connection"] = "close"
        transport = zeep.Transport(session=session)
        places = {
            "tds": ("devicemgmt.wsdl", "{http://www.onvif.org/ver10/device/wsdl}DeviceBinding"),
            "trt": ("media.wsdl", "{http://www.onvif.org/ver10/media/wsdl}MediaBinding"),
            "tev": ("events.wsdl", "{http://www.onvif.org/ver10/events/wsdl}EventBinding"),
        }
        yield {
            prefix: zeep.Client(
                str(shipped(name)),
                wsse=wsse.UsernameToken(spec.user, spec.password, use_digest=True, zulu_timestamp=True),
                transport=transport,
                settings=zeep.Settings(strict=True),
            ).create_service(binding, f"http://{spec.host}:{spec.port}{TARGETS[prefix]}")
            for prefix, (name, binding) in places.items()
        }


def test_zeep_reads_who_it_is(services: dict[str, Any], camera: SimCamera) -> None:
    said = services["tds"].GetDeviceInformation()

    assert (said.Model, said.SerialNumber) == (camera.spec.model, camera.spec.serial)
    assert services["tds"].GetNetworkInterfaces()[0].Info.HwAddress == camera.spec.mac


def test_zeep_reads_where_its_services_are(services: dict[str, Any], camera: SimCamera) -> None:
    offered = {said.Namespace: said.XAddr for said in services["tds"].GetServices(IncludeCapability=False)}

    assert set(offered) == {NS["tds"], NS["trt"], NS["tr2"], NS["tev"]}
    assert services["tds"].GetCapabilities(Category="All").Media.XAddr == offered[NS["trt"]]


def test_zeep_reads_its_profiles_and_where_its_pictures_are(services: dict[str, Any], camera: SimCamera) -> None:
    profiles = services["trt"].GetProfiles()

    sizes = [profile.VideoEncoderConfiguration.Resolution for profile in profiles]
    assert [(size.Width, size.Height) for size in sizes] == list(camera.spec.profiles)
    uri = services["trt"].GetSnapshotUri(ProfileToken=profiles[0].token).Uri
    assert uri.startswith(f"http://{camera.host}:8080/onvif/snapshot?")


def test_zeep_reads_a_fault_with_its_subcode(services: dict[str, Any]) -> None:
    with pytest.raises(zeep.exceptions.Fault) as caught:
        services["trt"].GetSnapshotUri(ProfileToken="none")

    assert [name.localname for name in caught.value.subcodes or []][-1] == "NoProfile"
