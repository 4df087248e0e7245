"""The real units under the real systemd, on the real device; the facts of one story as one line of JSON.

python3 -m tests.lab.inside.units arm|killed|hung|killed_at_rest|no_credential|sandbox|relay
"""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.config import generations
from edge.config.model import Configuration, Link, Panel, Site, Sounder, Uplink, Zone
from edge.config.places import Places
from tests.lab.inside.chip import Analyser, Chip

REPO = Path(__file__).parents[3]
UNITS = Path("/run/systemd/system")
ALARM, RELAY = "kentongan-alarm.service", "kentongan-relay.service"
RELAY_SOCKET = "relay.sock"
BUTTON, SIREN = 17, 23
LONG_S = 20.0
EXIT_CREDENTIALS = "243"  # systemd.exec(5)
SOUND_S = 2.0  # what the siren may need after the end of the hold, in a machine with one slow CPU

# The lab gives gpiozero its revision by a file over /proc/cpuinfo; a /proc of the unit's own would not have it.
LAB_ONLY = "[Service]\nBindReadOnlyPaths=/run/cpuinfo:/proc/cpuinfo\n"
A_CREDENTIAL = "[Service]\nLoadCredential=box.key:/etc/kentongan/secrets/box.key\n"


def main(story: str) -> int:
    install()
    print(json.dumps(STORIES[story]()))
    return 0


def install() -> None:
    """Install for the systemd that runs."""
    lay_out(UNITS)
    drop_in("lab", LAB_ONLY)


def install_for_next_boot() -> None:
    """Install for a systemd that does not run yet."""
    units = Path("/etc/systemd/system")
    lay_out(units)
    (units / f"{ALARM}.d").mkdir()
    (units / f"{ALARM}.d/lab.conf").write_text(LAB_ONLY)


def lay_out(units: Path) -> None:
    """What docs/install.md does by hand, with the repository in the place of the package."""
    run("systemd-sysusers", str(REPO / "systemd/sysusers.d/kentongan.conf"))
    run("systemd-tmpfiles", "--create", str(REPO / "systemd/tmpfiles.d/kentongan.conf"))
    shutil.chown("/dev/gpiochip0", group="gpio")
    Path("/dev/gpiochip0").chmod(0o660)
    run(sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", "/opt/kentongan")
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": "/opt/kentongan"}))
    (packages / "repository.pth").write_text(f"{REPO}\n")
    Path("/usr/lib/kentongan").mkdir(parents=True)
    shutil.copy(REPO / "systemd/alarm_off.py", "/usr/lib/kentongan/")
    for unit in (REPO / "systemd").glob("kentongan*"):
        shutil.copy(unit, units)
    site()


def site() -> None:
    """The lab kit in small: one quick button, one siren."""
    configuration = Configuration(
        kit="lab",
        site=Site(id="33.74.10.1004-010-005", name="RT 005", rt="005", rw="010"),
        driver="gpiod",
        zones=(Zone(id="pos", pin=f"GPIO{BUTTON}", hold_s=0.05),),
        sounders=(Sounder(id="sirene", pin=f"GPIO{SIREN}", switch="ssr"),),
        panel=Panel(lab=True, storm_s=0.0),
        uplink=Uplink(host="127.0.0.1", port=9, tls=False),
        link=Link(uids={"relay": pwd.getpwnam("kentongan-relay").pw_uid}),
    )
    generations.install(Places(Path("/")), configuration)


# ---- stories --------------------------------------------------------------------------------------------------------


def arm() -> dict[str, Any]:
    """Start, press, hear, stop."""
    with Analyser.recording() as analyser:
        started = start()
        heard = press_until_heard()
        run("systemctl", "stop", ALARM)
        return {
            **started,
            "heard": heard,
            "driven_first": analyser.driven(SIREN)[0],
            "driven_last": analyser.driven(SIREN)[-1],
            "ledger": Path("/var/lib/kentongan/ledger/ledger.db").exists(),
            "kept": sorted(path.name for path in Path("/run/kentongan").iterdir()),
        }


def killed() -> dict[str, Any]:
    """SIGKILL while the siren sounds: off first, then back with it."""
    return died(signal.SIGKILL)


def hung() -> dict[str, Any]:
    """A daemon that stops feeding the watchdog."""
    return died(signal.SIGSTOP)


def died(how: signal.Signals) -> dict[str, Any]:
    start()
    heard = press_until_heard()
    pid = main_pid()
    with Analyser.recording() as analyser:
        began = time.monotonic()
        os.kill(pid, how)
        wait(lambda: analyser.driven(SIREN) == [0], LONG_S)
        off_s = time.monotonic() - began
        back = wait(lambda: state() == "active" and main_pid() not in {0, pid}, LONG_S)
        back_s = time.monotonic() - began
        wait(lambda: 1 in analyser.driven(SIREN), LONG_S)
        driven = analyser.driven(SIREN)
    return {"heard": heard, "back": back, "off_s": off_s, "back_s": back_s, "driven": driven[:3]}


def killed_at_rest() -> dict[str, Any]:
    """SIGKILL with nothing sounding, then the button."""
    start()
    pid = main_pid()
    os.kill(pid, signal.SIGKILL)
    back = wait(lambda: state() == "active" and main_pid() not in {0, pid}, LONG_S)
    return {"back": back, "restarts": int(shown("NRestarts")), "heard": press_until_heard()}


def no_credential() -> dict[str, Any]:
    """The reason why the unit takes none: without the key it starts, with the directive it does not."""
    started = start()
    run("systemctl", "stop", ALARM)
    drop_in("credential", A_CREDENTIAL)
    subprocess.run(["systemctl", "start", ALARM], check=False, timeout=LONG_S, capture_output=True)
    wait(lambda: shown("ExecMainStatus") == EXIT_CREDENTIALS, LONG_S)  # systemd tries again, and it is 0 meanwhile
    return {**started, "with_credential": shown("ExecMainStatus"), "state": state()}


def sandbox() -> dict[str, Any]:
    """What a program in the alarm's place may do."""
    attempt = REPO / "tests/lab/inside/attempts.py"
    drop_in(
        "attempts",
        f"[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\nExecStart=\nExecStart=/usr/bin/python3 {attempt}\n",
    )
    run("systemctl", "start", ALARM)
    answer: dict[str, Any] = json.loads(Path("/run/kentongan/attempts.json").read_text())
    return answer


def relay() -> dict[str, Any]:
    """The relay without its credentials, without a broker, as its own user: it still finds alarm's socket."""
    start()
    run("systemctl", "start", RELAY)
    reached = wait(lambda: RELAY_SOCKET in connected_sockets(), LONG_S)
    return {"state": shown("ActiveState", RELAY), "reached": reached, "credentials": credentials()}


STORIES = {
    "arm": arm,
    "killed": killed,
    "hung": hung,
    "killed_at_rest": killed_at_rest,
    "no_credential": no_credential,
    "sandbox": sandbox,
    "relay": relay,
}


# ---- hands ----------------------------------------------------------------------------------------------------------


def start() -> dict[str, Any]:
    run("systemctl", "start", ALARM)
    if not main_pid():
        raise SystemExit(f"died after it was ready: {journal()}")
    status = Path(f"/proc/{main_pid()}/status").read_text()
    locked_kb = int(status.partition("VmLck:")[2].split()[0])
    return {"state": state(), "locked_kb": locked_kb}


def press_until_heard() -> bool:
    chip = Chip()
    chip.lay(BUTTON, high=False)
    heard = chip.wait_level(SIREN, 1, SOUND_S)
    chip.lay(BUTTON, high=True)
    return heard


def drop_in(name: str, text: str) -> None:
    folder = UNITS / f"{ALARM}.d"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.conf").write_text(text)
    run("systemctl", "daemon-reload")


def state() -> str:
    return shown("ActiveState")


def main_pid() -> int:
    return int(shown("MainPID"))


def shown(name: str, unit: str = ALARM) -> str:
    return run("systemctl", "show", "--value", "-p", name, unit).strip()


def connected_sockets() -> set[str]:
    """Names of the socket files with a connection: state 3, listed in the network of the one who called."""
    rows = [row.split() for row in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return {Path(row[7]).name for row in rows if len(row) > 7 and row[5] == "03"}


def credentials() -> dict[str, str]:
    folder = Path(f"/run/credentials/{RELAY}")
    return {path.name: path.read_text() for path in folder.iterdir()}


def wait(done: Callable[[], bool], within_s: float) -> bool:
    end = time.monotonic() + within_s
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def run(*command: str) -> str:
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    if ended.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {ended.stdout}{ended.stderr}{journal()}")
    return ended.stdout


def journal() -> str:
    return subprocess.run(
        ["journalctl", "--no-pager", "-n", "30", "-u", ALARM], check=False, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
