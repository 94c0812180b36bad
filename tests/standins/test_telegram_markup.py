"""Does the Telegram stand-in read markup and entities as strictly as Telegram?"""

from __future__ import annotations

import html

import pytest
import telegram as library
from hypothesis import given
from hypothesis import strategies as st
from telegram import InputMediaPhoto, MessageEntity
from telegram.error import BadRequest
from telegram.helpers import escape_markdown

from tests.standins.small_telegram_bot import png
from tests.standins.telegram import TelegramPerson, TelegramServer
from tests.standins.telegram.formatting import formatted


@pytest.fixture
def ann(telegram: TelegramServer) -> TelegramPerson:
    return telegram.person("Ann")


def marks(text: str, parse_mode: str = "") -> list[tuple[str, str]]:
    """What is marked in a text, and as what."""
    read = formatted(text, parse_mode)
    units = read.text.encode("utf-16-le")
    return [
        (one["type"], units[2 * one["offset"] : 2 * (one["offset"] + one["length"])].decode("utf-16-le"))
        for one in read.entities
    ]


@pytest.mark.parametrize(
    ("parse_mode", "text", "expected"),
    [
        ("HTML", "<b>🏟 bold <i>both</i></b> &lt;b&gt;", [("bold", "🏟 bold both"), ("italic", "both")]),
        ("HTML", '<a href="https://example.org/">here</a>', [("text_link", "here")]),
        (
            "HTML",
            "<pre><code class='language-py'>x</code></pre><tg-spoiler>y</tg-spoiler>",
            [("pre", "x"), ("spoiler", "y")],
        ),
        ("HTML", "<blockquote expandable>quoted</blockquote>", [("expandable_blockquote", "quoted")]),
        (
            "MarkdownV2",
            "*bold _both_* ||secret|| `code`",
            [("bold", "bold both"), ("italic", "both"), ("spoiler", "secret"), ("code", "code")],
        ),
        (
            "MarkdownV2",
            "__under__ ~gone~ [here](https://example.org/)",
            [("underline", "under"), ("strikethrough", "gone"), ("text_link", "here")],
        ),
        ("MarkdownV2", "```py\nx = 1```", [("pre", "x = 1")]),
        ("MarkdownV2", ">quoted\n>still\nno more", [("blockquote", "quoted\nstill\n")]),
        ("MarkdownV2", r"1\.5 \* 2 \= 3\!", []),
        (
            "Markdown",
            "*bold* _italic_ `code` [here](https://example.org/)",
            [("bold", "bold"), ("italic", "italic"), ("code", "code"), ("text_link", "here")],
        ),
    ],
)
def test_markup_becomes_entities(parse_mode: str, text: str, expected: list[tuple[str, str]]) -> None:
    assert marks(text, parse_mode) == expected


@pytest.mark.parametrize(
    ("parse_mode", "text", "complaint"),
    [
        ("HTML", "a <3 b", "unclosed start tag at byte offset 2"),
        ("HTML", "é <cat> b", 'unsupported start tag "cat" at byte offset 3'),
        ("HTML", "<b>bold</i>", 'unmatched end tag at byte offset 7, expected "</b>", found "</i>"'),
        ("HTML", "<b>bold", "can't find end tag corresponding to start tag"),
        ("HTML", "bold</b>", "unexpected end tag at byte offset 4"),
        ("MarkdownV2", "1.5", "character '.' is reserved and must be escaped with the preceding"),
        ("MarkdownV2", "*bold", "can't find end of bold entity at byte offset 0"),
        ("MarkdownV2", "é `code", "can't find end of code entity at byte offset 3"),
        ("MarkdownV2", "*bold _both*_", "can't find end of"),
        ("Markdown", "snake_case", "can't find end of the entity starting at byte offset 5"),
        ("XML", "x", "unsupported parse_mode"),
    ],
)
async def test_broken_markup_is_refused(
    telegram_bot: library.Bot, ann: TelegramPerson, parse_mode: str, text: str, complaint: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        await telegram_bot.send_message(ann.id, text, parse_mode=parse_mode)

    words = refused.value.message.lower()
    assert complaint in words
    assert words.startswith("can't parse entities: ") or parse_mode == "XML"


async def test_captions_are_read_in_the_same_way(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    message = await telegram_bot.send_photo(ann.id, png(), "<b>done</b>", parse_mode="HTML")
    assert message.caption_entities[0].type == "bold"

    with pytest.raises(BadRequest, match="Can't parse entities"):
        await message.edit_media(InputMediaPhoto(png(), caption="<b>done", parse_mode="HTML"))


async def test_entities_are_taken_as_a_list(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    message = await telegram_bot.send_message(
        ann.id, "🏟 a @cat here", entities=[MessageEntity("bold", 0, 2), MessageEntity("code", 3, 6)]
    )

    assert [(entity.type, entity.offset, entity.length) for entity in message.entities] == [
        ("bold", 0, 2),
        ("code", 3, 6),
    ]
    for wrong in (MessageEntity("bold", 0, 99), MessageEntity("bold", 1, 3)):
        with pytest.raises(BadRequest, match="Entity beginning at utf-16 offset"):
            await telegram_bot.send_message(ann.id, "🏟 a cat", entities=[wrong])


async def test_a_link_to_somebody_mentions_them(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    message = await telegram_bot.send_message(ann.id, f'<a href="tg://user?id={ann.id}">Ann</a>', parse_mode="HTML")

    assert message.entities[0].user is not None
    assert message.entities[0].user.id == ann.id


def test_what_looks_like_something_is_marked_where_nothing_else_says_what_it_is() -> None:
    prompt = "/imagine @everyone #cats $USD https://t.me/+abc, a.b@example.org or example.com/x and 10.0.0.1"

    assert marks(prompt) == [
        ("bot_command", "/imagine"),
        ("mention", "@everyone"),
        ("hashtag", "#cats"),
        ("cashtag", "$USD"),
        ("url", "https://t.me/+abc"),
        ("email", "a.b@example.org"),
        ("url", "example.com/x"),
        ("url", "10.0.0.1"),
    ]
    assert marks(f"<code>{prompt}</code>", "HTML") == [("code", prompt)]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip))
def test_what_is_escaped_stays_as_it_was(text: str) -> None:
    assert formatted(html.escape(text), "HTML").text == text.strip()
    assert formatted(escape_markdown(text, version=2), "MarkdownV2").text == text.strip()
