"""Create requests in a few words."""

from __future__ import annotations

from skaha_apply.model.request import CreateRequest
from skaha_apply.model.session import Kind
from skaha_apply.model.spec import SessionSpec


def create_request(name, image, kind=Kind.HEADLESS, **fields):
    """The request of a session; `fields` are taken as they are, valid or not."""
    return CreateRequest(SessionSpec(name=name, image=image, kind=kind).model_copy(update=fields))
