"""Codes and numbers that begin with a zero, and names as people write them, stay what they were, byte for byte."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.config.active import read_active
from edge.config.apply import apply
from edge.config.places import Places
from tests.unit.test_config_load import USERS

THREE = st.from_regex(r"[0-9]{3}", fullmatch=True)
PHONE = st.from_regex(r"0[0-9]{9,12}", fullmatch=True)
NAME = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters='"\\'), min_size=1, max_size=64
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(rt=THREE, rw=THREE, phone=PHONE, name=NAME.filter(lambda name: bool(name.strip())))
def test_what_was_written_is_what_the_daemons_read(tmp_path: Path, rt: str, rw: str, phone: str, name: str) -> None:
    places = Places(tmp_path)
    places.site.parent.mkdir(parents=True, exist_ok=True)
    identity = f"33.74.10.1004-{rw}-{rt}"
    site = f'[site]\nid = "{identity}"\nname = "{name}"\nrt = "{rt}"\nrw = "{rw}"\nphone = "{phone}"\n'
    text = f'kit = "rt-standard"\n{site}'
    places.site.write_bytes(text.encode())
    apply(places, places.site, USERS)
    active = read_active(places).configuration
    assert active is not None
    assert (active.site.id, active.site.name, active.site.rt, active.site.rw) == (identity, name, rt, rw)
    assert active.site.phone == phone
