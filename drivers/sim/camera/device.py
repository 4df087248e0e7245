"""The device service (ONVIF ver10/device/wsdl), as far as a gateway asks for it."""

from collections.abc import Callable
from typing import Final

from drivers.sim.camera.soap import NOT_SUPPORTED, NS, Asked, Refused, escape
from drivers.sim.camera.spec import Quirk
from drivers.sim.camera.standing import EVENTS, MEDIA, MEDIA2, Standing

Operation = Callable[[Standing, Asked], str]

# Core, 5.12.1: access class PRE_AUTH
FOR_STRANGERS: Final = frozenset(
    {
        "tds:GetSystemDateAndTime",
        "tds:GetServices",
        "tds:GetCapabilities",
        "tds:GetServiceCapabilities",
        "tds:GetHostname",
    }
)
ALWAYS_FREE: Final = frozenset({"tds:GetSystemDateAndTime"})


def system_date_and_time(standing: Standing, asked: Asked) -> str:
    del asked
    now = standing.utc()
    when = (
        f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
        f"<tt:Second>{now.second}</tt:Second></tt:Time>"
        f"<tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
    )
    return (
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>WIB-7</tt:TZ></tt:TimeZone>"
        f"<tt:UTCDateTime>{when}</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def services(standing: Standing, asked: Asked) -> str:
    del asked
    if standing.spec.has(Quirk.NO_GET_SERVICES):
        raise Refused(NOT_SUPPORTED)
    rows = "".join(
        f"<tds:Service><tds:Namespace>{NS[prefix]}</tds:Namespace><tds:XAddr>{escape(standing.url(path))}</tds:XAddr>"
        f"<tds:Version><tt:Major>{major}</tt:Major><tt:Minor>{minor}</tt:Minor></tds:Version></tds:Service>"
        for prefix, path, major, minor in _offered(standing)
    )
    return f"<tds:GetServicesResponse>{rows}</tds:GetServicesResponse>"


def _offered(standing: Standing) -> list[tuple[str, str, int, int]]:
    rows = [("tds", standing.spec.device_path, 2, 60), ("trt", MEDIA, 2, 60)]
    if not standing.spec.has(Quirk.NO_MEDIA2):
        rows.append(("tr2", MEDIA2, 2, 60))
    if not standing.spec.has(Quirk.NO_EVENTS):
        rows.append(("tev", EVENTS, 2, 60))
    return rows


def capabilities(standing: Standing, asked: Asked) -> str:
    del asked
    events = (
        f"<tt:Events><tt:XAddr>{escape(standing.url(EVENTS))}</tt:XAddr>"
        "<tt:WSSubscriptionPolicySupport>true</tt:WSSubscriptionPolicySupport>"
        "<tt:WSPullPointSupport>true</tt:WSPullPointSupport>"
        "<tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport>"
        "</tt:Events>"
    )
    return (
        "<tds:GetCapabilitiesResponse><tds:Capabilities>"
        f"<tt:Device><tt:XAddr>{escape(standing.url(standing.spec.device_path))}</tt:XAddr></tt:Device>"
        f"{'' if standing.spec.has(Quirk.NO_EVENTS) else events}"
        f"<tt:Media><tt:XAddr>{escape(standing.url(MEDIA))}</tt:XAddr>"
        "<tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>true</tt:RTP_TCP>"
        "<tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities></tt:Media>"
        "</tds:Capabilities></tds:GetCapabilitiesResponse>"
    )


def service_capabilities(standing: Standing, asked: Asked) -> str:
    del asked
    digest = str(not standing.spec.has(Quirk.WSSE_ONLY)).lower()
    token = str(not standing.spec.has(Quirk.DIGEST_ONLY)).lower()
    return (
        "<tds:GetServiceCapabilitiesResponse><tds:Capabilities><tds:Network/>"
        f'<tds:Security UsernameToken="{token}" HttpDigest="{digest}"/>'
        "<tds:System/></tds:Capabilities></tds:GetServiceCapabilitiesResponse>"
    )


def device_information(standing: Standing, asked: Asked) -> str:
    del asked
    spec = standing.spec
    return (
        "<tds:GetDeviceInformationResponse>"
        f"<tds:Manufacturer>{escape(spec.manufacturer)}</tds:Manufacturer><tds:Model>{escape(spec.model)}</tds:Model>"
        f"<tds:FirmwareVersion>{escape(spec.firmware)}</tds:FirmwareVersion>"
        f"<tds:SerialNumber>{escape(spec.serial)}</tds:SerialNumber><tds:HardwareId>1.0</tds:HardwareId>"
        "</tds:GetDeviceInformationResponse>"
    )


def network_interfaces(standing: Standing, asked: Asked) -> str:
    del asked
    return (
        '<tds:GetNetworkInterfacesResponse><tds:NetworkInterfaces token="eth0"><tt:Enabled>true</tt:Enabled>'
        f"<tt:Info><tt:Name>eth0</tt:Name><tt:HwAddress>{standing.spec.mac}</tt:HwAddress><tt:MTU>1500</tt:MTU></tt:Info>"
        "<tt:IPv4><tt:Enabled>true</tt:Enabled><tt:Config><tt:Manual>"
        f"<tt:Address>{standing.host}</tt:Address><tt:PrefixLength>24</tt:PrefixLength></tt:Manual>"
        "<tt:DHCP>false</tt:DHCP></tt:Config></tt:IPv4></tds:NetworkInterfaces></tds:GetNetworkInterfacesResponse>"
    )


def hostname(standing: Standing, asked: Asked) -> str:
    del asked
    return (
        "<tds:GetHostnameResponse><tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP>"
        f"<tt:Name>kamera-{standing.spec.number}</tt:Name></tds:HostnameInformation></tds:GetHostnameResponse>"
    )


def scopes(standing: Standing, asked: Asked) -> str:
    del asked
    rows = "".join(
        f"<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>{scope}</tt:ScopeItem></tds:Scopes>"
        for scope in scopes_of(standing)
    )
    return f"<tds:GetScopesResponse>{rows}</tds:GetScopesResponse>"


def scopes_of(standing: Standing) -> list[str]:
    """Core, 7.3.2.2; the MAC scope is what many vendors add."""
    spec = standing.spec
    root = "onvif://www.onvif.org"
    return [
        f"{root}/type/video_encoder",
        f"{root}/Profile/Streaming",
        f"{root}/MAC/{spec.mac}",
        f"{root}/hardware/{spec.model}",
        f"{root}/name/{spec.manufacturer}%20{spec.model}",
        f"{root}/location/country/indonesia",
    ]


OPERATIONS: Final[dict[str, Operation]] = {
    "tds:GetSystemDateAndTime": system_date_and_time,
    "tds:GetServices": services,
    "tds:GetCapabilities": capabilities,
    "tds:GetServiceCapabilities": service_capabilities,
    "tds:GetDeviceInformation": device_information,
    "tds:GetNetworkInterfaces": network_interfaces,
    "tds:GetHostname": hostname,
    "tds:GetScopes": scopes,
}
