"""The centre's side of an enrolment: a request is judged by a person and answered by the root."""

from collections.abc import Iterator

import msgspec

from edge.centre.authority import Authority
from edge.centre.places import CentrePlaces, write_whole
from edge.centre.registry import admitted
from edge.centre.trust import open_keyset
from edge.core.words import BoxId, SiteId
from edge.enrol.forms import Request


def residents(places: CentrePlaces, site: SiteId, *, but: BoxId) -> list[BoxId]:
    """Boxes that speak for this site now, apart from the one that asks. Raises AuthorityMissing, Forged."""
    revoked = open_keyset(places).revoked
    there = admitted(places.boxes, places.root_public.read_bytes())
    return [each.box for each in there if each.site == site and each.box not in {*revoked, but}]


def approve(authority: Authority, places: CentrePlaces, request: Request, *, replacing: bool = False) -> bytes:
    """Admit a box and return the answer that it takes home. Doing it again does no harm.

    replacing: it gets the newest site.toml that a box of this site has left here, unless it brings its own
    raises:    NotAdmissible, RequestRefused; Forged for a copy that is not sealed for our escrow key
    """
    answer = authority.admit(request.box, request.site, public=request.public, request=request.request)
    copy = request.config
    if not copy and replacing and (left := _left_at(places, request)):
        copy = left
        answer = msgspec.structs.replace(answer, config=authority.resealed(copy, request.public))
    if copy:
        write_whole(places.copy(request.box), copy, mode=0o600)
    return authority.signed(answer)


def retire(authority: Authority, places: CentrePlaces, request: Request) -> list[BoxId]:
    """Revoke every box at this site but the one that asks; all that ever were there are returned."""
    for box in residents(places, request.site, but=request.box):
        authority.revoke(box)
    return list(_before(places, request))


def _left_at(places: CentrePlaces, request: Request) -> bytes:
    """The newest copy of a site.toml that others at this site have left; b"": none did."""
    copies = [path for box in _before(places, request) if (path := places.copy(box)).exists()]
    return max(copies, key=lambda path: path.stat().st_mtime_ns).read_bytes() if copies else b""


def _before(places: CentrePlaces, request: Request) -> Iterator[BoxId]:
    for each in admitted(places.boxes, places.root_public.read_bytes()):
        if each.site == request.site and each.box != request.box:
            yield each.box
