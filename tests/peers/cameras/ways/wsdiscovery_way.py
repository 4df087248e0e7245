"""WSDiscovery as its README uses it ("readme"), and as Home Assistant's onvif integration calls it."""

import importlib
import json
import sys
import time
from typing import Any

HOME_ASSISTANT_SCOPE = "onvif://www.onvif.org/Profile/Streaming"  # homeassistant/components/onvif/config_flow.py


def main(way: str) -> None:
    discovery: Any = importlib.import_module("wsdiscovery.discovery")
    scope: Any = importlib.import_module("wsdiscovery").Scope
    began = time.monotonic()
    wsd = discovery.ThreadedWSDiscovery() if way == "readme" else discovery.ThreadedWSDiscovery(ttl=4)
    wsd.start()
    services = wsd.searchServices() if way == "readme" else wsd.searchServices(scopes=[scope(HOME_ASSISTANT_SCOPE)])
    seconds = time.monotonic() - began
    wsd.stop()
    places = [service.getXAddrs() for service in services]
    hosts = sorted(addresses[0].split("/")[2].split(":")[0] for addresses in places if addresses)
    print(json.dumps({"found": hosts, "seconds": seconds}))


if __name__ == "__main__":
    main(sys.argv[1])
