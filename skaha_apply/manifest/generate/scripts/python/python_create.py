"""Records what `Session.create(...)` and `subprocess.run(["canfar", "create", ...])` of a Python script create."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from skaha_apply.manifest.generate.command_line import CreateCommand, parse_create_command
from skaha_apply.manifest.generate.scripts.python.python_values import text_of
from skaha_apply.manifest.generate.scripts.record import RecordedCall, ScriptReading
from skaha_apply.manifest.generate.scripts.shell.create_words import is_create
from skaha_apply.manifest.generate.scripts.traced_text import MARK, is_open, plain, shown
from skaha_apply.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The parameters of `create` in the order of the published clients.
PARAMETERS = ("name", "image", "cores", "ram", "kind", "gpu", "cmd", "args", "env", "replicas")
DEFAULTS_OF_SKAHA = {"cores": 2, "ram": 4}  # of skaha before it became canfar


def record_create(line: int, given: Mapping[str, Any], reading: ScriptReading, *, numbered: bool) -> None:
    """Record one `create`.

    Args:
        line: its line in the script.
        given: its arguments by name.
        reading: gets the session, or a remark.
        numbered: the client is `skaha`, which adds `-1` to the name of a single session, and has default resources.
    """
    values = {name: value for name, value in given.items() if value is not None and name in PARAMETERS}
    if numbered:
        values = {**DEFAULTS_OF_SKAHA, **values}
    env = values.pop("env", {})
    texts = {name: text_of(value) for name, value in values.items()}
    arguments = values.get("args", "")
    if isinstance(arguments, list | tuple):
        texts["args"] = " ".join(map(text_of, arguments))
    if "image" not in texts or not isinstance(env, dict) or any(map(is_open, texts.values())):
        reading.remark(line, f"left out, because a part is not known (...): create({_written(texts)})")
        return
    pairs = tuple(f"{text_of(name)}={text_of(value)}" for name, value in env.items())
    if any(map(is_open, pairs)):
        reading.remark(line, f"left out, because a part is not known (...): env of create({_written(texts)})")
        return
    name = texts.get("name")
    if numbered and name is not None and plain(texts.get("replicas", "1")) == "1":
        name += "-1"
    command = CreateCommand(
        kind=texts.get("kind", "headless"),
        image=texts["image"],
        command=(texts["cmd"], *_split(texts.get("args", ""))) if "cmd" in texts else (),
        name=name,
        cores=texts.get("cores"),
        ram=texts.get("ram"),
        gpus=texts.get("gpu"),
        replicas=texts.get("replicas"),
        env=pairs,
    )
    reading.record(RecordedCall(line, command))


def record_words(line: int, words: Any, reading: ScriptReading) -> bool:
    """Record a command line, a list of words or one text; False if it does not create a session."""
    if isinstance(words, str):
        try:
            words = shlex.split(words)
        except ValueError:
            return False
    texts = [text_of(word) for word in words] if isinstance(words, list | tuple) else []
    if not is_create(texts):
        return False
    if any(map(is_open, texts)):
        reading.remark(line, f"left out, because a part is not known (...): {' '.join(map(shown, texts))}")
        return True
    try:
        reading.record(RecordedCall(line, parse_create_command(texts)))
    except UsageError as error:
        reading.remark(line, f"left out, because {error.located_message}")
    return True


def _split(text: str) -> Sequence[str]:
    if any(" " in match[2] for match in MARK.finditer(text)):
        text = plain(text)
    return [word for word in text.split(" ") if plain(word)]


def _written(texts: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={' '.join(shown(text).split())!r}" for name, text in texts.items())
