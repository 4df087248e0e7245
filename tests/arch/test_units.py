"""The units: what they must say is read here everywhere; what systemd thinks of them, where systemd is."""

import os
import re
import shutil
import subprocess
from ipaddress import ip_network
from pathlib import Path

import pytest

from edge.config.drafts import NAME
from edge.config.places import Places

SYSTEMD = Path(__file__).parents[2] / "systemd"
SERVICES = ("kentongan-alarm", "kentongan-relay", "kentongan-cameras")
WITH_CONFIG = (*SERVICES, "kentongan-config")  # which comes and goes
EXPOSURE_MAX = 15  # tenths; a plain service of Debian scores 92 to 96

ANALYSE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYSE is None, reason="systemd-analyze is not on this machine")

IN_EVERY_SANDBOX = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectKernelModules": "yes",
    "ProtectControlGroups": "yes",
    "ProtectClock": "yes",
    "DevicePolicy": "closed",
    "MemoryDenyWriteExecute": "yes",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native",
    "LimitCORE": "0",
    "TimeoutAbortSec": "500ms",
}
STAYS = {"Type": "notify", "NotifyAccess": "main", "Restart": "always"}


class Unit:
    """A unit file; a key may stand several times."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text()
        self._values: dict[str, list[str]] = {}
        section = ""
        for row in self.text.splitlines():
            if row.startswith("["):
                section = row.strip("[]")
            elif row and not row.startswith("#"):
                key, _, value = row.partition("=")
                self._values.setdefault(f"{section}.{key}", []).append(value)

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def one(self, name: str) -> str | None:
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None


@pytest.fixture
def alarm() -> Unit:
    return Unit(SYSTEMD / "kentongan-alarm.service")


@pytest.fixture
def relay() -> Unit:
    return Unit(SYSTEMD / "kentongan-relay.service")


@pytest.fixture
def cameras() -> Unit:
    return Unit(SYSTEMD / "kentongan-cameras.service")


@pytest.mark.parametrize("name", WITH_CONFIG)
def test_every_daemon_is_in_the_same_sandbox(name: str) -> None:
    unit = Unit(SYSTEMD / f"{name}.service")
    wanted = IN_EVERY_SANDBOX | (STAYS if name in SERVICES else {})
    assert {key: unit.one(f"Service.{key}") for key in wanted} == wanted
    assert unit.one("Unit.StartLimitIntervalSec") == "0"
    assert unit.one("Service.User") == unit.one("Service.Group") == name


def test_nothing_of_ours_or_of_the_disks_can_hold_the_alarm_back(alarm: Unit) -> None:
    for waits in ("Requires", "Requisite", "BindsTo", "RequiresMountsFor", "ConditionPathExists", "AssertPathExists"):
        assert alarm.all(f"Unit.{waits}") == []
    for holds in ("StateDirectory", "CacheDirectory", "LogsDirectory", "ConfigurationDirectory", "WorkingDirectory"):
        assert alarm.all(f"Service.{holds}") == []
    for holds in ("LoadCredential", "LoadCredentialEncrypted", "SetCredential", "EnvironmentFile", "ExecStartPre"):
        assert alarm.all(f"Service.{holds}") == []
    assert alarm.one("Service.PrivateTmp") is None
    assert alarm.one("Service.SupplementaryGroups") is None  # a group that is not there would be the end (216/GROUP)
    assert alarm.one("Unit.DefaultDependencies") == "no"
    assert alarm.all("Unit.After") == ["systemd-remount-fs.service", "systemd-udev-trigger.service"]
    assert all(path.startswith("-") for value in alarm.all("Service.ReadWritePaths") for path in value.split())


def test_the_alarm_is_back_within_two_seconds(alarm: Unit) -> None:
    assert alarm.one("Service.WatchdogSec") == "3"
    assert alarm.one("Service.RestartSec") == "100ms"
    assert alarm.one("Unit.Conflicts") == alarm.one("Unit.Before") == "shutdown.target"


def test_the_alarm_has_no_network_and_no_device_but_the_gpio_chips(alarm: Unit) -> None:
    assert alarm.one("Service.PrivateNetwork") == "yes"
    assert alarm.one("Service.RestrictAddressFamilies") == "AF_UNIX"
    assert alarm.all("Service.DeviceAllow") == ["char-gpiochip rw"]


def test_the_relay_sees_no_device_and_no_ledger(relay: Unit) -> None:
    assert relay.one("Service.PrivateDevices") == "yes"
    assert "-/var/lib/kentongan/ledger" in (relay.one("Service.InaccessiblePaths") or "").split()
    assert relay.all("Service.DeviceAllow") == []


def test_a_missing_credential_does_not_keep_the_relay_down(relay: Unit) -> None:
    loaded = {value.partition(":")[0] for value in relay.all("Service.LoadCredential")}
    forgiven = {
        name for name, _, value in (each.partition(":") for each in relay.all("Service.SetCredential")) if value
    }
    assert loaded == forgiven == {"tls.key", "tls.pem"}


def test_cameras_reach_the_lan_and_nothing_that_is_not_theirs(cameras: Unit) -> None:
    assert cameras.one("Service.IPAddressDeny") == "any"
    allowed = [ip_network(each) for each in (cameras.one("Service.IPAddressAllow") or "").split() if each[0].isdigit()]
    assert allowed
    assert all(network.is_private or network.is_multicast for network in allowed)
    assert cameras.one("Service.RestrictAddressFamilies") == "AF_UNIX AF_INET"
    assert (cameras.one("Service.SocketBindDeny"), cameras.all("Service.SocketBindAllow")) == ("any", ["ipv4:udp"])
    hidden = (cameras.one("Service.InaccessiblePaths") or "").split()
    assert {"-/var/lib/kentongan/ledger", "-/etc/kentongan/secrets", "-/var/lib/kentongan/inbox"} <= set(hidden)
    box = Places()
    assert (cameras.one("Service.ReadWritePaths") or "").split() == [f"-{box.cameras}", f"-{box.counter.parent}"]
    assert cameras.all("Service.DeviceAllow") == cameras.all("Service.LoadCredential") == []
    assert cameras.one("Service.PrivateDevices") == "yes"


def test_the_cameras_get_what_time_and_memory_the_others_leave(alarm: Unit, relay: Unit, cameras: Unit) -> None:
    scores = [int(unit.one("Service.OOMScoreAdjust") or 0) for unit in (alarm, relay, cameras)]
    assert scores == sorted(scores)
    assert scores[1] < scores[2]
    assert int(cameras.one("Service.Nice") or 0) > 0 > int(alarm.one("Service.Nice") or 0)
    assert cameras.one("Service.MemoryMax") == "128M"
    assert cameras.one("Service.CPUQuota")
    assert int(cameras.one("Service.CPUWeight") or 100) < 100 < int(alarm.one("Service.CPUWeight") or 100)


def test_config_writes_its_two_folders_and_reaches_no_network_and_no_key() -> None:
    unit = Unit(SYSTEMD / "kentongan-config.service")
    assert unit.one("Service.PrivateNetwork") == "yes"
    assert unit.one("Service.ReadWritePaths") == "-/var/lib/kentongan/config -/var/lib/kentongan/inbox"
    assert "-/etc/kentongan/secrets" in (unit.one("Service.InaccessiblePaths") or "").split()
    assert unit.all("Service.DeviceAllow") == []
    assert unit.all("Unit.Before") == []
    assert unit.all("Install.WantedBy") == []  # by its path unit only


def test_config_starts_for_what_waits_and_for_a_trial_that_was_cut_off() -> None:
    waits = Unit(SYSTEMD / "kentongan-config.path")
    box = Places()
    assert waits.all("Path.PathExists") == [str(box.inbox / NAME), str(box.trial)]
    assert waits.one("Path.Unit") == "kentongan-config.service"


def test_memory_runs_out_for_the_relay_first(alarm: Unit, relay: Unit) -> None:
    assert int(alarm.one("Service.OOMScoreAdjust") or 0) < 0 < int(relay.one("Service.OOMScoreAdjust") or 0)
    assert alarm.one("Service.LimitMEMLOCK") == "infinity"
    assert all(unit.one("Service.MemoryMax") for unit in (alarm, relay))


def test_what_switches_off_after_death_is_in_the_tree_and_cannot_keep_the_alarm_down(alarm: Unit) -> None:
    command = (alarm.one("Service.ExecStopPost") or "").split()
    assert command[0].startswith("-")
    assert command[-1] == "/run/kentongan/outputs"
    assert (SYSTEMD / Path(command[-2]).name).is_file()


@pytest.mark.parametrize("name", WITH_CONFIG)
def test_each_directive_left_open_says_why(name: str) -> None:
    unit = Unit(SYSTEMD / f"{name}.service")
    hardening = {"PrivateTmp", "PrivateDevices", "PrivateNetwork", "PrivateUsers"}
    open_ones = {key for key in hardening if unit.one(f"Service.{key}") != "yes"}
    explained = set(re.findall(r"# Relaxed: (\w+)=no", unit.text))
    assert open_ones == explained


def test_every_user_of_the_units_is_made_and_is_in_the_groups_it_needs() -> None:
    rows = [
        row.split() for row in (SYSTEMD / "sysusers.d/kentongan.conf").read_text().splitlines() if row[:1].isalpha()
    ]
    users = {row[1] for row in rows if row[0] == "u"}
    members = {(row[1], row[2]) for row in rows if row[0] == "m"}
    assert set(WITH_CONFIG) <= users
    for group in ("gpio", "kentongan-relay", "kentongan-cameras", "kentongan-config"):
        assert ("kentongan-alarm", group) in members
    assert {group for _, group in members} <= users | {row[1] for row in rows if row[0] == "g"}


def test_the_box_key_is_readable_by_alarm_alone_and_the_tls_key_by_root_alone() -> None:
    rows = [
        row.split() for row in (SYSTEMD / "tmpfiles.d/kentongan.conf").read_text().splitlines() if row[:1].isalpha()
    ]
    modes = {Path(row[1]).name: row[2:5] for row in rows}
    assert modes["box.key"] == ["0640", "root", "kentongan-alarm"]
    assert modes["tls.key"] == ["0600", "root", "root"]
    assert modes["inbox"] == ["0770", "kentongan-alarm", "kentongan-config"]
    assert modes["ledger"] == ["0700", "kentongan-alarm", "kentongan-alarm"]


def test_only_technicians_reach_the_counter_and_only_cameras_their_logins() -> None:
    rows = [
        row.split() for row in (SYSTEMD / "tmpfiles.d/kentongan.conf").read_text().splitlines() if row[:1].isalpha()
    ]
    modes = {row[1]: row[2:5] for row in rows}
    box = Places()
    assert modes[str(box.counter.parent)] == ["2750", "kentongan-cameras", "kentongan-tech"]  # what is made in it, too
    assert modes[str(box.cameras)] == ["0700", "kentongan-cameras", "kentongan-cameras"]
    assert modes[str(box.run)] == ["0755", "kentongan-alarm", "kentongan-alarm"]  # else alarm would take all of it


@needs_systemd
def test_systemd_has_nothing_to_say_about_the_units(tmp_path: Path) -> None:
    """`verify` ends with 0 however many keys it does not know: any word is a fault."""
    units = runnable_copies(tmp_path)
    ended = analyse("verify", *map(str, units), SYSTEMD_UNIT_PATH=f"{tmp_path}:")
    ours = [row for row in ended.stderr.splitlines() + ended.stdout.splitlines() if "kentongan" in row]
    assert ours == []


@needs_systemd
def test_an_unknown_key_is_noticed(tmp_path: Path) -> None:
    [unit] = [unit for unit in runnable_copies(tmp_path) if "alarm" in unit.name]
    unit.write_text(unit.read_text().replace("WatchdogSec=3", "WatchdogSecs=3"))
    assert "WatchdogSecs" in analyse("verify", str(unit), SYSTEMD_UNIT_PATH=f"{tmp_path}:").stderr


@needs_systemd
@pytest.mark.parametrize("name", WITH_CONFIG)
def test_the_exposure_stays_low(name: str) -> None:
    ended = analyse("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", str(SYSTEMD / f"{name}.service"))
    assert ended.returncode == 0, ended.stdout[-400:]


def runnable_copies(folder: Path) -> list[Path]:
    """The units with programs that this machine has: `verify` looks for them."""
    copies = []
    for path in [*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.target"), *SYSTEMD.glob("*.path")]:
        copy = folder / path.name
        copy.write_text(re.sub(r"(?<==)(-?)/(opt|usr)/\S*python3?", r"\1/bin/true", path.read_text()))
        copies.append(copy)
    return copies


def analyse(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    assert ANALYSE is not None
    return subprocess.run(
        [ANALYSE, *arguments], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
