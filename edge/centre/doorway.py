"""`kentongan centre door`: a socket, TLS, and a server that a slow or endless client cannot hold."""

import asyncio
import logging
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from edge.centre.door import Door
from edge.centre.invited import Slot
from edge.centre.places import CentrePlaces
from edge.centre.store import note
from edge.enrol.forms import Request, fingerprint

CLIENTS_MAX: Final = 64
HEADERS_MAX: Final = 8 * 1024
IDLE_S: Final = 5
LIFE_S = 30.0  # of a connection: our boxes ask once and close; without it 64 silent ones would keep the door shut

_log = logging.getLogger("kentongan.centre.door")


class BriefVisit(H11Protocol):
    """One connection that ends after LIFE_S, whatever it has sent; uvicorn waits for a first request for ever."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._end = self.loop.call_later(LIFE_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end.cancel()
        super().connection_lost(exc)


def serve_door(
    places: CentrePlaces, store: Path | str, address: tuple[str, int], opened: Callable[[int], None]
) -> None:
    """Serve until SIGTERM or Ctrl-C. opened: told the port, when it listens.

    raises: OSError where the address is taken, or door.pem is missing
    """
    with socket.create_server(address, family=_family(address[0]), backlog=CLIENTS_MAX) as listening:
        files = places.certificates
        config = uvicorn.Config(
            Door(places, partial(_noted, store)).app(),
            ssl_certfile=files / "door.pem",
            ssl_keyfile=files / "door.key",
            http=BriefVisit,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CLIENTS_MAX,
            h11_max_incomplete_event_size=HEADERS_MAX,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=IDLE_S,
        )
        config.load()
        opened(int(listening.getsockname()[1]))
        uvicorn.Server(config).run(sockets=[listening])


def _noted(store: Path | str, request: Request, slot: Slot) -> None:
    about = {"site": request.site, "fingerprint": fingerprint(request.public), "invited": slot.terms.by}
    note(store, "request", request.box, "", {**about})
    _log.info("asks to be admitted  box=%s site=%s", request.box, request.site)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
