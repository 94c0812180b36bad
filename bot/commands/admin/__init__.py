"""What may only admins do? One group of commands a file."""

from bot.commands.admin.boosts import BoostAdmin
from bot.commands.admin.members import MemberAdmin
from bot.commands.admin.models import ModelAdmin
from bot.commands.admin.places import PlaceAdmin
from bot.commands.admin.policy import PolicyAdmin
from bot.commands.admin.queue import PAUSED, QueueAdmin
from bot.commands.admin.quotas import QuotaAdmin
from bot.commands.admin.weights import WeightAdmin

__all__ = [
    "PAUSED",
    "BoostAdmin",
    "MemberAdmin",
    "ModelAdmin",
    "PlaceAdmin",
    "PolicyAdmin",
    "QueueAdmin",
    "QuotaAdmin",
    "WeightAdmin",
]
