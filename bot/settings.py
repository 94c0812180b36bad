"""What does the operator set? The only reader of the environment and of `.env`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from bot.chat import CommandError
from bot.policies import BY_FIELD
from generation import BACKENDS, Policy, Precision

EXAMPLE_ADDRESS = "http://127.0.0.1:8081"
DEFAULTS = Policy()


class GenerationSettings(BaseModel):
    """How pictures are made.

    `device` is "cpu", a GPU as torch names it ("cuda:0"), or "auto": a GPU, if any. Several, separated by commas, make
    pictures at the same time. `precision` is that of denoisers on a GPU, where "auto" is whichever is quickest, and
    `vram_limit_gib` is how much of its memory may be used. `compile` says by what a GPU's idle time is used to make its
    models faster.
    """

    device: str = "auto"
    default_model: str | None = None
    models_file: Path | None = None
    loras_dir: Path | None = None
    step_timeout_s: float = Field(default=300.0, gt=0)
    load_timeout_s: float = Field(default=3600.0, gt=0)
    precision: Literal["auto", "bfloat16", "fp8", "int8", "nf4"] = "auto"
    vram_limit_gib: float | None = Field(default=None, gt=0)
    compile: str = "auto"

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices, each of which has a worker of its own."""
        return tuple(self.device.split(","))

    @property
    def wanted_precision(self) -> Precision | None:
        """The precision of denoisers, None for whichever is quickest."""
        return None if self.precision == "auto" else Precision(self.precision)

    @field_validator("device")
    @classmethod
    def _check_device(cls, text: str) -> str:
        devices = [device.strip() for device in text.split(",")]
        for device in devices:
            if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
                allowed = "auto, cpu, cuda and cuda:NUMBER, several separated by commas"
                raise ValueError(f"{device!r} is no device, allowed are {allowed}")
        gpus = [device for device in devices if device != "cpu"]
        if len(gpus) > 1 and (len(set(gpus)) < len(gpus) or {"auto", "cuda"} & set(gpus)):
            raise ValueError(f"{text!r} may mean one GPU twice, name each by its number, such as cuda:0,cuda:1")
        return ",".join(devices)

    @field_validator("compile")
    @classmethod
    def _check_compile(cls, word: str) -> str:
        if word not in BACKENDS:
            raise ValueError(f"{word!r} is not possible, allowed are {', '.join(BACKENDS)}")
        return word


class QueueSettings(BaseModel):
    """The queue's policy, until an admin changes it from chat; /admin policy says what each number does."""

    window_s: float = DEFAULTS.window_s
    staleness: float = DEFAULTS.staleness
    longest_dispatch_s: float = DEFAULTS.longest_dispatch_s
    interactive_s: float = DEFAULTS.interactive_s
    boost_s_per_hour: float = DEFAULTS.boost_s_per_hour

    @property
    def policy(self) -> Policy:
        """The queue's parameters."""
        return Policy(**self.model_dump())

    @field_validator("*")
    @classmethod
    def _check_range(cls, value: float, info: ValidationInfo) -> float:
        parameter = BY_FIELD[info.field_name or ""]
        if not parameter.is_possible(value):
            raise ValueError(f"{value:g} is not possible, {parameter.word} can be {parameter.allowed}")
        return value


def _check_token(token: object) -> object:
    """Take a token as it was pasted, with blanks around it or nothing at all."""
    if not isinstance(token, str):
        return token
    if not re.fullmatch(r"[!-~]*", token.strip()):
        raise ValueError("a token is one word of plain letters, figures and signs, as the platform shows it")
    return token.strip() or None


def _check_address(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"it must be an address such as {EXAMPLE_ADDRESS}")
    return address


Token = Annotated[SecretStr | None, BeforeValidator(_check_token)]
Address = Annotated[str, AfterValidator(_check_address)]


class DiscordSettings(BaseModel):
    """How Discord is reached; without a token, not at all. `proxy` is the URL of an HTTP proxy."""

    token: Token = None
    proxy: Address | None = None


class TelegramSettings(BaseModel):
    """How Telegram is reached; without a token, not at all. `base_url` is the root of a Bot API server."""

    token: Token = None
    base_url: Address | None = None


class Settings(BaseSettings):
    """Everything from `FAIRBRUSH_...`, nested by `__`, and what the model hub's library reads by its own names."""

    model_config = SettingsConfigDict(
        env_prefix="FAIRBRUSH_", env_nested_delimiter="__", env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    data_dir: Path = Field(default_factory=lambda: user_data_path("fairbrush"))
    admins: frozenset[str] = frozenset({"console:me"})
    generation: GenerationSettings = GenerationSettings()
    queue: QueueSettings = QueueSettings()
    discord: DiscordSettings = DiscordSettings()
    telegram: TelegramSettings = TelegramSettings()
    hub_token: Token = Field(default=None, validation_alias="HF_TOKEN")
    hub_home: str | None = Field(default=None, validation_alias="HF_HOME")
    hub_cache: str | None = Field(default=None, validation_alias="HF_HUB_CACHE")
    hub_endpoint: str | None = Field(default=None, validation_alias="HF_ENDPOINT")
    hub_offline: str | None = Field(default=None, validation_alias="HF_HUB_OFFLINE")

    @property
    def loras_dir(self) -> Path:
        """Where an admin puts adapters."""
        chosen = self.generation.loras_dir
        return self.data_dir / "loras" if chosen is None else chosen.expanduser().absolute()

    @property
    def of_hub(self) -> dict[str, str]:
        """What the model hub's library is told, by its own names."""
        token = None if self.hub_token is None else self.hub_token.get_secret_value()
        own = {
            "HF_TOKEN": token,
            "HF_HOME": self.hub_home,
            "HF_HUB_CACHE": self.hub_cache,
            "HF_ENDPOINT": self.hub_endpoint,
            "HF_HUB_OFFLINE": self.hub_offline,
        }
        return {name: value for name, value in own.items() if value is not None}

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that must never be read anywhere: the tokens, and the passwords in addresses."""
        tokens = (self.discord.token, self.telegram.token, self.hub_token)
        addresses = (self.discord.proxy, self.telegram.base_url)
        secrets = [token.get_secret_value() for token in tokens if token is not None]
        secrets += [password for address in addresses if (password := urlsplit(address or "").password)]
        return tuple(secrets)

    @field_validator("data_dir")
    @classmethod
    def _make_absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()


def read_settings() -> Settings:
    """Read the settings, and let the model hub's library find its own, wherever they were written.

    Raises:
        CommandError: one of them is wrong; the text names it.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "__".join(str(part) for part in first["loc"]).upper()
        complaint = first["msg"].removeprefix("Value error, ")
        full_name = name if name.startswith("HF_") else f"FAIRBRUSH_{name}"
        raise CommandError(f"The setting {full_name} is wrong: {complaint}.") from error
    except SettingsError as error:
        field = re.search(r'field "(\w+)"', str(error))
        name = f"FAIRBRUSH_{field[1].upper()}" if field else "one of FAIRBRUSH_..."
        raise CommandError(f"The setting {name} is wrong: it must be JSON, such as a list in brackets.") from error
    os.environ.update(settings.of_hub)
    return settings
