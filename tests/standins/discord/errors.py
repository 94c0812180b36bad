"""Which errors does Discord answer with, by status and code?"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """Discord says no: an HTTP status, Discord's own code and a text."""

    def __init__(self, status: int, code: int, message: str, **more: Any) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.body = {"code": code, "message": message, **more}


def unauthorized() -> ApiError:
    return ApiError(401, 0, "401: Unauthorized")


def unknown_route() -> ApiError:
    return ApiError(404, 0, "404: Not Found")


def unknown_channel() -> ApiError:
    return ApiError(404, 10003, "Unknown Channel")


def unknown_guild() -> ApiError:
    return ApiError(404, 10004, "Unknown Guild")


def unknown_member() -> ApiError:
    return ApiError(404, 10007, "Unknown Member")


def unknown_message() -> ApiError:
    return ApiError(404, 10008, "Unknown Message")


def unknown_user() -> ApiError:
    return ApiError(404, 10013, "Unknown User")


def unknown_webhook() -> ApiError:
    return ApiError(404, 10015, "Unknown Webhook")


def unknown_interaction() -> ApiError:
    return ApiError(404, 10062, "Unknown interaction")


def too_large() -> ApiError:
    return ApiError(413, 40005, "Request entity too large")


def already_acknowledged() -> ApiError:
    return ApiError(400, 40060, "Interaction has already been acknowledged.")


def too_many_followups() -> ApiError:
    return ApiError(400, 40094, "This interaction has reached the maximum number of follow-up messages")


def missing_access() -> ApiError:
    return ApiError(403, 50001, "Missing Access")


def others_message() -> ApiError:
    return ApiError(403, 50005, "Cannot edit a message authored by another user")


def empty_message() -> ApiError:
    return ApiError(400, 50006, "Cannot send an empty message")


def missing_permissions() -> ApiError:
    return ApiError(403, 50013, "Missing Permissions")


def token_over() -> ApiError:
    return ApiError(401, 50027, "Invalid Webhook Token")


def invalid_form(field: str, problem: str) -> ApiError:
    errors: dict[str, Any] = {"_errors": [{"code": 0, "message": problem}]}
    for name in reversed(field.split(".")):
        errors = {name: errors}
    return ApiError(400, 50035, "Invalid Form Body", errors=errors)


def archived_thread() -> ApiError:
    return ApiError(400, 50083, "Thread is archived")
