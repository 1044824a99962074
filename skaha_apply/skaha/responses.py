"""Read responses of the server into the model.

Versions of Skaha differ in fields and words, so unknown ones are ignored. Only a response that is not JSON of the
expected kind is refused.
"""

from __future__ import annotations

import contextlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skaha_apply.model.account.offer import Image, Load
from skaha_apply.model.counts import counted
from skaha_apply.model.errors import NotSkaha
from skaha_apply.model.request import Offer
from skaha_apply.model.session import LiveSession, Number
from skaha_apply.skaha.transport.clock import LAST_MOMENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# IDs have 8 characters on the stock server [RandomStringGenerator]; other servers can use any label value.
SESSION_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
GIB_IN_GB = 1.073741824
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([A-Za-z]*)")
_UNITS_OF_RAM = {
    **dict.fromkeys(("", "g", "gi", "gb", "gib"), 1.0),
    **dict.fromkeys(("m", "mi", "mb", "mib"), 1 / 1024),
    **dict.fromkeys(("t", "ti", "tb", "tib"), 1024.0),
}
_UNITS_OF_CORES = {"": 1.0, "m": 1 / 1000}
_TEXT_SHOWN = 300
_VALUE_SHOWN = 40
_LONGEST_USER = 200
_ABSENT = (None, "", "<none>", "0")
_ABSURD = 1e12  # more cores or GiB than any session has


def is_session_id(text: object) -> bool:
    """Whether a text can be the ID of a session, and so part of the path of a URL."""
    return isinstance(text, str) and SESSION_ID.fullmatch(text) is not None


def read_json(body: bytes, resource: str) -> Any:
    """The JSON of a response; raises `NotSkaha` with the `resource` for HTML, incomplete JSON and other text."""
    try:
        return json.loads(body)
    except json.JSONDecodeError:
        pass
    except (ValueError, RecursionError):
        # Python refuses numbers of more than 4,300 digits, although they are valid JSON.
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(body, parse_int=_whole_number)
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


def read_sessions(body: bytes) -> tuple[tuple[LiveSession, ...], tuple[str, ...]]:
    """The sessions of a response to `GET /session`, and notes about unusable items; raises `NotSkaha`."""
    entries = read_json(body, "GET /session")
    if not isinstance(entries, list):
        raise NotSkaha("GET /session: the response is not a list of sessions", hint=NOT_SKAHA_HINT)
    read = [_session(entry) for entry in entries]
    sessions = tuple(session for session in read if session is not None)
    left_out = len(read) - len(sessions)
    one = "item of the session list has no usable ID; it is ignored"
    several = "items of the session list have no usable ID; they are ignored"
    notes = [counted(left_out, one, several)] if left_out else []
    for entry, session in zip(entries, read, strict=True):
        if session is not None:
            notes += _unusable_fields(entry, session)
    return sessions, tuple(notes)


def _unusable_fields(entry: dict[str, Any], session: LiveSession) -> Iterator[str]:
    """A note for each field with an impossible value; the field then counts as unknown."""
    read = (
        ("startTime", session.started, read_time),
        ("expiryTime", session.expires, read_time),
        ("requestedCPUCores", session.cores, lambda value: _quantity(value, _UNITS_OF_CORES)),
        ("requestedRAM", session.ram, lambda value: _quantity(value, _UNITS_OF_RAM)),
        ("requestedGPUCores", session.gpus, lambda value: _quantity(value, _UNITS_OF_CORES)),
    )
    for field, found, reader in read:
        value = entry.get(field)
        if found is None and value not in _ABSENT and reader(value) is None:
            shown = one_line(str(value)[:_VALUE_SHOWN])
            yield f"session {session.name or 'without a name'}: {field} {shown!r} is not usable; it counts as unknown"


def read_session(body: bytes) -> LiveSession:
    """The session of a response to `GET /session/{id}`; raises `NotSkaha`."""
    entry = read_json(body, "GET /session/{id}")
    if isinstance(entry, list) and len(entry) == 1:
        entry = entry[0]
    session = _session(entry)
    if session is None:
        raise NotSkaha("GET /session/{id}: the response is not a session", hint=NOT_SKAHA_HINT)
    return session


def _session(entry: object) -> LiveSession | None:
    if not isinstance(entry, dict) or not is_session_id(entry.get("id")):
        return None
    fixed = entry.get("isFixedResources") not in (False, "false")
    return LiveSession(
        id=entry["id"],
        name=_text(entry.get("name")).lower(),
        kind=_text(entry.get("type")).lower(),
        status=_text(entry.get("status")),
        image=_text(entry.get("image")),
        userid=_text(entry.get("userid")) or None,
        started=read_time(entry.get("startTime")),
        expires=read_time(entry.get("expiryTime")),
        connect_url=_text(entry.get("connectURL")),
        cores=read_cores(entry.get("requestedCPUCores")) if fixed else None,
        ram=read_ram(entry.get("requestedRAM")) if fixed else None,
        gpus=_gpus(entry.get("requestedGPUCores")),
        ram_used=_ram_used(entry.get("ramInUse")),
        cores_used=_quantity(entry.get("cpuCoresInUse"), _UNITS_OF_CORES),
    )


def _text(value: object) -> str:
    # Older servers wrote `<none>` for an absent value, which current servers leave out.
    return "" if not isinstance(value, str) or value.strip() in ("", "<none>") else value.strip()


def _quantity(value: object, units: dict[str, float]) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _usable(value)
    found = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) else None
    factor = units.get(found[2].lower()) if found else None
    return _usable(float(found[1]) * factor) if found and factor is not None else None


def _whole_number(digits: str) -> float:
    """A whole number of any length, as a float; infinite if it is too large."""
    return float(digits)


def _usable(value: float) -> float | None:
    """A number as a float; None for an impossible one: infinite, negative, or too large to compute with."""
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if 0 <= number < _ABSURD else None


def _tidy(value: float) -> Number:
    rounded = round(value, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def read_cores(value: object) -> Number | None:
    """A number of cores: "2", "0.100", "2.500" [ResourceQuantityFormatter], "500m" or a number; None for others."""
    cores = _quantity(value, _UNITS_OF_CORES)
    return _tidy(cores) if cores else None


def read_ram(value: object) -> Number | None:
    """GiB as requested: the server reports decimal GB, 4 GiB as "4.29" [SessionBuilder]; older servers "8G".

    The result is the multiple of half a GiB that the server reports with these digits. A number with a unit is GiB
    already, and so is a whole number that the server reports for no multiple.
    """
    amount = _quantity(value, _UNITS_OF_RAM)
    if not amount:
        return None
    if isinstance(value, str) and value.strip()[-1].isalpha():
        return _tidy(amount)
    halves = round(amount / GIB_IN_GB * 2)
    if abs(halves / 2 * GIB_IN_GB - amount) < 0.0051:  # noqa: PLR2004 - half a unit of the second digit
        return _tidy(halves / 2)
    return _tidy(amount) if amount == int(amount) else _tidy(round(amount / GIB_IN_GB, 2))


def _ram_used(value: object) -> float | None:
    """GiB in use: the server reports decimal GB, only with metrics; a number with a unit is GiB."""
    amount = _quantity(value, _UNITS_OF_RAM)
    has_unit = isinstance(value, str) and value.strip()[-1:].isalpha()
    return amount if amount is None or has_unit else amount / GIB_IN_GB


def _gpus(value: object) -> int | None:
    count = _quantity(value, {"": 1.0})
    return int(count) if count else None


def read_time(value: object) -> float | None:
    """Unix seconds of `2026-01-02T03:04Z`, with or without seconds, fractions and offset [CommonUtils]; else None."""
    text = _text(value)
    try:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds <= LAST_MOMENT else None


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
    most = _quantity(context.get("maxInteractiveSessions"), {"": 1.0})
    return Offer(
        cores=_options(cores),
        ram=_options(ram),
        gpus=_options(_part(context, "gpus")),
        default_cores=_quantity(cores.get("defaultRequest"), {"": 1.0}) or defaults.default_cores,
        default_ram=_quantity(ram.get("defaultRequest"), {"": 1.0}) or defaults.default_ram,
        max_interactive=None if most is None else int(most),
    )


def _part(context: dict[str, Any], name: str) -> dict[str, Any]:
    part = context.get(name)
    return part if isinstance(part, dict) else {}


def _options(part: dict[str, Any]) -> frozenset[float] | None:
    given = part.get("options")
    numbers = [_quantity(option, {"": 1.0}) for option in given] if isinstance(given, list) else []
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
    amounts = [_quantity(cores.get(name), _UNITS_OF_CORES) for name in ("requestedCPUCores", "cpuCoresAvailable")]
    amounts += [_quantity(ram.get(name), _UNITS_OF_RAM) for name in ("requestedRAM", "ramAvailable")]
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
