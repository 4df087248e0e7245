"""What is installed on a box: every file of the packages and the product's own files, nothing of the tests."""

import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.arch.tree import ROOT, files

SHARED = ("kits", "demo", "broker")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in the wheel, built from a copy so that the tree stays clean."""
    folder = tmp_path_factory.mktemp("wheel")
    for path in files():
        (folder / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / "tree" / path)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*build, f"--wheel-dir={folder}", folder / "tree"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as packed:
        return set(packed.namelist())


def test_every_file_of_the_packages_is_in_it(wheel: set[str]) -> None:
    assert {str(path) for path in files() if path.parts[0] in {"edge", "drivers"}} - wheel == set()


def test_the_products_own_files_are_in_it(wheel: set[str]) -> None:
    shared = {name.partition("/data/share/kentongan/")[2] for name in wheel}
    wanted = {"/".join(path.parts[1:]) for path in files() if path.parts[0] == "configs" and path.parts[1] in SHARED}
    assert wanted - shared == set()


def test_it_holds_nothing_else(wheel: set[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel if "kentongan_edge-" not in name}
    assert tops == {"edge", "drivers"}
