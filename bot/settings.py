"""What does the operator set? The only reader of the environment and of `.env`."""

from __future__ import annotations

import re
from pathlib import Path

from platformdirs import user_data_path
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from bot.chat import CommandError


class GenerationSettings(BaseModel):
    """How pictures are made. `device` is "cpu", a GPU as torch names it ("cuda:0"), or "auto": a GPU, if any."""

    device: str = "auto"
    default_model: str | None = None
    models_file: Path | None = None
    step_timeout_s: float = Field(default=300.0, gt=0)
    load_timeout_s: float = Field(default=3600.0, gt=0)

    @field_validator("device")
    @classmethod
    def _check_device(cls, device: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
            raise ValueError(f"{device!r} is no device, allowed are auto, cpu, cuda and cuda:NUMBER")
        return device


class DiscordSettings(BaseModel):
    """How Discord is reached; without a token, not at all. `proxy` is the URL of an HTTP proxy."""

    token: SecretStr | None = None
    proxy: str | None = None


class TelegramSettings(BaseModel):
    """How Telegram is reached; without a token, not at all. `base_url` is the root of a Bot API server."""

    token: SecretStr | None = None
    base_url: str | None = None


class Settings(BaseSettings):
    """Everything from `FAIRBRUSH_...`, nested by `__`."""

    model_config = SettingsConfigDict(
        env_prefix="FAIRBRUSH_", env_nested_delimiter="__", env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    data_dir: Path = Field(default_factory=lambda: user_data_path("fairbrush"))
    admins: frozenset[str] = frozenset({"console:me"})
    generation: GenerationSettings = GenerationSettings()
    discord: DiscordSettings = DiscordSettings()
    telegram: TelegramSettings = TelegramSettings()

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that must never be read anywhere."""
        tokens = (self.discord.token, self.telegram.token)
        return tuple(token.get_secret_value() for token in tokens if token is not None)

    @field_validator("data_dir")
    @classmethod
    def _make_absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()


def read_settings() -> Settings:
    """Read the settings.

    Raises:
        CommandError: one of them is wrong; the text names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "__".join(str(part) for part in first["loc"]).upper()
        complaint = first["msg"].removeprefix("Value error, ")
        raise CommandError(f"The setting FAIRBRUSH_{name} is wrong: {complaint}.") from error
    except SettingsError as error:
        field = re.search(r'field "(\w+)"', str(error))
        name = f"FAIRBRUSH_{field[1].upper()}" if field else "one of FAIRBRUSH_..."
        raise CommandError(f"The setting {name} is wrong: it must be JSON, such as a list in brackets.") from error
