"""Which methods of the Bot API are there, and what answers each?"""

from __future__ import annotations

from collections.abc import Callable

from tests.standins.telegram.asking import Asking
from tests.standins.telegram.cloud import Cloud, Query
from tests.standins.telegram.commands import Commands
from tests.standins.telegram.editing import Editing
from tests.standins.telegram.sending import Sending
from tests.standins.telegram.transport import Method


def all_methods(cloud: Cloud, commands: Commands, toast: Callable[[str, Query, str], None]) -> dict[str, Method]:
    """Gives what answers each method; `toast` shows a person the answer to a press."""
    asking, sending, editing = Asking(cloud), Sending(cloud), Editing(cloud, toast)
    return {
        "getMe": asking.me,
        "getUpdates": cloud.updates.poll,
        "getWebhookInfo": asking.webhook_info,
        "deleteWebhook": asking.delete_webhook,
        "getChat": asking.chat,
        "getChatMember": asking.chat_member,
        "getChatAdministrators": asking.administrators,
        "getChatMemberCount": asking.member_count,
        "getFile": asking.file,
        "setMyCommands": commands.set,
        "getMyCommands": commands.get,
        "deleteMyCommands": commands.delete,
        "sendMessage": sending.message,
        "sendPhoto": sending.photo,
        "sendDocument": sending.document,
        "sendMediaGroup": sending.media_group,
        "sendChatAction": sending.chat_action,
        "editMessageText": editing.text,
        "editMessageCaption": editing.caption,
        "editMessageMedia": editing.media,
        "editMessageReplyMarkup": editing.reply_markup,
        "deleteMessage": editing.delete,
        "deleteMessages": editing.delete_many,
        "answerCallbackQuery": editing.answer_query,
    }
