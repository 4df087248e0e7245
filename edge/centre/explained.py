"""What the centre's commands share: where it lies, and one coded message for each thing that its parts raise."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from edge.centre import codes, reader
from edge.centre.kept import StoreBusy, StoreFailed
from edge.centre.outward import OutwardFault
from edge.centre.places import CentrePlaces
from edge.centre.settings import SettingsFault, read_settings, store_of
from edge.centre.trust import AuthorityMissing, NotAdmissible, RootAway
from edge.core.faults import Refused
from edge.core.seal import Forged
from edge.field.console import Session

keys_option = click.option(
    "--keys",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder kunci akar, di stik USB / folder of the root's keys, on a USB stick [keys/]",
)


def store_at(session: Session, store: str | None) -> Path | str:
    """Where the store is: what was asked for, else what centre.toml says. Raises SettingsFault."""
    places = places_of(session)
    return store or store_of(places, read_settings(places))


def places_of(session: Session) -> CentrePlaces:
    return CentrePlaces(session.places.root)


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the centre's parts raise into one coded message each."""
    try:
        yield
    except RootAway as error:
        raise Refused(codes.ROOT_AWAY.fault(what=str(error))) from error
    except (AuthorityMissing, reader.StoreMissing) as error:
        raise Refused(codes.CENTRE_EMPTY.fault(what=str(error))) from error
    except FileExistsError as error:
        raise Refused(codes.CENTRE_EXISTS.fault(what=str(error))) from error
    except SettingsFault as error:
        raise Refused(codes.CENTRE_SETTING.fault(what=str(error))) from error
    except OutwardFault as error:
        raise Refused(codes.CENTRE_OUTWARD.fault(what=str(error))) from error
    except NotAdmissible as error:
        raise Refused(codes.BOX_REJECTED.fault(what=str(error))) from error
    except Forged as error:
        raise Refused(codes.CENTRE_TRUST.fault(what=str(error))) from error
    except StoreBusy as error:
        raise Refused(codes.CENTRE_BUSY.fault(what=str(error))) from error
    except StoreFailed as error:
        raise Refused(codes.CENTRE_STORE.fault(what=str(error))) from error
