"""How long, and for how much, does the token of an interaction hold where the bot is no member?"""

from __future__ import annotations

import time

import pytest

from bot.chat import Place, UndeliverableError
from bot.platforms.discord.tokens import MOST_FOLLOW_UPS, Token, Tokens

HALL = Place(platform="discord", channel="1")


def a_token(*, ends_in_s: float) -> Token:
    return Token(application_id=1, secret="of nobody", place=HALL, ends=time.monotonic() + ends_in_s)


def test_a_token_is_not_used_beyond_its_life() -> None:
    tokens = Tokens()
    tokens.keep("10", a_token(ends_in_s=-1))

    with pytest.raises(UndeliverableError):
        tokens.of("10")
    with pytest.raises(UndeliverableError):
        tokens.at(HALL)
    assert tokens.of("a message that hangs on none") is None


def test_a_token_is_used_for_no_more_messages_than_discord_takes() -> None:
    token = a_token(ends_in_s=60)
    for _ in range(MOST_FOLLOW_UPS):
        token.use_follow_up()

    with pytest.raises(UndeliverableError):
        token.use_follow_up()


def test_a_token_is_not_written_where_it_is_shown() -> None:
    assert "of nobody" not in repr(a_token(ends_in_s=60))
