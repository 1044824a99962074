"""Turns the parameters of a headless create into the command, arguments and environment that a container would get.

The text is read several times, in the server's order: split and replaced by Java, pasted into a YAML template and read
by SnakeYAML, written as a job and read by kubectl, expanded by Kubernetes. Source: [PostAction, SessionJobBuilder,
SessionDAO].
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.sandbox.http.responses import bad_request, unexpected
from skaha_apply.sandbox.text import java_text, placeholders, yaml_text
from skaha_apply.sandbox.text.yaml_words import InvalidNumber, is_retyped

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
    """What a headless session runs. An empty `command` means the default command of the image.

    The name of a variable is None if YAML read it as null.
    """

    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[tuple[str | None, str], ...] = ()


@dataclass(frozen=True)
class ContainerParameters:
    """The parameters of a create that the container gets."""

    image: str
    cmd: str | None = None
    args: str | None = None
    env: tuple[str, ...] = ()


def split_env(entries: Iterable[str]) -> list[tuple[str, str]]:
    """Return name and value of the entries that Java's split at `=` cuts into exactly two parts.

    The server drops `A`, `A=` and `A=b=c` without an error, and each `=` at the end of a value
    [PostAction.getHeadlessImageBundle].
    """
    parts = (java_text.split(entry, "=") for entry in entries)
    return [(pair[0], pair[1]) for pair in parts if len(pair) == _PAIR]


def read_bundle(sent: ContainerParameters, fill: Fill) -> Container:
    """Return the container of a headless create; raises Refusal: 400 for `$HOME`, 500 for an unescaped `"`.

    Args:
        sent: the decoded parameters.
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
    except InvalidNumber as error:
        raise bad_request(str(error)) from None
    except yaml_text.InvalidYaml as error:
        raise unexpected("org.yaml.snakeyaml.error.YAMLException", str(error)) from None


def read_image(image: str) -> str:
    """Return the image of an interactive session, which the server pastes without quotes [launch-*.yaml]."""
    try:
        return java_text.replacement(image, "${software.imageid}")
    except java_text.IllegalReplacement as error:
        raise bad_request(str(error)) from None
    except java_text.NoSuchGroup as error:
        raise unexpected("java.lang.IndexOutOfBoundsException", str(error)) from None


def check_job(container: Container, name: str) -> None:
    """Refuse what kubectl or the API server refuses: words that change their type, invalid names. Always 500."""
    texts = (*container.command, *container.args, *(value for _, value in container.env))
    names = [name for name, _ in container.env]
    if any(map(is_retyped, texts)) or not all(one and _ENV_NAME.fullmatch(one) for one in names):
        raise job_not_found()
    if any(one and is_retyped(one) for one in names) or not _HOSTNAME.fullmatch(name):
        raise job_not_found()


def job_not_found() -> Refusal:
    """The server ignores a failed `kubectl create`; then it cannot read the job [SessionDAO.getJob]."""
    message = "Message: Not Found\nHTTP response code: 404"
    return unexpected("java.lang.RuntimeException", f"io.kubernetes.client.openapi.ApiException: {message}")


def expand_references(text: str, variables: Mapping[str, str]) -> str:
    """Expand `$(NAME)` as Kubernetes does: unknown names stay as written, `$$` is a dollar sign."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return variables.get(found[1], found[0])

    return _REFERENCE.sub(value, text)


def container_environment(container: Container, platform: Mapping[str, str]) -> dict[str, str]:
    """Return a container's variables: its own, then the platform's, which override them.

    A value can refer to the variables before it.
    """
    variables: dict[str, str] = {}
    for name, value in (*container.env, *platform.items()):
        variables[str(name)] = expand_references(value, variables)
    return variables
