"""One target under atheris, which guides its bytes by the branches that they reach. Ends with the process."""

import sys

import atheris

with atheris.instrument_imports(include=["edge", "drivers"]):
    from tests.fuzz.targets import TARGETS


def main(name: str, words: list[str]) -> None:
    atheris.Setup([name, *words], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
