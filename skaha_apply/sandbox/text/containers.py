"""From the parameters of a headless create to the command, arguments and environment a container would really get.

The steps and their order are the server's. Source: skaha-api.md, "cmd, args, env", readings 2 to 7.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.sandbox.http.responses import bad_request, unexpected
from skaha_apply.sandbox.text import java_text, placeholders, yaml_text
from skaha_apply.sandbox.text.yaml_words import is_retyped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from skaha_apply.sandbox.http.responses import Refusal

    Fill = Callable[[str], str]

_ENV_NAME = re.compile(r"(?!\.$|\.\.)[-._a-zA-Z][-._a-zA-Z0-9]*")  # neither `.` nor what begins with `..`
_HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
_PAIR = 2


@dataclass(frozen=True)
class Container:
    """What a headless session runs; `command` empty means the default command of the image.

    The name of a variable is None where YAML read a null.
    """

    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[tuple[str | None, str], ...] = ()


@dataclass(frozen=True)
class ContainerParameters:
    """The parameters of a create that end up in the container."""

    image: str
    cmd: str | None = None
    args: str | None = None
    env: tuple[str, ...] = ()


def split_env(entries: Iterable[str]) -> list[tuple[str, str]]:
    """Keep what the server keeps: entries that Java's split at `=` cuts into exactly two parts.

    `A`, `A=`, `A=b=c` are dropped in silence, and trailing `=` are lost [PostAction.getHeadlessImageBundle].
    """
    parts = (java_text.split(entry, "=") for entry in entries)
    return [(pair[0], pair[1]) for pair in parts if len(pair) == _PAIR]


def read_bundle(sent: ContainerParameters, fill: Fill) -> Container:
    """Give the container of a headless create (readings 2 to 4); raises Refusal: 400 for `$HOME`, 500 for a raw `"`.

    Args:
        sent: parameters as they were decoded.
        fill: fills in the server's placeholders.
    """

    def pasted(text: str) -> str:
        read = fill(java_text.replacement(text, placeholders.BUNDLE))
        yaml_text.check_printable(read)
        return read

    def value(text: str) -> str:
        return yaml_text.quoted_value(pasted(f'"{text}"'))

    def items(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(yaml_text.flow_list(pasted("[" + ", ".join(f'"{text}"' for text in texts) + "]")))

    try:
        return Container(
            value(sent.image),
            items([sent.cmd]) if sent.cmd is not None else (),
            items(java_text.split(sent.args, " ")) if sent.args is not None else (),
            tuple((yaml_text.scalar(pasted(name)), value(text)) for name, text in split_env(sent.env)),
        )
    except java_text.IllegalReplacement as error:
        raise bad_request(str(error)) from None
    except java_text.NoSuchGroup as error:
        raise unexpected("java.lang.IndexOutOfBoundsException", str(error)) from None
    except yaml_text.InvalidYaml as error:
        raise unexpected("org.yaml.snakeyaml.error.YAMLException", str(error)) from None


def read_image(image: str) -> str:
    """Give the image of another kind than headless, which is pasted without quotes [launch-*.yaml]."""
    try:
        return java_text.replacement(image, "${software.imageid}")
    except java_text.IllegalReplacement as error:
        raise bad_request(str(error)) from None
    except java_text.NoSuchGroup as error:
        raise unexpected("java.lang.IndexOutOfBoundsException", str(error)) from None


def check_job(container: Container, name: str) -> None:
    """Refuse what kubectl or the API server refuses (reading 6): retyped words, names that are none; always 500."""
    texts = (*container.command, *container.args, *(value for _, value in container.env))
    names = [name for name, _ in container.env]
    if any(map(is_retyped, texts)) or not all(one and _ENV_NAME.fullmatch(one) for one in names):
        raise job_not_found()
    if any(one and is_retyped(one) for one in names) or not _HOSTNAME.fullmatch(name):
        raise job_not_found()


def job_not_found() -> Refusal:
    """A failing `kubectl create` is swallowed; the read-back of the job fails instead [SessionDAO.getJob]."""
    message = "Message: Not Found\nHTTP response code: 404"
    return unexpected("java.lang.RuntimeException", f"io.kubernetes.client.openapi.ApiException: {message}")


def expand_references(text: str, variables: Mapping[str, str]) -> str:
    """Expand `$(NAME)` as Kubernetes does: unknown names stay as written, `$$` is a dollar sign (reading 7)."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return variables.get(found[1], found[0])

    return _REFERENCE.sub(value, text)


def container_environment(container: Container, platform: Mapping[str, str]) -> dict[str, str]:
    """Give the variables a container sees: its own, then the platform's, which win; each may use those before it."""
    seen: dict[str, str] = {}
    for name, value in (*container.env, *platform.items()):
        seen[str(name)] = expand_references(value, seen)
    return seen
