"""What happens to each HTTP request of the bot before and after its route is asked?"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.standins.discord.drafts import Draft, read_draft
from tests.standins.discord.errors import ApiError, invalid_form, unauthorized, unknown_route
from tests.standins.discord.faults import Faults
from tests.standins.discord.limits import Limits
from tests.standins.discord.schema import reply_problems, request_problems

ROOT = "/api/v10"
# What these say is the bot's mistake, whatever it makes of the answer.
MISTAKES = frozenset({50006, 50035, 50109})


@dataclass(frozen=True)
class Call:
    """A request that came through: what a route is given."""

    params: Mapping[str, str]
    query: Mapping[str, str]
    draft: Draft


@dataclass(frozen=True)
class Reply:
    body: Any = None
    status: int = 200


@dataclass(frozen=True)
class Request:
    """A request as it came in: for what, with which ids in its path, when."""

    route: str
    params: Mapping[str, str]
    at: float


NO_CONTENT = Reply(status=204)
Handle = Callable[[Call], Reply]


@dataclass(frozen=True)
class Route:
    """A route, named as in Discord's own schema: "PATCH /channels/{channel_id}/messages/{message_id}"."""

    name: str
    handle: Handle
    needs_token: bool = True
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template)
        object.__setattr__(self, "pattern", re.compile(pattern))

    @property
    def method(self) -> str:
        return self.name.split(" ", 1)[0]

    @property
    def template(self) -> str:
        return self.name.split(" ", 1)[1]


class Rest:
    """Discord's HTTP API: token, faults, rates, schema, route, schema, faults, answer, in this order."""

    def __init__(
        self, token: Callable[[], str], routes: Iterable[Route], limits: Limits, faults: Faults, violations: list[str]
    ) -> None:
        self._token = token
        self._routes = list(routes)
        self._limits = limits
        self._faults = faults
        self._violations = violations
        self.requests: Counter[str] = Counter()
        self.received: list[Request] = []
        self.statuses: Counter[int] = Counter()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            route, params = self._find(request)
        except ApiError as error:
            self._violations.append(f"{request.method} {request.path}: there is no such route")
            return self._answer(Reply(error.body, error.status), {})
        self.requests[route.name] += 1
        self.received.append(Request(route.name, params, time.monotonic()))
        await self._faults.wait(route.name)
        if (fault := self._faults.next(route.name, is_after=False)) is not None:
            return self._broken(request, fault.status)
        verdict = self._limits.judge(route.name, params, is_interaction=not route.needs_token)
        if verdict.wait_s > 0:
            return self._too_fast(verdict.wait_s, verdict.headers, is_global=verdict.is_global)
        reply = await self._reply(request, route, params)
        if (fault := self._faults.next(route.name, is_after=True)) is not None:
            return self._broken(request, fault.status)
        self._note(route, "reply", reply_problems(route.method, route.template, reply.status, reply.body))
        if reply.status == 429:
            return self._too_fast(reply.body["retry_after"], verdict.headers, body=reply.body, is_global=False)
        return self._answer(reply, verdict.headers)

    def _find(self, request: web.Request) -> tuple[Route, dict[str, str]]:
        path = request.path.removeprefix(ROOT) if request.path.startswith(ROOT) else ""
        matches = [(route, found) for route in self._routes if (found := route.pattern.fullmatch(path))]
        for route, found in sorted(matches, key=lambda match: len(match[1].groups())):
            if route.method == request.method:
                return route, found.groupdict()
        raise unknown_route()

    async def _reply(self, request: web.Request, route: Route, params: dict[str, str]) -> Reply:
        try:
            draft = await read_draft(request)
            if route.needs_token and request.headers.get("Authorization") != f"Bot {self._token()}":
                raise unauthorized()
            self._faults.raise_refusal(route.name)
            query = dict(request.query)
            found = request_problems(route.method, route.template, query, draft.payload)
            if found:
                raise invalid_form("body", "; ".join(found))
            return self._carry_out(route, Call(params, query, draft))
        except ApiError as error:
            if error.body["code"] in MISTAKES:
                self._note(route, "request", [json.dumps(error.body.get("errors", error.body["message"]))])
            return Reply(error.body, error.status)

    def _carry_out(self, route: Route, call: Call) -> Reply:
        try:
            return route.handle(call)
        except ApiError:
            raise
        except Exception as error:
            self._note(route, "the stand-in is broken", [repr(error)])
            raise

    def _note(self, route: Route, which: str, found: list[str]) -> None:
        self._violations.extend(f"{route.name} ({which}): {problem}" for problem in found)

    def _broken(self, request: web.Request, status: int) -> web.StreamResponse:
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
        self.statuses[status] += 1
        return web.json_response({"code": 0, "message": f"{status}: Internal Server Error"}, status=status or 500)

    def _too_fast(
        self, wait_s: float, headers: dict[str, str], *, is_global: bool, body: dict[str, Any] | None = None
    ) -> web.Response:
        told = body or {"code": 0, "message": "You are being rate limited.", "retry_after": wait_s, "global": is_global}
        return self._answer(Reply(told, 429), {**headers, "Retry-After": str(int(wait_s) + 1)})

    def _answer(self, reply: Reply, headers: dict[str, str]) -> web.Response:
        """The library takes only the bare type for JSON, and a 429 without Via for the ban of a firewall."""
        self.statuses[reply.status] += 1
        headers = {**headers, "Via": "1.1 google"}
        if reply.body is None:
            return web.Response(status=reply.status, headers=headers)
        body = json.dumps(reply.body, separators=(",", ":")).encode()
        return web.Response(body=body, status=reply.status, headers=headers | {"Content-Type": "application/json"})
