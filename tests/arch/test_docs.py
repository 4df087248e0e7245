"""The documents against the tree: links lead somewhere, code that is named exists, the lamp blinks as it is told."""

import ast
import re
from pathlib import Path

import pytest

from edge.core.lamps import BLINK, Face
from edge.core.patterns import at
from tests.arch.tree import files, sources, text

TREE = Path(__file__).resolve().parents[2]
PAGES = [path for path in files() if path.suffix == ".md"]
README = "README.md"
README_LINES = 200
LAMP_CELL_NS = 100_000_000
NAMED = re.compile(r"[A-Z]\w*[a-z]\w*(\.\w+)?|[a-z_]+\.[A-Z_]\w+|[A-Z][A-Z_]{3,}|[a-z]\w+")
WORDS = {  # in backticks, and no names of Python
    *("fdatasync", "send", "held", "ordinal", "previous", "head", "pending", "epoch", "seq", "limit", "latching"),
    *("cameras", "now_ns"),
}
IN_DECISIONS = ["001", "004", "005", "006", "007", "008"]  # 002 and 003 speak of other people's code


def page(name: str) -> str:
    return (TREE / name).read_text("utf-8")


# ---- links -----------------------------------------------------------------------------------------------------------


def links(path: Path) -> list[str]:
    prose = re.sub(r"^```.*?^```", "", text(path), flags=re.DOTALL | re.MULTILINE)
    return [target for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose) if "://" not in target]


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_every_link_leads_to_a_file_of_the_tree(path: Path) -> None:
    assert [link for link in links(path) if not (TREE / path.parent / link).exists()] == []


def test_the_front_page_leads_to_every_page() -> None:
    linked = {(TREE / link).resolve() for link in links(Path(README))}
    pages = {TREE / path for path in PAGES if len(path.parts) == 1 or path.parts[:1] == ("docs",)}
    of_a_folder = {path for path in pages if path.parent in linked}
    from_install = {TREE / "docs" / link for link in links(Path("docs/install.md"))}
    assert pages - linked - of_a_folder - from_install - {TREE / README} == set()


def test_the_front_page_is_short() -> None:
    assert len(page(README).splitlines()) <= README_LINES


# ---- names of code ---------------------------------------------------------------------------------------------------


def members(tree: ast.ClassDef) -> set[str]:
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    own |= {
        node.target.id for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return own | {name for node in tree.body if isinstance(node, ast.Assign) for name in assigned(node)}


def assigned(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def known() -> set[str]:
    """Every module, class, function and constant; `Class.member`, `module.Name`."""
    names: set[str] = set()
    for path in sources("edge", "drivers"):
        names |= {path.stem, path.parent.name}
        top: set[str] = set()
        for node in ast.parse(text(path)).body:
            if isinstance(node, ast.ClassDef):
                top.add(node.name)
                names |= {f"{node.name}.{member}" for member in members(node)}
            elif isinstance(node, ast.FunctionDef):
                top.add(node.name)
            elif isinstance(node, ast.Assign):
                top.update(assigned(node))
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                top.add(node.target.id)
        names |= top | {f"{path.stem}.{name}" for name in top}
    return names


def mentioned(written: str) -> set[str]:
    """What stands in backticks, or in the indented picture of the way, and looks like a name of ours."""
    quoted = re.findall(r"`([^`\n]+)`", written)
    pictured = [
        word for line in written.splitlines() if line.startswith("    ") for word in line.split() if "." in word
    ]
    return {word for word in [*quoted, *pictured] if NAMED.fullmatch(word)} - WORDS


def paths_in(written: str) -> set[str]:
    return set(re.findall(r"`((?:edge|drivers|tests|docs|systemd|configs)/[\w./-]+)`", written))


DECISIONS = [str(path) for path in PAGES if path.parent.name == "decisions" and path.name[:3] in IN_DECISIONS]


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", *DECISIONS])
def test_every_name_of_code_exists(name: str) -> None:
    found = {word for word in mentioned(page(name)) if not (TREE / word).exists()}
    assert found - known() == set()


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "SECURITY.md", "CONTRIBUTING.md", *DECISIONS])
def test_every_path_exists(name: str) -> None:
    assert {path for path in paths_in(page(name)) if not (TREE / path).exists()} == set()


def test_the_names_are_really_looked_at() -> None:
    architecture = page("ARCHITECTURE.md")
    assert {"Keeper._apply", "Traffic.serve", "freeze", "Ledger.append"} - known() == set()
    assert len(mentioned(architecture)) > 60
    assert mentioned("`Keeper.nothing` and `LinkManager`") - known() == {"Keeper.nothing", "LinkManager"}
    assert paths_in("in `edge/core/nothing.py`") == {"edge/core/nothing.py"}


def test_every_decision_is_led_to_and_short() -> None:
    numbers = [path.name[:3] for path in PAGES if path.parent.name == "decisions"]
    assert len(numbers) == len(set(numbers))
    assert [number for number in numbers if f"[{number}](docs/decisions/{number}-" not in page("ARCHITECTURE.md")] == []


# ---- the lamp --------------------------------------------------------------------------------------------------------


def told_rhythms() -> dict[str, list[int]]:
    """The README's table: face -> milliseconds on, off, on, off ..."""
    rows = re.findall(r"^\| `([a-z-]+)` \| ([\d., ]+) \|", page(README), re.MULTILINE)
    return {face: [round(float(part) * 1000) for part in rhythm.split(",")] for face, rhythm in rows}


def test_the_front_page_tells_the_lamp_as_it_blinks() -> None:
    blinks = {face.value: [step.for_ns // 1_000_000 for step in BLINK[face].steps] for face in Face}
    assert told_rhythms() == blinks


def test_the_lamp_page_draws_the_lamp_as_it_blinks() -> None:
    drawn = dict(re.findall(r"^    ([a-z-]+) +([█·]+)$", page("docs/lamps.md"), re.MULTILINE))
    assert drawn == {face.value: drawing(face, len(drawn.get(face.value, ""))) for face in Face}
    assert min(len(bar) for bar in drawn.values()) == 40


def drawing(face: Face, cells: int) -> str:
    """Each cell as the lamp is in its middle."""
    middles = (LAMP_CELL_NS * cell + LAMP_CELL_NS // 2 for cell in range(cells))
    return "".join("█" if at(BLINK[face], middle).on else "·" for middle in middles)
