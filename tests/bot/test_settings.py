"""Are settings read as they were written, and wrong ones named?"""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.chat import CommandError
from bot.settings import read_settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No .env file but a test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_settings_come_from_the_environment_and_before_that_from_the_env_file(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / ".env").write_text(
        'FAIRBRUSH_ADMINS=["discord:1"]\nFAIRBRUSH_DATA_DIR=from-the-file\nFAIRBRUSH_GENERATION__DEVICE=cpu\nOTHER=1\n'
    )
    monkeypatch.setenv("FAIRBRUSH_DATA_DIR", "from-the-environment")

    settings = read_settings()

    assert settings.admins == {"discord:1"}
    assert settings.data_dir == elsewhere / "from-the-environment"
    assert settings.generation.device == "cpu"


def test_an_empty_setting_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    default = read_settings().data_dir
    monkeypatch.setenv("FAIRBRUSH_DATA_DIR", "")

    assert read_settings().data_dir == default


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("FAIRBRUSH_ADMINS", "me, you", "it must be JSON"),
        ("FAIRBRUSH_ADMINS", "7", "frozenset"),
        ("FAIRBRUSH_GENERATION__DEVICE", "tpu", "'tpu' is no device, allowed are auto, cpu, cuda and cuda:NUMBER"),
        ("FAIRBRUSH_GENERATION__STEP_TIMEOUT_S", "-1", "greater than 0"),
        ("FAIRBRUSH_GENERATION__LOAD_TIMEOUT_S", "soon", "number"),
        ("FAIRBRUSH_TELEGRAM__TOKEN", "Bot 7:hunter2", "a token is one word of plain letters, figures and signs"),
        ("FAIRBRUSH_DISCORD__PROXY", "localhost:3128", "it must be an address such as http://127.0.0.1:8081"),
        ("FAIRBRUSH_TELEGRAM__BASE_URL", "http://[::1", "Invalid IPv6 URL"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, complaint: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(CommandError, match=f"The setting {name} is wrong: .*{complaint}"):
        read_settings()


def test_a_wrong_token_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRBRUSH_TELEGRAM__TOKEN", "7:hunter2 hunter2")

    with pytest.raises(CommandError) as refusal:
        read_settings()

    assert "hunter2" not in str(refusal.value)


def test_tokens_and_the_passwords_in_addresses_are_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRBRUSH_TELEGRAM__TOKEN", " 7:hunter2\n")
    monkeypatch.setenv("FAIRBRUSH_DISCORD__TOKEN", " ")
    monkeypatch.setenv("FAIRBRUSH_DISCORD__PROXY", "http://me:hunter3@proxy:3128")

    settings = read_settings()

    assert settings.secrets == ("7:hunter2", "hunter3")
    assert settings.discord.token is None
    assert "hunter2" not in repr(settings)
