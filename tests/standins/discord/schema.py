"""Does what was sent and answered agree with the schema that Discord publishes?"""

from __future__ import annotations

import functools
import json
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.standins.specs import DISCORD_SPEC

SPEC_URI = "urn:discord"
IS_THERE = DISCORD_SPEC.exists()

# Its parts are combined by allOf, where a closed part would refuse the other's fields.
COMBINED = frozenset({"Error"})

# The library names a file to keep by all that it knows of it, as Discord's words on edits allow ("attachment objects").
OF_A_KEPT_FILE = frozenset({"size", "url", "proxy_url", "content_type", "height", "width", "spoiler"})


@functools.cache
def _spec() -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(DISCORD_SPEC.read_bytes())
    for name, schema in spec["components"]["schemas"].items():
        if name not in COMBINED:
            _close(schema)
    return spec


def _close(node: Any) -> None:
    """Lets no field pass that the schema does not name: the published objects are open, so a misspelt one would."""
    if isinstance(node, list):
        for each in node:
            _close(each)
    elif isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and "additionalProperties" not in node:
            node["additionalProperties"] = False
        if any("properties" in part for part in node.get("allOf") or []):
            node["unevaluatedProperties"] = False
            return
        for each in node.values():
            _close(each)


@functools.cache
def _registry() -> Registry[Any]:
    registry: Registry[Any] = Registry()
    return registry.with_resource(SPEC_URI, Resource.from_contents(_spec(), default_specification=DRAFT202012))


@functools.cache
def _validator(pointer: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"{SPEC_URI}#{pointer}"}, registry=_registry())


def _pointer(*parts: str) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


@functools.cache
def _operation(method: str, template: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = _spec()["paths"].get(template, {}).get(method.lower())
    return found


def problems(instance: Any, schema: str) -> list[str]:
    """What is wrong about this value, which should be so ("MessageResponse")."""
    return _problems(instance, _pointer("components", "schemas", schema)) if IS_THERE else []


def request_problems(
    method: str, template: str, query: dict[str, str], payload: Any, *, is_waived: bool = True
) -> list[str]:
    """What is wrong about a request of the bot."""
    if not IS_THERE:
        return []
    operation = _operation(method, template)
    if operation is None:
        return ["there is no such route"]
    known = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
    found = [f"there is no query parameter {name}" for name in query if name not in known]
    if payload is None:
        return found
    if "requestBody" not in operation:
        return [*found, "the route takes no body"]
    pointer = _pointer("paths", template, method.lower(), "requestBody", "content", "application/json", "schema")
    return found + _problems(waived(method, template, payload) if is_waived else payload, pointer)


def reply_problems(method: str, template: str, status: int, body: Any) -> list[str]:
    """What is wrong about a reply of ours."""
    operation = _operation(method, template) if IS_THERE else None
    if operation is None:
        return []
    if status >= 400:
        return problems(body, "RatelimitedResponse" if status == 429 else "ErrorResponse")
    response = operation["responses"].get(str(status))
    if response is None:
        return [f"the status {status} is not among the replies"]
    if body is None or "content" not in response:
        return (
            [] if body is None and "content" not in response else ["a body where none belongs, or none where one does"]
        )
    pointer = ("paths", template, method.lower(), "responses", str(status), "content", "application/json", "schema")
    return _problems(body, _pointer(*pointer))


def _problems(instance: Any, pointer: str) -> list[str]:
    return [_words(error) for error in _validator(pointer).iter_errors(instance)]


def _words(error: ValidationError) -> str:
    deepest = best_match([error]) or error
    path = ".".join(map(str, deepest.absolute_path)) or "body"
    return f"{path}: {deepest.message[:300]}"


def waived(method: str, template: str, payload: Any) -> Any:
    """The payload without the four things that Discord takes though its schema does not name them so."""
    if isinstance(payload, list):
        return [waived(method, template, each) for each in payload]
    if not isinstance(payload, dict):
        return payload
    fair = dict(payload)
    if template.endswith("/commands"):
        fair.pop("nsfw", None)  # documented and given back, but missing in the request
    if template.endswith("/callback") and isinstance(fair.get("data"), dict):
        fair["data"] = _fair_message(fair["data"], is_edit=fair.get("type") in {6, 7})
        return fair
    return _fair_message(fair, is_edit=method == "PATCH")


def _fair_message(payload: dict[str, Any], *, is_edit: bool) -> dict[str, Any]:
    fair = _with_text_ids(payload, "recipient_id")
    if is_edit and fair.get("tts") is False:
        del fair["tts"]  # the library sends it along with each edit
    if isinstance(fair.get("message_reference"), dict):
        fair["message_reference"] = _with_text_ids(fair["message_reference"], "message_id", "channel_id", "guild_id")
    if isinstance(fair.get("attachments"), list):
        fair["attachments"] = [_fair_attachment(each) for each in fair["attachments"]]
    return fair


def _fair_attachment(attachment: dict[str, Any]) -> dict[str, Any]:
    is_new = len(str(attachment.get("id"))) < 3
    fair = {name: value for name, value in attachment.items() if is_new or name not in OF_A_KEPT_FILE}
    return _with_text_ids(fair, "id")


def _with_text_ids(payload: dict[str, Any], *names: str) -> dict[str, Any]:
    """Ids come as integers from the library, and in an example of Discord's own."""
    return payload | {name: str(payload[name]) for name in names if isinstance(payload.get(name), int)}
