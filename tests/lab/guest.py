"""Run a command in a lab machine by hand; its exit code is ours (125: the machine died).

python -m tests.lab.guest [--systemd] [--trixie] [--fast] 'ls /dev/gpiochip*'
"""

import sys
from collections.abc import Sequence

from tests.lab.build import parts
from tests.lab.rig import Lab, Setup

LONGEST_S = 600.0
OPTIONS = {"--systemd", "--trixie", "--fast"}


def main(words: Sequence[str]) -> int:
    options, rest = {word for word in words if word in OPTIONS}, [word for word in words if word not in OPTIONS]
    if len(rest) != 1 or rest[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    built = parts()
    if built.missing:
        print("the lab is not built: python -m tests.lab.build", file=sys.stderr)
        return 3
    setup = Setup(
        suite="trixie" if "--trixie" in options else "bookworm",
        init="systemd" if "--systemd" in options else "",
        fast="--fast" in options,
    )
    ended = Lab(built).run(rest[0], setup, timeout_s=LONGEST_S)
    print(ended.output)
    return ended.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
