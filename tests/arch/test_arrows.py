"""Who may import whom. Chains are import-linter's (setup.cfg); single files and allow-lists are here."""

import configparser
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

from tests.arch.tree import ROOT, imports, packages, sources

OURS = {"edge", "drivers"}

# What reaches outside the process or depends on when and where it runs; the core is handed all of it.
IMPURE = {
    "asyncio", "concurrent", "ctypes", "fcntl", "getpass", "glob", "http", "io", "logging", "mmap", "multiprocessing",
    "os", "pathlib", "platform", "queue", "random", "secrets", "select", "selectors", "shutil", "signal", "socket",
    "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip

# Each package of others -> the files that may know it. One file is the rule; a longer list says why.
KNOWN_BY = {
    "click": ("edge/field/*", "edge/centre/*cli.py", "edge/centre/explained.py"),  # the command line itself
    "cryptography": ("edge/centre/certificates.py", "edge/enrol/tls_key.py"),  # what signs, and what is signed
    "gpiod": ("drivers/gpiod_pins.py",),
    "gpiozero": ("drivers/gpio.py", "drivers/*_pins.py"),  # a pin factory subclasses gpiozero's
    "lxml": ("drivers/soap.py",),
    "msgspec": ("edge/*",),  # the codec of the core
    "nacl": ("edge/core/seal.py", "edge/enrol/sealed.py", "edge/daemons/cameras/sealing.py"),
    "onvif": ("drivers/onvif_client.py",),
    "paho": ("drivers/mqtt_client.py", "drivers/mqtt.py", "drivers/mqtt_centre.py"),  # what both ends need, and each
    "prometheus_client": ("edge/centre/metrics.py",),
    "pydantic": ("edge/config/*",),
    "rich": ("edge/field/*", "edge/centre/*"),
    "sqlite_utils": ("edge/ledger/reader.py",),
    "sqlalchemy": tuple(f"edge/centre/{name}.py" for name in ("tables", "database", "store", "gallery", "audit")),
    "starlette": ("edge/centre/door.py",),
    "uvicorn": ("edge/centre/doorway.py",),
    "urllib3": ("edge/centre/webhook.py",),
    "zeep": ("drivers/onvif_client.py",),
}

PROCESSES = {"alarm", "relay", "sms", "cameras", "config", "page"}  # edge.daemons.runtime and the like are shared


def foreign(path: Path) -> set[str]:
    return packages(path) - OURS - sys.stdlib_module_names - {"__future__"}


def test_every_contract_of_setup_cfg_is_kept() -> None:
    linter = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    done = subprocess.run(linter, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def test_every_package_has_its_layer() -> None:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    layered = set(parser["importlinter:contract:arrows"]["layers"].replace("|", " ").replace(":", " ").split())
    assert layered - {"drivers"} == {f"edge.{path.parts[1]}" for path in sources("edge") if len(path.parts) > 2}


def within(folder: str) -> list[Path]:
    return [path for path in sources("edge") if str(path).startswith(f"edge/{folder}/")]


def test_a_package_of_others_is_known_by_its_own_file_only() -> None:
    known = [(str(path), name) for path in sources("edge", "drivers") for name in foreign(path)]
    assert [(path, name) for path, name in known if not any(fnmatch(path, own) for own in KNOWN_BY.get(name, ()))] == []


def test_only_packages_in_use_are_listed() -> None:
    used = {name for path in sources("edge", "drivers") for name in foreign(path)}
    assert set(KNOWN_BY) - used == set()


def test_core_reaches_nothing_outside_itself() -> None:
    assert {str(path): packages(path) & IMPURE for path in within("core") if packages(path) & IMPURE} == {}


def test_core_knows_one_codec_and_seal_alone_one_signature() -> None:
    knowing = {path.name: foreign(path) for path in within("core")}
    assert knowing.pop("seal.py") == {"msgspec", "nacl"}
    assert set().union(*knowing.values()) == {"msgspec"}


def test_daemons_know_nothing_of_each_other() -> None:
    reached = [
        (str(path), module)
        for path in within("daemons")
        for module in imports(path)
        if module.startswith("edge.daemons.") and module.split(".")[2] in PROCESSES - {process(path)}
    ]
    assert reached == []


def process(path: Path) -> str:
    """The daemon that a file under edge/daemons belongs to."""
    return path.parts[2].removesuffix(".py")


def test_the_daemons_are_what_this_file_thinks_they_are() -> None:
    """A new daemon must be added to PROCESSES and to the contracts, else nothing keeps it apart."""
    assert {process(path) for path in within("daemons")} - {"__init__", "border", "runtime"} <= PROCESSES
