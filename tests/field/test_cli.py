"""The command line: languages, exit codes, one coded line for what reaches the top, and nothing loaded early."""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import click
import pytest

from drivers.ports import Busy, Configuration, DriverError, NoPermission, NotFound, ProtocolFault
from edge.core import codes
from edge.core.faults import Exit, Language, Refused
from edge.field import cli
from edge.field.cli import COMMANDS, HIDDEN, SUMMARIES, run
from edge.field.console import explain, spoken

BROKEN = Path(__file__).resolve().parents[2] / "configs/broken"
GOOD = BROKEN / "good.toml"
CONFIG = ["show", "check", "apply"]

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def indonesian(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "KENTONGAN_TRACE"):
        monkeypatch.delenv(name, raising=False)


def failing(error: Exception) -> click.Command:
    def callback() -> None:
        raise error

    return click.Command("failing", callback=callback)


@pytest.fixture
def fails_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], int]:
    """Run a subcommand that raises; returns its exit code."""

    def call(error: Exception) -> int:
        monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *_: failing(error))
        return run(["failing"])

    return call


def test_every_command_has_a_summary() -> None:
    assert COMMANDS.keys() == SUMMARIES.keys()
    assert COMMANDS.keys() >= HIDDEN


@pytest.mark.parametrize("target", COMMANDS.values(), ids=COMMANDS)
def test_every_command_is_there(target: str) -> None:
    module, attribute = target.split(":")
    assert isinstance(getattr(import_module(module), attribute), click.Command)


def test_help_names_every_command_but_the_hidden_ones(capsys: Captured) -> None:
    assert run(["--help"]) == Exit.OK
    listed = capsys.readouterr().out
    assert all(f"\n  {name} " in listed for name in COMMANDS.keys() - HIDDEN)
    assert not any(f"\n  {name} " in listed for name in HIDDEN)


def test_help_imports_no_subcommand() -> None:
    script = "import sys; from edge.field.cli import run; run(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr.replace("'", '"')))
    targets = {target.partition(":")[0] for target in COMMANDS.values()}
    assert loaded & (targets | {"paho", "zeep", "gpiozero", "rich", "pydantic", "ssl", "asyncio"}) == set()
    assert "click" in loaded


def test_the_version_is_told(capsys: Captured) -> None:
    assert run(["--version"]) == Exit.OK
    assert capsys.readouterr().out.startswith("kentongan 0.")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "id"),
        ({"LANG": "C.UTF-8"}, "id"),
        ({"LANG": "id_ID.UTF-8"}, "id"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_US", "LC_ALL": "id_ID"}, "id"),
        ({"LANG": "en_US", "LC_ALL": ""}, "en"),
    ],
)
def test_the_language_is_the_terminals(environment: dict[str, str], language: str) -> None:
    assert spoken(environment) is Language(language)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["confg"], "Perintah tidak dikenal atau kurang lengkap: perintah `confg` tidak ada. Mungkin `config`?"),
        (["--lang", "en", "confg"], "The command is unknown or incomplete: no command `confg`. Perhaps `config`?"),
        (["--lang=en", "zzz"], "The command is unknown or incomplete: no command `zzz`."),
        (["config", "aply"], "Perintah tidak dikenal atau kurang lengkap: perintah `aply` tidak ada. Mungkin `apply`?"),
        (["--rot"], "Perintah tidak dikenal atau kurang lengkap: pilihan --rot tidak ada."),
    ],
)
def test_a_misspelt_command_is_usage_and_guessed(capsys: Captured, line: list[str], said: str) -> None:
    assert run(line) == Exit.USAGE
    assert capsys.readouterr().err.startswith(f"✗ E-USAGE  {said}\n")


@pytest.mark.parametrize("line", [[], ["config"]])
def test_no_command_at_all_shows_the_commands(capsys: Captured, line: list[str]) -> None:
    assert run(line) == Exit.USAGE
    assert "Usage: kentongan" in capsys.readouterr().err


def test_a_socket_that_breaks_is_not_a_reader_that_goes_away(
    fails_with: Callable[[Exception], int], capfd: Captured
) -> None:
    assert fails_with(BrokenPipeError(32, "Broken pipe")) == Exit.NETWORK
    assert "E-NETWORK" in capfd.readouterr().err


def test_an_unknown_option_is_usage(capsys: Captured) -> None:
    assert run(["config", "check", "--nothing"]) == Exit.USAGE
    assert "`kentongan config check --help`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        (NotFound("GPIO17"), "E-DEVICE-MISSING", Exit.HARDWARE),
        (Busy("GPIO17 by python3"), "E-DEVICE-BUSY", Exit.HARDWARE),
        (NoPermission("/dev/gpiochip0"), "E-DEVICE-PERMISSION", Exit.HARDWARE),
        (Configuration("pull-up"), "E-DEVICE-CONFIG", Exit.HARDWARE),
        (ProtocolFault("xx"), "E-DEVICE-PROTOCOL", Exit.HARDWARE),
        (DriverError("xx"), "E-DRIVER", Exit.HARDWARE),
        (ConnectionRefusedError(111, "refused"), "E-NETWORK", Exit.NETWORK),
        (TimeoutError("slow"), "E-NETWORK", Exit.NETWORK),
        (ssl.SSLCertVerificationError("self-signed"), "E-BROKER-TLS", Exit.NETWORK),
        (PermissionError(13, "denied", "/x/y"), "E-STATE-READONLY", Exit.PREREQUISITE),
        (OSError(30, "read-only", "/x/y"), "E-STATE-READONLY", Exit.PREREQUISITE),
        (ModuleNotFoundError("No module named 'onvif'"), "E-PART-MISSING", Exit.PREREQUISITE),
        (Refused(codes.BROKER_MISSING.fault(what="x")), "E-BROKER-MISSING", Exit.PREREQUISITE),
        (ZeroDivisionError("1/0"), "E-INTERNAL", Exit.UNEXPECTED),
        (FileNotFoundError(2, "none", "/x"), "E-INTERNAL", Exit.UNEXPECTED),
    ],
)
def test_what_reaches_the_top_is_one_coded_message_and_no_traceback(
    fails_with: Callable[[Exception], int], capsys: Captured, error: Exception, code: str, expected: Exit
) -> None:
    assert fails_with(error) == expected
    said = capsys.readouterr().err
    assert said.startswith(f"✗ {code}  ")
    assert said.count("\n") == 2
    assert "Traceback" not in said


def test_a_contributor_may_have_the_traceback(
    fails_with: Callable[[Exception], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KENTONGAN_TRACE", "1")
    with pytest.raises(ZeroDivisionError):
        fails_with(ZeroDivisionError("1/0"))


def test_every_driver_error_has_its_own_code() -> None:
    told = [explain(kind("x"), "")[0].code for kind in (NotFound, NoPermission, Busy, ProtocolFault, Configuration)]
    assert len(set(told)) == 5


def test_control_c_is_no_fault(fails_with: Callable[[Exception], int], capsys: Captured) -> None:
    assert fails_with(click.Abort()) == 130
    assert capsys.readouterr().err == ""


def test_a_reader_that_goes_away_is_no_fault(root: Path) -> None:
    script = "import sys; from edge.field.cli import main; sys.argv = ['kentongan', 'config', 'sample']; main()"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-c", script], stdout=writing, stderr=subprocess.PIPE, check=False, cwd=root)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_run_becomes_the_daemon(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _path, command: became.append(command))
    assert run(["--root", str(root), "run", "alarm"]) == Exit.OK
    assert run(["run", "relay", "--root", str(root)]) == Exit.OK
    assert became == [
        [sys.executable, "-P", "-m", f"edge.daemons.{name}", "--root", str(root)] for name in ("alarm", "relay")
    ]


# ---- kentongan config ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("path", sorted(path for path in BROKEN.glob("*.toml") if path != GOOD), ids=lambda p: p.stem)
def test_check_says_what_stands_beside_the_broken_file(capsys: Captured, path: Path, language: Language) -> None:
    assert run(["config", "check", str(path), "--lang", language.value]) == Exit.CONFIGURATION
    captured = capsys.readouterr()
    assert captured.err == path.with_suffix(f".{language}.txt").read_text(encoding="utf-8")
    assert captured.out == ""


def test_a_site_is_applied_and_shown(root: Path, capsys: Captured) -> None:
    assert run(["config", "apply", str(GOOD), "--root", str(root)]) == Exit.OK
    assert "Generasi 1 diterapkan" in capsys.readouterr().out
    assert run(["config", "show", "--root", str(root)]) == Exit.OK
    assert "GPIO5" in capsys.readouterr().out


def test_a_broken_file_leaves_the_old_one_and_says_so(root: Path, capsys: Captured) -> None:
    run(["--root", str(root), "config", "apply", str(GOOD)])
    assert run(["--root", str(root), "--lang", "en", "config", "apply", str(BROKEN / "values.toml")]) == 4
    assert "The old configuration stays in use." in capsys.readouterr().out
    assert run(["--root", str(root), "config", "show"]) == Exit.OK


def test_json_speaks_to_machines(root: Path, capsys: Captured) -> None:
    at = ["--root", str(root)]
    assert run([*at, "config", "check", "--json", str(BROKEN / "values.toml")]) == Exit.CONFIGURATION
    checked = json.loads(capsys.readouterr().out)
    assert (checked["ok"], checked["faults"][0]["code"]) == (False, "E-SITE-ID")
    run([*at, "config", "apply", "--json", str(GOOD)])
    applied = json.loads(capsys.readouterr().out)
    assert (applied["ok"], applied["generation"], applied["changed"]) == (True, 1, True)
    run([*at, "config", "show", "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert (shown["source"], shown["configuration"]["zones"][2]["pin"]) == ("active", "GPIO5")


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_telephone_number_is_never_shown(root: Path, capsys: Captured, as_json: list[str]) -> None:
    run(["--root", str(root), "config", "apply", str(GOOD)])
    run(["--root", str(root), "config", "show", *as_json])
    assert "081234567890" not in capsys.readouterr().out


def test_show_without_a_configuration_says_what_to_do(root: Path, capsys: Captured) -> None:
    assert run(["--root", str(root), "config", "show"]) == Exit.CONFIGURATION
    assert "E-CONFIG-NONE" in capsys.readouterr().err


def test_a_sample_can_be_applied_as_it_is(root: Path, capsys: Captured) -> None:
    assert run(["config", "sample", "demo"]) == Exit.OK
    path = root / "site.toml"
    path.write_text(capsys.readouterr().out)
    assert run(["config", "apply", str(path), "--root", str(root)]) == Exit.OK


def test_the_laboratory_is_not_offered_as_a_sample(capsys: Captured) -> None:
    assert run(["config", "sample", "lab"]) == Exit.USAGE
    assert "rt-standard" in capsys.readouterr().err


def test_an_unwritable_state_folder_is_a_prerequisite(root: Path, capsys: Captured) -> None:
    (root / "var").write_text("a file where the folder should be")
    assert run(["--root", str(root), "config", "apply", str(GOOD)]) == Exit.PREREQUISITE
    assert "E-STATE-READONLY" in capsys.readouterr().err


def test_a_box_without_the_centres_packages_says_what_to_install(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("edge.centre")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    assert run(["centre", "list", "--lang", "en"]) == Exit.PREREQUISITE
    assert "E-PACKAGE-MISSING" in capsys.readouterr().err
