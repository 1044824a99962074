"""Read responses of the server into the model.

Versions of Skaha differ in fields and words, so unknown ones are ignored. Only a response that is not JSON of the
expected kind is refused.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from skaha_apply.model.account.offer import Image, Load
from skaha_apply.model.counts import counted
from skaha_apply.model.errors import NotSkaha
from skaha_apply.model.request import Offer
from skaha_apply.model.session import LiveSession
from skaha_apply.skaha.field_values import (
    UNITS_OF_CORES,
    UNITS_OF_RAM,
    amount_of_cores,
    amount_of_ram,
    read_cores,
    read_gpus,
    read_quantity,
    read_ram,
    read_ram_used,
    read_shared,
    read_text,
    read_time,
    read_word,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# IDs have 8 characters on the stock server [RandomStringGenerator]; other servers can use any label value.
SESSION_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_TEXT_SHOWN = 300
_VALUE_SHOWN = 40
_LONGEST_USER = 200
_ABSENT = (None, "", "<none>", "0")


def is_session_id(text: object) -> bool:
    """Whether a text can be the ID of a session, and so part of the path of a URL."""
    return isinstance(text, str) and SESSION_ID.fullmatch(text) is not None


def read_json(body: bytes, resource: str, replace: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """The JSON of a response; raises `NotSkaha` with the `resource` for HTML, incomplete JSON and other text.

    `replace` takes each object as soon as it is read, and its result takes the place of the object.
    """
    try:
        return json.loads(body, object_hook=replace)
    except json.JSONDecodeError:
        pass
    except (ValueError, RecursionError):
        # Python refuses numbers of more than 4,300 digits, although they are valid JSON.
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(body, object_hook=replace, parse_int=_whole_number)
    if body.lstrip()[:1] == b"<":
        raise NotSkaha(f"{resource}: the response is a web page, not JSON: {one_line(body)}", hint=NOT_SKAHA_HINT)
    if body.lstrip()[:1] in (b"[", b"{"):  # not quoted: it can hold IDs of interactive sessions
        raise NotSkaha(f"{resource}: the response is JSON that breaks off after {len(body)} bytes", hint=NOT_SKAHA_HINT)
    text = one_line(body[-_TEXT_SHOWN:]) or "empty"
    raise NotSkaha(f"{resource}: the response is not JSON: {text}", hint=NOT_SKAHA_HINT)


NOT_SKAHA_HINT = "check the address of the server (--server, SKAHA_URL), and any proxy or login page in front of it"


def authenticated_user(headers: Mapping[str, str]) -> str | None:
    """The user that the server authenticated; None if no header has a usable name."""
    name = headers.get("x-vo-authenticated", "").strip()
    return name if name.isprintable() and 0 < len(name) <= _LONGEST_USER else None


def read_sessions(
    body: bytes, read: Callable[[dict[str, Any]], Any] | None = None
) -> tuple[tuple[LiveSession, ...], tuple[str, ...]]:
    """The sessions of a response to `GET /session`, and notes about unusable items; raises `NotSkaha`.

    `read` reads an item; see `read_item`.
    """
    items = read_json(body, "GET /session", read or read_item)
    if not isinstance(items, list):
        raise NotSkaha("GET /session: the response is not a list of sessions", hint=NOT_SKAHA_HINT)
    sessions = tuple(
        item.session if isinstance(item, _SessionWithNotes) else item
        for item in items
        if isinstance(item, LiveSession | _SessionWithNotes)
    )
    left_out = len(items) - len(sessions)
    one = "item of the session list has no usable ID; it is ignored"
    several = "items of the session list have no usable ID; they are ignored"
    notes = [counted(left_out, one, several)] if left_out else []
    for item in items:
        if isinstance(item, _SessionWithNotes):
            notes += item.notes
    return sessions, tuple(notes)


class _SessionWithNotes(NamedTuple):
    """A listed session, and notes about its fields with impossible values."""

    session: LiveSession
    notes: tuple[str, ...]


def read_item(entry: dict[str, Any]) -> LiveSession | _SessionWithNotes | dict[str, Any]:
    """The session of an item of a listing, so that the objects of a long one are not in memory at once.

    An item without a usable ID is returned as it is.
    """
    session = _session(entry)
    if session is None:
        return entry
    notes = tuple(_unusable_fields(entry, session))
    return _SessionWithNotes(session, notes) if notes else session


def _unusable_fields(entry: dict[str, Any], session: LiveSession) -> Iterator[str]:
    """A note for each field with an impossible value; the field then counts as unknown."""
    for field, name, reader in _CHECKED:
        if getattr(session, name) is not None:
            continue
        value = entry.get(field)
        if value not in _ABSENT and read_shared(reader, value) is None:
            shown = one_line(str(value)[:_VALUE_SHOWN])
            yield f"session {session.name or 'without a name'}: {field} {shown!r} is not usable; it counts as unknown"


def _whole_number(digits: str) -> float:
    """A whole number of any length, as a float; infinite if it is too large."""
    return float(digits)


def read_session(body: bytes) -> LiveSession:
    """The session of a response to `GET /session/{id}`; raises `NotSkaha`."""
    entry = read_json(body, "GET /session/{id}")
    if isinstance(entry, list) and len(entry) == 1:
        entry = entry[0]
    session = _session(entry)
    if session is None:
        raise NotSkaha("GET /session/{id}: the response is not a session", hint=NOT_SKAHA_HINT)
    return session


# The fields that decide how a session is read: each one that `_session` reads, and no others.
FIELDS_OF_A_SESSION = (
    "id", "name", "type", "status", "image", "userid", "startTime", "expiryTime", "connectURL", "isFixedResources",
    "requestedCPUCores", "requestedRAM", "requestedGPUCores", "ramInUse", "cpuCoresInUse",
)  # fmt: skip


def _session(entry: object) -> LiveSession | None:
    if not isinstance(entry, dict) or not is_session_id(entry.get("id")):
        return None
    fixed = entry.get("isFixedResources") not in (False, "false")
    return LiveSession(
        id=entry["id"],
        name=read_text(entry.get("name")).lower(),
        kind=read_shared(read_word, entry.get("type")),
        status=read_shared(read_text, entry.get("status")),
        image=read_shared(read_text, entry.get("image")),
        userid=read_shared(read_text, entry.get("userid")) or None,
        started=read_shared(read_time, entry.get("startTime")),
        expires=read_shared(read_time, entry.get("expiryTime")),
        connect_url=read_text(entry.get("connectURL")),
        cores=read_shared(read_cores, entry.get("requestedCPUCores")) if fixed else None,
        ram=read_shared(read_ram, entry.get("requestedRAM")) if fixed else None,
        gpus=read_shared(read_gpus, entry.get("requestedGPUCores")),
        ram_used=read_shared(read_ram_used, entry.get("ramInUse")),
        cores_used=read_shared(amount_of_cores, entry.get("cpuCoresInUse")),
    )


# Fields of a listed session, the names of their values, and the readers that return None for an impossible value.
_CHECKED: tuple[tuple[str, str, Callable[[object], float | None]], ...] = (
    ("startTime", "started", read_time),
    ("expiryTime", "expires", read_time),
    ("requestedCPUCores", "cores", amount_of_cores),
    ("requestedRAM", "ram", amount_of_ram),
    ("requestedGPUCores", "gpus", amount_of_cores),
)


def read_created(body: bytes) -> str | None:
    """The ID in the response to a create, text/plain with a newline [PostAction]; None if there is none."""
    text = body[:_TEXT_SHOWN].decode("utf-8", "replace").strip().strip('"')
    return text if is_session_id(text) else None


def read_context(body: bytes) -> Offer:
    """The options of /context [k8s-resources.json]; parts of another form stay None. Raises `NotSkaha`."""
    context = read_json(body, "GET /context")
    if not isinstance(context, dict):
        raise NotSkaha("GET /context: the response is not an object", hint=NOT_SKAHA_HINT)
    cores, ram = _part(context, "cores"), _part(context, "memoryGB")
    defaults = Offer()
    most = read_quantity(context.get("maxInteractiveSessions"), {"": 1.0})
    return Offer(
        cores=_options(cores),
        ram=_options(ram),
        gpus=_options(_part(context, "gpus")),
        default_cores=read_quantity(cores.get("defaultRequest"), {"": 1.0}) or defaults.default_cores,
        default_ram=read_quantity(ram.get("defaultRequest"), {"": 1.0}) or defaults.default_ram,
        max_interactive=None if most is None else int(most),
    )


def _part(context: dict[str, Any], name: str) -> dict[str, Any]:
    part = context.get(name)
    return part if isinstance(part, dict) else {}


def _options(part: dict[str, Any]) -> frozenset[float] | None:
    given = part.get("options")
    numbers = [read_quantity(option, {"": 1.0}) for option in given] if isinstance(given, list) else []
    return frozenset(number for number in numbers if number is not None) or None


def read_images(body: bytes) -> frozenset[str] | None:
    """The IDs of /image; None if there are none in a known form; raises `NotSkaha`."""
    entries = read_json(body, "GET /image")
    found = [entry.get("id") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return frozenset(image for image in found if isinstance(image, str) and image) or None


def read_image_kinds(body: bytes) -> tuple[Image, ...] | None:
    """The images of /image with their types, by ID; None without any in a known form; raises `NotSkaha`."""
    entries = read_json(body, "GET /image")
    found: dict[str, frozenset[str]] = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("id"), str) and entry["id"]:
            types = entry.get("types")
            kinds = types if isinstance(types, list) else []
            found[entry["id"]] = frozenset(kind for kind in kinds if isinstance(kind, str))
    return tuple(Image(name, kinds) for name, kinds in sorted(found.items())) or None


def read_load(body: bytes) -> Load | None:
    """The totals of `view=stats` [ResourceStats]; None without a number in a known form; raises `NotSkaha`."""
    stats = read_json(body, "GET /session?view=stats")
    if not isinstance(stats, dict):
        return None
    cores, ram = _part(stats, "cores"), _part(stats, "ram")
    amounts = [read_quantity(cores.get(name), UNITS_OF_CORES) for name in ("requestedCPUCores", "cpuCoresAvailable")]
    amounts += [read_quantity(ram.get(name), UNITS_OF_RAM) for name in ("requestedRAM", "ramAvailable")]
    return None if amounts == [None] * 4 else Load(*amounts)


def read_registries(body: bytes) -> tuple[str, ...] | None:
    """The hosts of /repository; None if there are none in a known form; raises `NotSkaha`."""
    entries = read_json(body, "GET /repository")
    found = entries if isinstance(entries, list) else []
    return tuple(host for host in found if isinstance(host, str) and host) or None


def one_line(body: bytes | str) -> str:
    """The text of a response on one line of at most 300 characters, without tags and control characters."""
    text = body if isinstance(body, str) else body[:20_000].decode("utf-8", "replace")
    if text.lstrip()[:1] == "<":
        title = re.search(r"(?is)<title[^>]*>(.*?)</title>", text)
        text = title[1] if title else re.sub(r"(?is)<(script|style)\b.*?</\1>|<[^>]*>", " ", text)
    printable = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(printable.split())
    return line if len(line) <= _TEXT_SHOWN else f"{line[: _TEXT_SHOWN - 2]} …"
