"""The centre's side of an enrolment: a request is judged by a person and answered by the root."""

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


def approve(authority: Authority, places: CentrePlaces, request: Request, before: BoxId | None = None) -> bytes:
    """Admit a box and return the answer that it takes home.

    before: the box that it replaces, whose site.toml it gets unless it brings its own
    raises: NotAdmissible, RequestRefused; Forged for a copy that is not sealed for our escrow key
    """
    answer = authority.admit(request.box, request.site, public=request.public, request=request.request)
    copy = request.config
    if not copy and before is not None and places.copy(before).exists():
        copy = places.copy(before).read_bytes()
        answer = msgspec.structs.replace(answer, config=authority.resealed(copy, request.public))
    if copy:
        write_whole(places.copy(request.box), copy, mode=0o600)
    return authority.signed(answer)
