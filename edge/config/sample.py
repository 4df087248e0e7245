"""The ten lines that make a site from a kit, commented."""

from edge.config.kits import Kit

_HOSTS = {True: "127.0.0.1", False: "mqtt.pusat.example"}

_SAMPLE = """\
kit = "{kit}"  # {about_id} / {about_en}
[site]
id = "33.74.10.1004-010-005"         # kode kelurahan-RW-RT / kelurahan code-RW-RT
name = "RT 005 / RW 010 Tembalang"   # seperti warga menyebutnya / as residents say it
rt = "005"                           # selalu dalam tanda kutip / always in quotes
rw = "010"
phone = "081234567890"               # ketua RT, untuk kartu dinding / for the wall card
[uplink]
host = "{host}"      # broker pusat / the centre's broker
port = 8883
"""


def sample(kit: Kit) -> str:
    """A whole site.toml for this kit; `load` accepts it as it stands."""
    host = _HOSTS[kit.simulated]
    return _SAMPLE.format(kit=kit.name, about_id=kit.about.id, about_en=kit.about.en, host=host)
