"""The tree as text: its files, what each imports, what each names."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def files() -> tuple[Path, ...]:
    """Every file that is or may be committed, as a path from the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(sorted(path for path in map(Path, set(listed.splitlines())) if (ROOT / path).is_file()))


def sources(*folders: str) -> list[Path]:
    """Python files under the folders, as paths from the root."""
    return [path for path in files() if path.suffix == ".py" and path.parts[0] in folders]


def text(path: Path) -> str:
    """The text of a file; bytes that are no text read as replacement characters."""
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


@cache
def syntax(path: Path) -> ast.Module:
    return ast.parse(text(path), filename=str(path))


def imports(path: Path) -> Iterator[str]:
    """Modules imported anywhere in a file, inside functions too."""
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def packages(path: Path) -> set[str]:
    """Top-level packages a file imports."""
    return {module.partition(".")[0] for module in imports(path)}


def classes(path: Path) -> set[str]:
    return {node.name for node in ast.walk(syntax(path)) if isinstance(node, ast.ClassDef)}
