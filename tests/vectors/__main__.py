"""Makes tests/vectors/*.json anew from fixed seeds: `python -m tests.vectors`. A test compares them with the types.

Every private key here is an example, made of one repeated byte, and belongs to nobody.
"""

import json
from pathlib import Path

from tests.vectors.make import vectors

if __name__ == "__main__":
    for name, content in vectors().items():
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        (Path(__file__).parent / f"{name}.json").write_text(text, encoding="utf-8")
