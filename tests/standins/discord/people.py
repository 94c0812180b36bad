"""What can a person do and see on the stand-in's Discord?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tests.standins.discord.cdn import Cdn
from tests.standins.discord.commands import ATTACHMENT, CHANNEL, MENTIONABLE, ROLE, Commands
from tests.standins.discord.components import BUTTON, LABEL, TEXT_INPUT, Component, buttons, texts, walk
from tests.standins.discord.deeds import Deeds
from tests.standins.discord.interactions import ACKNOWLEDGE_WITHIN_S, Answered, Asked, Interaction
from tests.standins.discord.keyboard import Found, check_offered, find, mentioned_id, options_of_line, typed_options
from tests.standins.discord.messages import Message, Messages
from tests.standins.discord.shapes import channel_json, install_owners, member_json, roles_json, user_json
from tests.standins.discord.world import Channel, User, World
from tests.standins.person import PATIENCE_S, NotOfferedError, Screen, Seen

THINKING = "Fairbrush is thinking..."
NO_ANSWER = "The application did not respond"


class Choice(NamedTuple):
    """What autocomplete offers."""

    name: str
    value: str | int | float


@dataclass(frozen=True)
class Desk:
    """What a person's client works with."""

    world: World
    commands: Commands
    messages: Messages
    cdn: Cdn
    deeds: Deeds
    new_id: Callable[[], str]


@dataclass(eq=False)
class _Hands:
    """What the person did last."""

    last: Interaction | None = None


@dataclass(frozen=True, eq=False)
class DiscordPerson:
    """Somebody at the keyboard, in one place; `at` takes the same person to another."""

    desk: Desk
    user: User
    place: Channel
    screen: Screen
    hands: _Hands = field(default_factory=_Hands)

    @property
    def id(self) -> str:
        return self.user.id

    def at(self, place: Channel) -> DiscordPerson:
        return replace(self, place=place)

    def in_private(self) -> DiscordPerson:
        """The same person in the private chat with the bot."""
        return self.at(self.desk.world.private_chat(self.user))

    def messages(self) -> list[Seen]:
        return self.screen.messages()

    async def until(self, is_it: Callable[[Seen], bool]) -> Seen:
        return await self.screen.until(is_it)

    async def type(self, line: str) -> None:
        words = line.removeprefix("/").split()
        if not line.startswith("/"):
            raise NotOfferedError("Only commands reach the bot: what is typed begins with /.")
        found, used = find(self.desk.commands.registered, words)
        rest = line.removeprefix("/").split(maxsplit=used)
        self._invoke(found, options_of_line(found, rest[used] if len(rest) > used else ""))

    async def invoke(self, name: str, **options: Any) -> None:
        """Invokes "imagine" or "admin model" with typed options: files are `Upload`s, people and roles themselves."""
        found, used = find(self.desk.commands.registered, name.split())
        if used < len(name.split()):
            raise NotOfferedError(f"There is no command /{name}.")
        self._invoke(found, options)

    async def autocomplete(self, name: str, option: str, typed: str, **others: Any) -> list[Choice]:
        """What the bot offers while this is being typed into an option."""
        found, _ = find(self.desk.commands.registered, name.split())
        check_offered(found.command, self.user, self.place)
        about = next((each for each in found.options if each["name"] == option), None)
        if about is None or not about.get("autocomplete"):
            raise NotOfferedError(f"/{name} completes no option {option}.")
        known = {each["name"]: each["type"] for each in found.options}
        given = [{"name": other, "type": known[other], "value": value} for other, value in others.items()]
        given.append({"name": option, "type": about["type"], "value": typed, "focused": True})
        interaction = self._do(Asked.AUTOCOMPLETE, found.data(given))
        async with asyncio.timeout(ACKNOWLEDGE_WITHIN_S):
            _, data = await interaction.answer
        return [Choice(choice["name"], choice["value"]) for choice in data["choices"]]

    async def press(self, message: Seen, payload: str) -> None:
        source = self.desk.messages.by_id.get(message.id)
        if source is None or message.id not in {seen.id for seen in self.messages()}:
            raise NotOfferedError(f"{self.user.name} does not see the message {message.id} any more.")
        if payload not in buttons(source.components):
            there = ", ".join(buttons(source.components)) or "none"
            raise NotOfferedError(f"There is no button {payload!r} to press. There are: {there}.")
        number = next(each["id"] for each in walk(source.components) if each.get("custom_id") == payload)
        data = {"custom_id": payload, "component_type": BUTTON, "id": number}
        self.at(source.channel)._do(Asked.COMPONENT, data, source=source)

    async def fill(self, text: str) -> None:
        opener = self.hands.last
        if opener is None:
            raise NotOfferedError(f"{self.user.name} has not done anything that opens a form.")
        async with asyncio.timeout(PATIENCE_S):
            answered, form = await opener.answer
        if answered is not Answered.MODAL:
            raise NotOfferedError(f"No form was opened: the bot answered with {answered.name}.")
        data = {"custom_id": form["custom_id"], "components": _filled(form["components"], text)}
        there = self.at(opener.channel)
        there._do(Asked.MODAL, data, source=opener.source, before=opener.metadata())

    async def form(self) -> dict[str, Any]:
        """The form that the last press opened, as it is shown."""
        assert self.hands.last is not None
        async with asyncio.timeout(PATIENCE_S):
            answered, form = await self.hands.last.answer
        assert answered is Answered.MODAL, answered
        return dict(form)

    def see(self, message: Message, seen: Seen | None) -> None:
        """Takes a message that is new, changed or deleted to the screen, if it is for these eyes."""
        is_for_me = message.private_to is self.user or message.private_to is None
        if seen is not None and is_for_me and message.channel.is_seen_by(self.user):
            self.screen.show(seen)
        else:
            self.screen.take_away(message.id)

    def _invoke(self, found: Found, options: dict[str, Any]) -> None:
        check_offered(found.command, self.user, self.place)
        resolved: dict[str, dict[str, Any]] = {}
        given = typed_options(found, options, lambda kind, value: self._resolve(kind, value, resolved))
        self._do(Asked.COMMAND, found.data(given) | ({"resolved": resolved} if resolved else {}))

    def _do(self, asked: Asked, data: dict[str, Any], **about: Any) -> Interaction:
        if self.place.guild is not None and not install_owners(self.place, self.user) and about.get("source") is None:
            raise NotOfferedError(f"The bot is not installed in {self.place.name}, nor by {self.user.name}.")
        interaction = self.desk.deeds.do(asked, self.user, self.place, data, failed=self._failed, **about)
        if asked is not Asked.AUTOCOMPLETE:
            self.hands.last = interaction
        return interaction

    def _failed(self, interaction: Interaction) -> None:
        if interaction.asked is not Asked.AUTOCOMPLETE:
            self.screen.show(Seen(f"failed {interaction.id}", NO_ANSWER, (), (), {}, True, False, 0))

    def _resolve(self, kind: int, value: Any, resolved: dict[str, dict[str, Any]]) -> str:
        """Puts what an option names among the resolved things and gives its id."""
        guild, world = self.place.guild, self.desk.world
        if kind == ATTACHMENT:
            file = self.desk.cdn.keep(value, self.desk.new_id(), self.place.id, is_ephemeral=True)
            resolved.setdefault("attachments", {})[file.id] = self.desk.cdn.json(file)
            return file.id
        named = str(value).removeprefix("@")
        if kind in {ROLE, MENTIONABLE}:
            roles = roles_json(guild) if guild is not None else []
            role = next((each for each in roles if each["id"] == mentioned_id(value) or each["name"] == named), None)
            if role is not None:
                resolved.setdefault("roles", {})[role["id"]] = role
                return str(role["id"])
            if kind == ROLE:
                raise NotOfferedError(f"There is no role {value}.")
        if kind == CHANNEL:
            channel = world.channels[mentioned_id(value)]
            resolved.setdefault("channels", {})[channel.id] = channel_json(channel) | {"permissions": "0"}
            return channel.id
        everybody = world.users.values()
        user = next((each for each in everybody if each.id == mentioned_id(value) or each.name == named), None)
        if user is None:
            raise NotOfferedError(f"There is nobody called {value}.")
        resolved.setdefault("users", {})[user.id] = user_json(user)
        if guild is not None and user in guild.members:
            member = member_json(guild, user)
            del member["user"], member["mute"], member["deaf"]
            permissions = {"permissions": str(int(guild.permissions_of(user)))}
            resolved.setdefault("members", {})[user.id] = member | permissions
        return user.id


def _filled(components: list[Component], text: str) -> list[Component]:
    """The form with this text in its first field and what was there before in the others."""
    fields = [component for component in walk(components) if component["type"] == TEXT_INPUT]
    if not fields:
        raise NotOfferedError("The form has no field for text.")
    low, high = fields[0].get("min_length") or 0, fields[0].get("max_length") or 4000
    if not low <= len(text) <= high or (fields[0].get("required") is not False and not text):
        raise NotOfferedError(f"The form takes a text of {low} to {high} letters, not {len(text)}.")
    values = {each["custom_id"]: each.get("value") or "" for each in fields} | {fields[0]["custom_id"]: text}
    return [_sent(component, values, number) for number, component in enumerate(components, 1)]


def _sent(component: Component, values: dict[str, str], number: int) -> Component:
    if component["type"] == LABEL:
        return {"type": LABEL, "id": number, "component": _sent(component["component"], values, number + 50)}
    if component.get("components"):
        inner = [_sent(each, values, number + 50) for each in component["components"]]
        return {"type": component["type"], "id": number, "components": inner}
    sent = {"type": component["type"], "id": number}
    if component.get("custom_id"):
        sent["custom_id"] = component["custom_id"]
    return sent | ({"value": values[component["custom_id"]]} if component["type"] == TEXT_INPUT else {})


def seen_of(message: Message, messages: Messages) -> Seen | None:
    """The message as a client draws it; nothing if it was deleted."""
    if message.is_deleted:
        return None
    shown = messages.shown_files(message)
    lines = [THINKING if message.is_loading else message.content, *texts(message.components)]
    for embed in message.embeds:
        lines += [embed.get("title", ""), embed.get("description", "")]
        lines += [f"{each['name']}: {each['value']}" for each in embed["fields"]]
        lines += [(embed.get("footer") or {}).get("text", "")]
    return Seen(
        id=message.id,
        text="\n".join(line for line in lines if line),
        pictures=tuple(each.data for each in shown if each.is_picture),
        files=tuple(each.filename for each in shown),
        buttons=buttons(message.components),
        is_private=message.private_to is not None,
        is_spoiler=any(each.is_spoiler for each in shown),
        edits=message.edits,
    )
