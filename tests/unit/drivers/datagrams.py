"""Hello and Bye, as a camera says them unasked."""

SAID = (
    '<?xml version="1.0" encoding="utf-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Header><w:MessageID>uuid:1</w:MessageID>'
    "<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/{what}</w:Action></e:Header><e:Body><d:{what}>"
    "<w:EndpointReference><w:Address>{epr}</w:Address></w:EndpointReference>{more}</d:{what}></e:Body></e:Envelope>"
)


def hello(epr: str, xaddrs: str = "http://192.168.1.9/onvif/device_service") -> bytes:
    return SAID.format(what="Hello", epr=epr, more=f"<d:XAddrs>{xaddrs}</d:XAddrs>").encode()


def bye(epr: str) -> bytes:
    return SAID.format(what="Bye", epr=epr, more="").encode()
