"""How do buttons and forms look on Discord, and how do they come back, even after a restart?

All that they mean is in their custom ids, and the library keeps nothing of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from bot.chat import PAYLOAD, Button, ButtonRows, Form

if TYPE_CHECKING:
    from bot.platforms.discord.client import FairbrushClient

FIELD = "text"  # the custom id of a form's only field
LONGEST_LABEL = 80
LONGEST_TITLE = 45
LONGEST_TEXT = 4000


class PayloadButton(ui.DynamicItem[ui.Button[ui.View]], template=PAYLOAD):
    """Any of our buttons under any message, made anew for each press."""

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - the library's face
        item: ui.Item[Any],
        match: re.Match[str],  # noqa: ARG003
        /,
    ) -> Self:
        """Take up the button that was pressed."""
        assert isinstance(item, ui.Button)
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Hand the press over."""
        client: FairbrushClient = interaction.client
        client.inbox.take_press(interaction, Button.from_payload(self.custom_id))


def keyboard(rows: ButtonRows) -> ui.View:
    """Lay out buttons. A view that is stopped is shown all the same, but the library does not keep it."""
    view = ui.View(timeout=None)
    for number, row in enumerate(rows):
        for button in row:
            shown = ui.Button[ui.View](label=button.label[:LONGEST_LABEL], custom_id=button.payload, row=number)
            view.add_item(shown)
    view.stop()
    return view


def modal(form: Form) -> ui.Modal:
    """Give a form the payload of its button as its id, by which what is filled in finds its way."""
    shown = ui.Modal(title=form.title[:LONGEST_TITLE], custom_id=form.button.payload)
    field = ui.TextInput[ui.Modal](
        style=discord.TextStyle.paragraph,
        custom_id=FIELD,
        default=form.text[:LONGEST_TEXT],
        max_length=LONGEST_TEXT,
    )
    shown.add_item(ui.Label(text=form.label[:LONGEST_TITLE], component=field))
    shown.stop()
    return shown


def filled_in(components: Iterable[Mapping[str, Any]]) -> str:
    """Find what was filled into a form's field, however it is nested."""
    for component in components:
        if component.get("custom_id") == FIELD:
            return str(component.get("value", ""))
        inner = [*component.get("components", ()), *filter(None, [component.get("component")])]
        if found := filled_in(inner):
            return found
    return ""
