"""From the parameters of a headless create to the command, arguments and environment a container would really get.

The steps and their order are the server's: build the bundle text, replace, read as YAML, then Kubernetes' own rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.sandbox import javatext
from skaha_apply.sandbox.answers import bad_request, unexpected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
_PAIR = 2
_NO_JOB = ("java.util.NoSuchElementException", "No value present")


@dataclass(frozen=True)
class Container:
    """What a headless session runs; `command` empty means the default command of the image."""

    command: tuple[str, ...]
    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...]


EMPTY = Container((), (), ())


def kept_env(entries: Iterable[str]) -> list[tuple[str, str]]:
    """Keep what the server keeps: entries that Java's split at `=` cuts into exactly two parts.

    `A`, `A=`, `A=b=c` are dropped in silence, and trailing `=` are lost [PostAction.getHeadlessImageBundle].
    """
    parts = (javatext.split(entry, "=") for entry in entries)
    return [(pair[0], pair[1]) for pair in parts if len(pair) == _PAIR]


def bundle(image: str, cmd: str | None, args: str | None, env: Iterable[str]) -> Container:
    """Give the container of a headless create; raises Refusal: 400 for `$HOME`, 500 for what breaks the YAML.

    A failing `kubectl create` is swallowed and the read-back of the job fails instead, so its 500 says nothing useful
    [CommandExecutioner, SessionDAO.getJob].
    """
    pairs = kept_env(env)
    try:
        _read(image)
        command = tuple(_list([cmd])) if cmd is not None else ()
        arguments = tuple(_list(javatext.split(args, " "))) if args is not None else ()
        variables = tuple((javatext.replacement(name), _read(value)) for name, value in pairs)
    except javatext.IllegalReplacement as error:
        raise bad_request(str(error)) from None
    except javatext.NoSuchGroup as error:
        raise unexpected("java.lang.IndexOutOfBoundsException", str(error)) from None
    except javatext.BrokenYaml:
        raise unexpected(*_NO_JOB) from None
    if not all(_ENV_NAME.fullmatch(name) for name, _ in variables):
        raise unexpected(*_NO_JOB)
    return Container(command, arguments, variables)


def _read(value: str) -> str:
    pasted = javatext.replacement(f'"{value}"')
    javatext.check_printable(pasted)
    return javatext.quoted_value(pasted)


def _list(values: Iterable[str]) -> list[str]:
    pasted = javatext.replacement("[" + ",".join(f'"{value}"' for value in values) + "]")
    javatext.check_printable(pasted)
    return javatext.flow_list(pasted)


def check_hostname(name: str) -> None:
    """Refuse, with 500, a name that is no DNS label: the pod's hostname would be refused after all checks passed."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name):
        raise unexpected(*_NO_JOB)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Expand `$(NAME)` as Kubernetes does: unknown names stay as written, `$$` is a dollar sign."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return variables.get(found[1], found[0])

    return _REFERENCE.sub(value, text)


def environment(container: Container, platform: Mapping[str, str]) -> dict[str, str]:
    """Give the variables a container sees: its own, then the platform's, which win; each may use those before it."""
    seen: dict[str, str] = {}
    for name, value in (*container.env, *platform.items()):
        seen[name] = expand(value, seen)
    return seen
