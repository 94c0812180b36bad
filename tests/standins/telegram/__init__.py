"""A Telegram of our own, on sockets of this machine, for the real library to talk to."""

from tests.standins.telegram.chats import Chat, Message, Topic
from tests.standins.telegram.faults import Kind
from tests.standins.telegram.inspection import Violation
from tests.standins.telegram.limits import UNLIMITED, Rates
from tests.standins.telegram.people import TelegramPerson
from tests.standins.telegram.server import TelegramServer
from tests.standins.telegram.transport import ApiCall

__all__ = [
    "UNLIMITED",
    "ApiCall",
    "Chat",
    "Kind",
    "Message",
    "Rates",
    "TelegramPerson",
    "TelegramServer",
    "Topic",
    "Violation",
]
