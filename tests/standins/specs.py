"""Where do the schemas lie that the platforms publish?"""

from __future__ import annotations

from pathlib import Path

SPECS = Path(__file__).parents[3] / "shared" / "specs"
DISCORD_SPEC = SPECS / "discord-openapi.json"
TELEGRAM_SPEC = SPECS / "telegram-api.json"
