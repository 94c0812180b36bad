"""What did the bot show of each job, from the first word to the last, as the stand-ins saw it?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.soak.script import JOB
from tests.standins.discord import DiscordServer
from tests.standins.discord.messages import Message as DiscordMessage
from tests.standins.telegram import Message as TelegramMessage
from tests.standins.telegram import TelegramServer

PREVIEW = "preview"  # how the bot calls the small picture of one under way
SMALLEST_PX = 32  # no finished picture is smaller, and no preview larger


@dataclass(slots=True, kw_only=True)
class Post:
    """A message about a job: the bot's id of it, what it shows now, and what it has ever shown."""

    platform: str
    id: str
    place: str
    job_id: int
    state: str = ""
    pictures: tuple[bytes, ...] = ()
    is_gone: bool = False
    moments: list[tuple[float, str]] = field(default_factory=list)  # when it changed, and to which state
    has_shown: set[bytes] = field(default_factory=set)

    @property
    def is_over(self) -> bool:
        """Tell whether it shows how the job ended."""
        return self.state in ("done", "cancelled", "failed")


class Ledger:
    """Watches both stand-ins. Only messages that are about a job, as its own message is, are kept."""

    def __init__(self, discord: DiscordServer, telegram: TelegramServer) -> None:
        self.posts: dict[tuple[str, str], Post] = {}
        self._telegram = telegram
        discord.onlookers.append(self._see_discord)
        telegram.cloud.onlookers.append(self._see_telegram)

    def of_jobs(self) -> dict[int, list[Post]]:
        """Give the messages of each job, the oldest first."""
        found: dict[int, list[Post]] = {}
        for post in self.posts.values():
            found.setdefault(post.job_id, []).append(post)
        return found

    def _see_discord(self, message: DiscordMessage) -> None:
        pictures = [each.data for each in message.attachments if not each.filename.startswith(PREVIEW)]
        self._see("discord", message.id, message.channel.id, message.content, pictures, is_gone=message.is_deleted)

    def _see_telegram(self, message: TelegramMessage, is_gone: bool) -> None:  # noqa: FBT001 - the stand-in calls it so
        if not message.is_from_bot:
            return
        text = message.body.get("text") or message.body.get("caption") or ""
        sizes = message.body.get("photo", [])
        is_finished = bool(sizes) and min(sizes[-1]["width"], sizes[-1]["height"]) >= SMALLEST_PX
        pictures = [self._telegram.cloud.files.content(sizes[-1]["file_id"])] if is_finished else []
        key = message.key.replace("/", ":")
        self._see("telegram", key, str(message.chat.id), text, pictures, is_gone=is_gone)

    def _see(
        self, platform: str, message_id: str, place: str, text: str, pictures: Sequence[bytes], *, is_gone: bool
    ) -> None:
        match = JOB.match(text)
        known = self.posts.get((platform, message_id))
        if match is None:
            assert known is None, f"the message of job {known.job_id} became {text!r}"
            return
        job_id, state = int(match["id"]), match["state"] or "running"
        post = known or Post(platform=platform, id=message_id, place=place, job_id=job_id)
        assert post.job_id == job_id, f"the message of job {post.job_id} became that of job {job_id}"
        self.posts[platform, message_id] = post
        post.state, post.pictures, post.is_gone = state, tuple(pictures), is_gone
        post.moments.append((time.monotonic(), state))
        post.has_shown |= set(pictures)
