"""Where a camera stands: its address, what it says of its address, and its clock."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from drivers.sim.camera.spec import CLOUD_HOST, ELSEWHERE_HOST, Quirk, Spec

HOURS_OFF: Final = 7 * 3600.0  # Asia/Jakarta

MEDIA: Final = "/onvif/media_service"
MEDIA2: Final = "/onvif/media2_service"
EVENTS: Final = "/onvif/event_service"
SNAPSHOT: Final = "/onvif/snapshot"
SUBSCRIPTION: Final = "/onvif/subscription"


SERVICES: Final = {"trt": MEDIA, "tr2": MEDIA2, "tev": EVENTS, "wsnt": SUBSCRIPTION}
OF_SUBSCRIPTIONS: Final = frozenset({"tev:PullMessages", "tev:SetSynchronizationPoint"})


@dataclass(slots=True)
class Standing:
    """host: changes when the camera moves; started: CLOCK_MONOTONIC seconds."""

    spec: Spec
    host: str
    started: float

    @property
    def authority(self) -> str:
        """Host and port as it tells them."""
        port = self.spec.port
        if self.spec.has(Quirk.HOST_OTHER):
            return f"{ELSEWHERE_HOST}:{port}"
        if self.spec.has(Quirk.HOST_LOOPBACK):
            return f"127.0.0.1:{port}"
        if self.spec.has(Quirk.HOST_CLOUD):
            return CLOUD_HOST
        if self.spec.has(Quirk.HOST_PORT_TWICE):
            return f"{self.host}:{port}:{port}"
        return f"{self.host}:{port}"

    def serves(self, operation: str, path: str) -> bool:
        """Whether an operation is offered under this path; one that we do not know is, to be refused there."""
        prefix = operation.partition(":")[0]
        place = SUBSCRIPTION if operation in OF_SUBSCRIPTIONS else SERVICES.get(prefix, self.spec.device_path)
        return path == place or prefix == "?"

    def url(self, path: str) -> str:
        return f"http://{self.authority}{path}"

    def stream(self, token: str) -> str:
        host = self.authority.partition(":")[0]
        return f"rtsp://{host}:554/stream/{token}"

    def utc(self) -> datetime:
        """The camera's own clock, right or wrong."""
        if self.spec.has(Quirk.CLOCK_1970):
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time.monotonic() - self.started)
        off = self.spec.clock_off_s + (HOURS_OFF if self.spec.has(Quirk.CLOCK_HOURS) else 0.0)
        return datetime.now(UTC) + timedelta(seconds=off)
