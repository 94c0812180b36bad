"""Are settings read as they were written, and wrong ones named?"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bot.chat import CommandError
from bot.settings import read_settings
from generation import Policy


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


def test_the_hubs_library_finds_its_settings_in_the_env_file_too_and_the_token_is_a_secret(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_TOKEN", "HF_HOME"):  # what is read below is forgotten again after the test
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    (elsewhere / ".env").write_text("HF_TOKEN= hf_1234 \nHF_HOME=/models\nHF_ENDPOINT=http://elsewhere\n")

    settings = read_settings()

    assert (os.environ["HF_TOKEN"], os.environ["HF_HOME"]) == ("hf_1234", "/models")
    assert os.environ["HF_ENDPOINT"] == "http://127.0.0.1:1"
    assert "hf_1234" in settings.secrets
    assert "hf_1234" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        ("auto", ("auto",)),
        ("cuda:0, cuda:1", ("cuda:0", "cuda:1")),
        ("cpu,cpu", ("cpu", "cpu")),
        ("cuda,cpu", ("cuda", "cpu")),
    ],
)
def test_several_devices_are_separated_by_commas(
    monkeypatch: pytest.MonkeyPatch, text: str, devices: tuple[str, ...]
) -> None:
    monkeypatch.setenv("FAIRBRUSH_GENERATION__DEVICE", text)

    assert read_settings().generation.devices == devices


def test_the_queue_has_its_own_numbers_unless_they_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRBRUSH_QUEUE__WINDOW_S", "60")

    assert read_settings().queue.policy == replace(Policy(), window_s=60.0)


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
        ("FAIRBRUSH_GENERATION__DEVICE", "cuda:0,", "'' is no device, allowed are .*, several separated by commas"),
        ("FAIRBRUSH_GENERATION__DEVICE", "cuda:0,cuda:0", "may mean one GPU twice, name each by its number"),
        ("FAIRBRUSH_GENERATION__DEVICE", "auto,cuda:1", "may mean one GPU twice"),
        ("FAIRBRUSH_GENERATION__PRECISION", "fp4", "Input should be 'auto', 'bfloat16', 'fp8', 'int8' or 'nf4'"),
        ("FAIRBRUSH_GENERATION__VRAM_LIMIT_GIB", "0", "Input should be greater than 0"),
        ("FAIRBRUSH_GENERATION__COMPILE", "always", "'always' is not possible, allowed are auto, off, tensorrt"),
        ("FAIRBRUSH_GENERATION__STEP_TIMEOUT_S", "-1", "greater than 0"),
        ("FAIRBRUSH_GENERATION__LOAD_TIMEOUT_S", "soon", "number"),
        ("FAIRBRUSH_QUEUE__WINDOW_S", "601", "601 is not possible, window can be 0 to 600 s"),
        ("FAIRBRUSH_QUEUE__STALENESS", "-1", "-1 is not possible, staleness can be 0 to 50"),
        ("FAIRBRUSH_QUEUE__LONGEST_DISPATCH_S", "0", "0 is not possible, longest can be 1 to 3600 s"),
        ("FAIRBRUSH_QUEUE__INTERACTIVE_S", "nan", "nan is not possible, interactive can be 0 to 3600 s"),
        ("FAIRBRUSH_QUEUE__BOOST_S_PER_HOUR", "1e9", "1e.09 is not possible, boost can be 0 to 3600 s"),
        ("FAIRBRUSH_QUEUE__WINDOW_S", "soon", "number"),
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
