"""Files that are written whole or not at all."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any


def write_json(content: Any, file: pathlib.Path) -> None:
    partial = file.with_suffix(".part")
    partial.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(partial, file)
