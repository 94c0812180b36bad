"""Does each platform keep what all of them promise?"""

from __future__ import annotations

import pytest

from bot.chat import Place
from bot.platforms.console import HERE, Bar, ConsolePlatform, PlainText
from tests.bot.chatroom import STUDIO, RecordedPlatform
from tests.bot.platforms.contract import PlatformContract, Shown


class TestRecorded(PlatformContract):
    """The stand-in of the conversation tests keeps the promises of what it stands for."""

    @pytest.fixture
    def place(self) -> Place:
        return STUDIO

    @pytest.fixture
    def platform(self) -> RecordedPlatform:
        return RecordedPlatform()

    @pytest.fixture
    def shown(self, platform: RecordedPlatform) -> Shown:
        return lambda: "\n".join(str((views[-1].text, views[-1].pictures)) for views in platform.messages.values())


class TestPlainText(PlatformContract):
    """The console of a script."""

    @pytest.fixture
    def place(self) -> Place:
        return HERE

    @pytest.fixture
    def platform(self) -> ConsolePlatform:
        return ConsolePlatform(PlainText(is_chat=True), {})

    @pytest.fixture
    def shown(self, capsys: pytest.CaptureFixture[str]) -> Shown:
        return lambda: capsys.readouterr().out


class TestBar(TestPlainText):
    """The console of somebody who looks on."""

    @pytest.fixture
    def platform(self) -> ConsolePlatform:
        return ConsolePlatform(Bar(), {})
