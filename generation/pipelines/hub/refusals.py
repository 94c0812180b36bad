"""How does it read when the hub refuses a model, or cannot be asked for it?"""

from __future__ import annotations

from typing import TypeAlias

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from generation.errors import ModelLoadError
from generation.models.model import HUB, ModelSpec
from generation.pipelines.hub.needs import Need

UNAUTHORISED = 401
TRANSIENT = (408, 429, 500, 502, 503, 504)  # statuses that may be others a moment later

HubError: TypeAlias = HfHubHTTPError | httpx2.TransportError | OfflineModeIsEnabled | ValueError
HUB_ERRORS = (HfHubHTTPError, httpx2.TransportError, OfflineModeIsEnabled)  # of a call, one and all


def refusal(spec: ModelSpec, need: Need, error: HubError) -> ModelLoadError:
    """Give the sentence for an error of the hub or of the way there."""
    match error:
        case GatedRepoError():
            text = _gated(spec, need.repository)
        case RepositoryNotFoundError():
            text = (
                f"{spec.name}: there is no repository {need.repository} on the hub, or it is private and HF_TOKEN does "
                "not open it."
            )
        case RevisionNotFoundError():
            text = f"{spec.name}: {need.repository} has no revision {need.revision} on the hub."
        case OfflineModeIsEnabled():
            text = f"{spec.name} is not whole in the local cache, and HF_HUB_OFFLINE keeps it from being downloaded."
        case HfHubHTTPError() if error.response.status_code == UNAUTHORISED:
            text = (
                f"{spec.name}: the hub does not take the token in HF_TOKEN; make a new one at "
                f"{constants.ENDPOINT}/settings/tokens, or unset it."
            )
        case HfHubHTTPError() if error.response.status_code not in TRANSIENT:
            text = f"{spec.name} cannot be downloaded: the hub answers with status {error.response.status_code}."
        case _:
            text = (
                f"{spec.name} cannot be downloaded: the hub cannot be reached, and the model is not whole in the local "
                "cache."
            )
    return ModelLoadError(text)


def is_transient(error: HubError) -> bool:
    """Tell whether the same call may go well a moment later."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in TRANSIENT
    return isinstance(error, httpx2.TransportError)


def _gated(spec: ModelSpec, repository: str) -> str:
    """Say what is missing: a token, or what the account of the token has to do."""
    is_own = f"{HUB}{repository}" == spec.checkpoint
    what = f"{spec.name} is gated" if is_own else f"{spec.name} needs {repository}, which is gated"
    page = spec.licence_url if is_own and spec.licence_url else f"{constants.ENDPOINT}/{repository}"
    if get_token() is None:
        return f"{what}: accept its licence at {page}, then set HF_TOKEN to a token of that account."
    return (
        f"{what}, and the account of your HF_TOKEN is not let in: accept its licence at {page} with that account, or "
        "wait until its makers have agreed."
    )
