"""Where the product's own files lie: configs/ of a checkout, share/kentongan of the environment when installed."""

import sysconfig
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2] / "configs"


def folder(name: str) -> Path:
    """configs/<name>. Raises FileNotFoundError when the installation lost it."""
    for root in (CHECKOUT, Path(sysconfig.get_path("data")) / "share/kentongan"):
        if (root / name).is_dir():
            return root / name
    raise FileNotFoundError(f"configs/{name} is not installed")
