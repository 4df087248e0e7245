"""The hour of a box's siren, used up before it starts: as the box itself would have kept it in /run."""

from drivers.clock import boot_ns
from edge.config.model import Configuration
from edge.config.places import Places
from edge.core.caps import LIMIT_NS
from edge.core.words import SECOND_NS, Activation, Purpose, SounderId
from edge.daemons.alarm.kept import Kept
from edge.daemons.runtime import boot_id

AGO_NS = 20 * SECOND_NS


def spend(places: Places, site: Configuration, *, left_s: float = 0.0) -> bool:
    """Of presses, by the first zone, all but `left_s`; of tests, all.

    returns: False where this machine has not been up for as long as the cap lasts: nothing was written
    """
    now_ns, tests_ns = boot_ns(), LIMIT_NS[Purpose.TEST]
    presses_ns = LIMIT_NS[Purpose.PRESS] - int(left_s * SECOND_NS)
    since_ns = now_ns - presses_ns - AGO_NS
    if since_ns < tests_ns:
        return False
    siren, zone = SounderId(site.sounders[0].id), site.zones[0].id
    until_ns = since_ns + presses_ns
    whole = Activation(siren, Purpose.PRESS, "jateng.titir", "00000000.1", zone, since_ns, until_ns, phase_ns=since_ns)
    test = Activation(siren, Purpose.TEST, "iso.temporal-3", "test", "", since_ns - tests_ns, since_ns, phase_ns=1)
    places.run.mkdir(parents=True, exist_ok=True)
    kept = Kept(places.activations, boot_id())
    kept.keep([test, whole])
    kept.close()
    return True
