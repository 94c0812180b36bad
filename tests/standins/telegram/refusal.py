"""How does the Bot API say no?"""

from __future__ import annotations

from typing import Any

PREFIXES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
}


class BotApiError(Exception):
    """A call is refused, with the code, the words and the parameters that Telegram would send."""

    def __init__(self, code: int, words: str = "", **parameters: int) -> None:
        prefix = PREFIXES[code]
        self.code = code
        self.description = f"{prefix}: {words}" if words else prefix
        self.parameters = parameters
        super().__init__(self.description)

    def to_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        return body | ({"parameters": self.parameters} if self.parameters else {})


def bad(words: str, **parameters: int) -> BotApiError:
    return BotApiError(400, words, **parameters)


def flooded(retry_after: int) -> BotApiError:
    return BotApiError(429, f"retry after {retry_after}", retry_after=retry_after)
