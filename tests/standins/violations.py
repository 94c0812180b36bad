"""What was done against a platform's rules, and which test was it?"""

from __future__ import annotations

_open: dict[int, Violations] = {}


class Violations(list[str]):
    """What a stand-in noticed. While it is open, each test that ends with some fails."""

    def __init__(self, platform: str) -> None:
        super().__init__()
        self._platform = platform

    def open(self) -> None:
        _open[id(self)] = self

    def close(self) -> None:
        _open.pop(id(self), None)

    def text(self) -> str:
        return "\n".join([f"{self._platform}'s rules were broken:", *self])

    def check(self) -> None:
        """Raises what there is, once."""
        if self:
            text = self.text()
            self.clear()
            raise AssertionError(text)


def check_all() -> None:
    """Raises what the open stand-ins have noticed since the last time."""
    for violations in list(_open.values()):
        violations.check()
