"""Build what the lab runs on: one User-Mode Linux kernel and two root file systems. Root, about four minutes, once.

    python -m tests.lab.build       builds what is missing; 0 ready, 3 it cannot be built here and why

Kept outside git in `.cache/lab`, or in $KENTONGAN_LAB_CACHE when several clones share it. Each part lies in a folder
named after a digest of everything that goes into it, so that a changed list builds anew and an unchanged one never.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LAB = Path(__file__).resolve().parent
ROOT = LAB.parent.parent
LOCK = ROOT / "tests/lock.txt"

KERNEL_SOURCE = ("trixie", "linux-source-6.12")  # the long-term kernel nearest to a Pi's; has gpio-sim
# gpio-sim hands an edge on at the next timer tick, so that the tick bounds how late an edge is: 1 ms instead of 10.
TICK = ("arch/um/Kconfig", "config HZ\n\tint\n\tdefault 100\n", "config HZ\n\tint\n\tdefault 1000\n")
TOOLS = {  # command -> Debian package
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "gcc": "gcc",
    "make": "make",
    "flex": "flex",
    "bison": "bison",
    "bc": "bc",
    "xz": "xz-utils",
}
PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}  # Debian 12 and 13, as Raspberry Pi OS
PACKAGES = (
    "systemd-sysv", "dbus", "udev", "kmod", "iproute2", "procps", "python3", "mosquitto",
)  # fmt: skip
HOST_ONLY = {  # of the lock: what checks the code and never runs in a machine, and onvif-zeep, which has no wheel
    "ast-serialize", "coverage", "grimp", "import-linter", "librt", "mypy", "mypy-extensions", "onvif-zeep",
    "pathspec", "pip", "ruff", "setuptools",
}  # fmt: skip
LGPIO = "lgpio==0.2.2.0"  # beside the lock: the pin factory that was not chosen, to compare with; no wheel for 3.13
WHEEL_PLATFORMS = ("manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_34")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
NEVER_STARTED = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
    "fstrim.timer", "getty.target", "mosquitto.service",
)  # fmt: skip
# The only part of process 1 that is built in: everything else comes from init.sh at each run.
FIRST = """#!/bin/sh
mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t hostfs -o "$SHARE" host /host; exec sh /host/init
"""
IMAGE_MB = 800


class CannotBuild(Exception):
    """What is missing and what to do about it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the built parts are, or would be."""

    kernel: Path
    images: dict[str, Path]

    @property
    def missing(self) -> list[Path]:
        return [part for part in (self.kernel, *self.images.values()) if not part.exists()]


def parts() -> Parts:
    cache = Path(os.environ.get("KENTONGAN_LAB_CACHE") or ROOT / ".cache/lab").resolve()
    kernel = cache / f"kernel-{_digest((LAB / 'kernel.config').read_text(), *KERNEL_SOURCE, *TICK)}"
    recipe = (*locked(), FIRST, LGPIO, repr(PACKAGES), repr(NEVER_STARTED), str(IMAGE_MB))
    return Parts(
        kernel / "linux", {suite: cache / f"{suite}-{_digest(suite, *recipe)}" / "root.img" for suite in PYTHONS}
    )


def locked() -> dict[str, str]:
    """What the machines get: "name==version" -> its lines of the lock, with the hashes."""
    entries: dict[str, str] = {}
    name = ""
    for line in LOCK.read_text().splitlines(keepends=True):
        if line[0].isalnum():
            name = line.split()[0]
        if name and not line.startswith("#") and name.partition("==")[0] not in HOST_ONLY:
            entries[name] = entries.get(name, "") + line
    return entries


def build(parts: Parts) -> None:
    """Build what is missing. Raises CannotBuild."""
    if not parts.missing:
        return
    _check_host()
    with _alone(parts.kernel.parent.parent):
        if parts.kernel in parts.missing:
            _into(parts.kernel.parent, _build_kernel)
        for suite, image in parts.images.items():
            if image in parts.missing:
                _into(image.parent, lambda folder, suite=suite: _build_root(folder, suite))  # type: ignore[misc]  # bound


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def _check_host() -> None:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise CannotBuild(f"the lab's kernel is built for Linux on x86_64, this is {platform.machine()}")
    if os.geteuid() != 0:
        raise CannotBuild("the lab is built by root, once: sudo .venv/bin/python -m tests.lab.build")
    wanted = sorted({package for command, package in TOOLS.items() if shutil.which(command) is None})
    if wanted:
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted)


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _into(folder: Path, make: Callable[[Path], None]) -> None:
    """Make a part beside its place and move it there when it is whole."""
    print(f"lab: building {folder.name}", flush=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="building-") as place:
        draft = Path(place)
        (draft / "done").mkdir()
        make(draft)
        (draft / "done").chmod(0o755)
        (draft / "done").rename(folder)


def _run(*command: str, cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    """Raises CannotBuild with the last lines of what the command said."""
    ended = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(environment or {})}, text=True, capture_output=True, check=False
    )
    if ended.returncode != 0:
        said = "\n".join((ended.stdout + ended.stderr).strip().splitlines()[-8:])
        raise CannotBuild(f"{' '.join(command)[:200]} failed with {ended.returncode}:\n{said}")
    return ended.stdout


def _mirror() -> str:
    """Where this machine takes its own packages from."""
    for line in _run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)").splitlines():
        address, release, component = line.split()
        if release in PYTHONS and component == "main":
            return address
    raise CannotBuild("apt knows no Debian mirror on this machine; run apt-get update")


def _build_kernel(draft: Path) -> None:
    source, output = _kernel_source(draft), draft / "kernel"
    make = ("make", "-s", "-C", str(source), "ARCH=um", f"O={output}", f"-j{os.cpu_count()}")
    output.mkdir()
    _run(*make, "allnoconfig", environment={"KCONFIG_ALLCONFIG": str(LAB / "kernel.config")})
    taken = set((output / ".config").read_text().splitlines())
    refused = [line for line in (LAB / "kernel.config").read_text().splitlines() if "=" in line and line not in taken]
    if refused:
        raise CannotBuild(f"this kernel does not take: {', '.join(refused)}")
    _run(*make, "linux")
    _run("strip", "-o", str(draft / "done/linux"), str(output / "linux"))


def _kernel_source(draft: Path) -> Path:
    """Fetch Debian's kernel source with a private apt state: the machine's own sources stay as they are."""
    suite, package = KERNEL_SOURCE
    for folder in ("lists/partial", "cache/archives/partial"):
        (draft / "apt" / folder).mkdir(parents=True)
    (draft / "apt/sources").write_text(f"deb [signed-by={KEYRING}] {_mirror()} {suite} main\n")
    (draft / "apt/conf").write_text(
        f'Dir::State "{draft}/apt"; Dir::State::status "/dev/null"; Dir::Cache "{draft}/apt/cache";'
        f' Dir::Etc::sourcelist "{draft}/apt/sources"; Dir::Etc::sourceparts "/dev/null"; APT::Sandbox::User "root";'
        ' Acquire::Languages "none";\n'
    )
    private = {"APT_CONFIG": str(draft / "apt/conf")}
    _run("apt-get", "update", "-qq", environment=private)
    _run("apt-get", "download", "-qq", package, cwd=draft, environment=private)
    unpack = f"dpkg-deb --fsys-tarfile {package}_*.deb | tar -xO --wildcards '*{package}.tar.xz' | tar -xJ"
    _run("bash", "-o", "pipefail", "-ec", unpack, cwd=draft)
    _quicken(draft / package)
    return draft / package


def _quicken(source: Path) -> None:
    name, slow, quick = TICK
    text = (source / name).read_text()
    if text.count(slow) != 1:
        raise CannotBuild(f"{name} of this kernel does not set the timer tick as expected")
    (source / name).write_text(text.replace(slow, quick))


def _build_root(draft: Path, suite: str) -> None:
    root = draft / "root"
    leave_out = [f"--dpkgopt=path-exclude=/usr/share/{what}/*" for what in ("man", "doc", "locale", "info")]
    _run(
        "mmdebstrap", "-q", "--mode=root", "--variant=minbase", '--aptopt=Acquire::Languages "none"', *leave_out,
        f"--include={','.join(PACKAGES)}", suite, str(root), f"deb [signed-by={KEYRING}] {_mirror()} {suite} main",
    )  # fmt: skip
    _install_wheels(draft, suite)
    _settle(root)
    _run("mke2fs", "-q", "-t", "ext4", "-d", str(root), str(draft / "done/root.img"), f"{IMAGE_MB}M")


def _install_wheels(draft: Path, suite: str) -> None:
    """Put the locked packages where the image's own Python looks, from outside: the image needs no pip."""
    version = PYTHONS[suite]
    target = draft / f"root/usr/local/lib/python{version}/dist-packages"
    platforms = [f"--platform={name}_x86_64" for name in WHEEL_PLATFORMS]
    pip = (
        sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary=:all:", *platforms,
        f"--python-version={version}", f"--target={target}",
    )  # fmt: skip
    wanted = draft / "lock.txt"
    wanted.write_text("".join(locked().values()))
    _run(*pip, "--require-hashes", "-r", str(wanted))
    if version == "3.11":
        _run(*pip, LGPIO)


def _settle(root: Path) -> None:
    (root / "lab-init").write_text(FIRST)
    (root / "lab-init").chmod(0o755)
    (root / "host").mkdir()
    (root / "repo").mkdir()
    (root / "etc/hostname").write_text("gw\n")
    units = root / "etc/systemd/system"
    _link(units / "default.target", "/lib/systemd/system/multi-user.target")
    for unit in NEVER_STARTED:
        _link(units / unit, "/dev/null")


def _link(place: Path, target: str) -> None:
    place.unlink(missing_ok=True)
    place.symlink_to(target)


def main(words: Sequence[str]) -> int:
    if words:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        build(parts())
    except CannotBuild as reason:
        print(f"lab: cannot be built here: {reason}", file=sys.stderr)
        return 3
    print("lab: ready")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
