"""What the store must know when one box follows another at a site."""

import time
from collections.abc import Sequence
from pathlib import Path

from edge.centre.kept import REPLACED, WALK
from edge.centre.store import Store
from edge.core.words import BoxId, SiteId


def replaced(where: Path | str, gone: Sequence[BoxId], new: BoxId, *, site: SiteId, operator: str) -> None:
    """Wait for nothing more from the boxes that are gone, and for a walk test of the one that came.

    gone:   those of which that is known already among them; nothing is noted twice
    raises: StoreFailed, with nothing kept
    """
    with Store.open(where) as store, store.group(time.time_ns()) as group:
        for old in (box for box in gone if not group.noticed(REPLACED, box)):
            lost = group.close(old)
            group.notice(REPLACED, old, f"at {site} by {new}")
            group.audit("replacement", old, operator, {"by": new, "site": site, "lost": lost})
        group.notice(WALK, new, f"walk test required: it is new at {site}")
