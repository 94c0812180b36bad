"""How fast may the bot ask, and what does Discord say about it?"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from tests.standins.discord.clock import Clock

GLOBAL_LIMIT, GLOBAL_WINDOW_S = 50, 1.0
OLD_S, OLD_EDITS, OLD_WINDOW_S = 3600.0, 3, 6.0


@dataclass(frozen=True)
class Rate:
    """So many requests in so many seconds."""

    limit: int
    per_s: float


# Discord publishes no numbers: these are what its headers have been seen to say.
SEEN = {
    "POST /channels/{channel_id}/messages": Rate(5, 5.0),
    "PATCH /channels/{channel_id}/messages/{message_id}": Rate(5, 5.0),
    "DELETE /channels/{channel_id}/messages/{message_id}": Rate(5, 1.0),
    "/webhooks/": Rate(5, 2.0),
    "PUT /applications/{application_id}/commands": Rate(5, 20.0),
}
OTHERS = Rate(50, 1.0)
MAJOR = ("channel_id", "guild_id", "webhook_id", "webhook_token")


@dataclass
class _Window:
    ends: float
    used: int = 0


@dataclass(frozen=True)
class Verdict:
    """Whether a request may pass, with the headers that say so."""

    wait_s: float
    headers: dict[str, str]
    is_global: bool = False


class Limits:
    """Counts requests per route and place, and over all. `refused` counts the 429s by route."""

    def __init__(self, clock: Clock, rates: Mapping[str, Rate]) -> None:
        self._clock = clock
        self.rates: dict[str, Rate] = {**rates, **{part: SEEN[part] for part in SEEN if part not in rates}}
        self.refused: Counter[str] = Counter()
        self._windows: dict[str, _Window] = {}
        self._recent: deque[float] = deque()
        self._old_edits: dict[str, deque[float]] = {}
        self._closed_until = 0.0

    def close_for(self, seconds: float) -> None:
        """Answers everything with the global 429 for so long."""
        self._closed_until = self._clock.now() + seconds

    def judge(self, route: str, params: Mapping[str, str], *, is_interaction: bool) -> Verdict:
        """Counts a request. Those that answer an interaction stand outside the global limit."""
        if not is_interaction and (wait_s := self._global_wait()) > 0:
            self.refused[route] += 1
            return Verdict(wait_s, {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}, is_global=True)
        if route.endswith("/callback"):
            return Verdict(0.0, {})
        rate = next((rate for prefix, rate in self.rates.items() if prefix in route), OTHERS)
        bucket = hashlib.sha256(route.encode()).hexdigest()[:32]
        window = self._window(":".join([bucket, *(params.get(name, "") for name in MAJOR)]), rate)
        window.used += 1
        left_s = window.ends - self._clock.now()
        headers = {
            "X-RateLimit-Limit": str(rate.limit),
            "X-RateLimit-Remaining": str(max(0, rate.limit - window.used)),
            "X-RateLimit-Reset": f"{window.ends:.3f}",
            "X-RateLimit-Reset-After": f"{left_s:.3f}",
            "X-RateLimit-Bucket": bucket,
        }
        if window.used <= rate.limit:
            return Verdict(0.0, headers)
        self.refused[route] += 1
        return Verdict(left_s, headers | {"X-RateLimit-Scope": "user"})

    def old_edit_wait(self, channel_id: str, created: float) -> float:
        """How long an edit of a message older than an hour has to wait: few are allowed in a channel."""
        now = self._clock.now()
        if now - created <= OLD_S:
            return 0.0
        edits = self._old_edits.setdefault(channel_id, deque())
        while edits and now - edits[0] > OLD_WINDOW_S:
            edits.popleft()
        if len(edits) >= OLD_EDITS:
            return edits[0] + OLD_WINDOW_S - now
        edits.append(now)
        return 0.0

    def _window(self, key: str, rate: Rate) -> _Window:
        now = self._clock.now()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            window = self._windows[key] = _Window(now + rate.per_s)
        return window

    def _global_wait(self) -> float:
        now = self._clock.now()
        if self._closed_until > now:
            return self._closed_until - now
        while self._recent and now - self._recent[0] > GLOBAL_WINDOW_S:
            self._recent.popleft()
        if len(self._recent) >= GLOBAL_LIMIT:
            return self._recent[0] + GLOBAL_WINDOW_S - now
        self._recent.append(now)
        return 0.0
