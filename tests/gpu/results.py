"""How are results kept, so that a run that is cut off loses nothing and the next one goes on where it was?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Results:
    """A tree of plain values in one JSON file, written anew after each value."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.tree: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}

    def has(self, *path: str) -> bool:
        """Tell whether this was measured already."""
        node: Any = self.tree
        for name in path:
            if not isinstance(node, dict) or name not in node:
                return False
            node = node[name]
        return True

    def put(self, *path: str, value: Any) -> None:
        """Keep a value."""
        node = self.tree
        for name in path[:-1]:
            node = node.setdefault(name, {})
        node[path[-1]] = value
        unfinished = self._file.with_suffix(".new")
        unfinished.write_text(json.dumps(self.tree, indent=1))
        unfinished.replace(self._file)
