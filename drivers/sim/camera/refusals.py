"""How cameras of different makers say no."""

from dataclasses import replace
from typing import Final

from drivers.sim.camera.soap import Fault, envelope, escape, fault
from drivers.sim.camera.spec import Quirk, Spec
from drivers.sim.camera.web import Reply

PAGE: Final = b"<!DOCTYPE html><html><head><title>Document Error: Unauthorized</title></head><body/></html>"
HIKVISION_NS: Final = "http://www.hikvision.com/ver20/error"


def refused(spec: Spec, refusal: Fault, challenges: tuple[tuple[str, str], ...], *, locked: bool = False) -> Reply:
    """A refusal in the camera's own dialect; `locked` where it refuses every login for now."""
    login = "ter:NotAuthorized" in refusal.subcodes
    if spec.has(Quirk.FAULT_BARE) and login:
        return Reply(401, PAGE, "text/html", headers=challenges)
    if spec.has(Quirk.FAULT_HIKVISION) and login:
        return Reply(refusal.status, _hikvision(locked=locked), headers=challenges)
    if spec.has(Quirk.FAULT_500):
        return Reply(500, _other_prefixes(refusal), headers=challenges)
    if locked:
        refusal = replace(refusal, text="Sender not authorized: locked")
    return Reply(refusal.status, fault(refusal), headers=challenges)


def _hikvision(*, locked: bool) -> bytes:
    """wsse:FailedAuthentication inside of ter:NotAuthorized; locked is told in a Detail of its own."""
    text = "The action requested requires authorization and the sender is not authorized"
    detail = (
        f'<s:Detail><hik:Status xmlns:hik="{HIKVISION_NS}"><hik:SubStatusCode>illegalLoginLock</hik:SubStatusCode>'
        "<hik:UnlockTime>1800</hik:UnlockTime></hik:Status></s:Detail>"
    )
    return envelope(
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value>"
        "<s:Subcode><s:Value>wsse:FailedAuthentication</s:Value></s:Subcode></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{text}</s:Text></s:Reason>{detail if locked else ""}</s:Fault>'
    )


def _other_prefixes(refusal: Fault) -> bytes:
    """The same meaning, spelt as gSOAP does: other prefixes, a node, two languages, CDATA."""
    inner = ""
    for subcode in reversed(refusal.subcodes):
        inner = f"<SOAP-ENV:Subcode><SOAP-ENV:Value>{subcode}</SOAP-ENV:Value>{inner}</SOAP-ENV:Subcode>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:ter="http://www.onvif.org/ver10/error" xmlns:wsntw="http://docs.oasis-open.org/wsn/bw-2" '
        'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:wsa="http://www.w3.org/2005/08/addressing">'
        f"<SOAP-ENV:Body><SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:{refusal.code}</SOAP-ENV:Value>{inner}"
        f'</SOAP-ENV:Code><SOAP-ENV:Reason><SOAP-ENV:Text xml:lang="zh"><![CDATA[错误]]></SOAP-ENV:Text>'
        f'<SOAP-ENV:Text xml:lang="en">{escape(refusal.text)}</SOAP-ENV:Text></SOAP-ENV:Reason>'
        "<SOAP-ENV:Node>http://www.w3.org/2003/05/soap-envelope/node/ultimateReceiver</SOAP-ENV:Node>"
        "</SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    ).encode()
