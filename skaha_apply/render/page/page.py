"""The page: a template, one style and one script of this package, and the data as a block of JSON.

The style and the script are the same for every page, so that a server can allow them by their digests. The block of
JSON runs nothing, and no text in it can end it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.render.page.words import GROUPS

if TYPE_CHECKING:
    from collections.abc import Mapping

SCRIPTS = (
    *("elements.js", "formats.js", "replicas.js", "head.js", "grid.js", "panel.js", "filter.js", "graph.js"),
    *("failures.js", "charts.js", "time.js", "next.js", "follow.js", "main.js"),
)
_SPECIAL = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class PageParts:
    """The parts that are the same in every page: the text of the style and of the script."""

    style: str
    script: str

    def policy(self, *, live: bool = False) -> str:
        """The sources of a Content-Security-Policy that allow this style and this script, and nothing else.

        A `live` page can also ask the server that returned it.
        """
        connect = "connect-src 'self'; " if live else ""
        return (
            f"default-src 'none'; style-src {_digest(self.style)}; script-src {_digest(self.script)}; img-src data:; "
            f"{connect}base-uri 'none'; form-action 'none'"
        )


@lru_cache
def page_parts() -> PageParts:
    """The style and the script of a page, read from the files of this package."""
    script = "\n".join(_read(name) for name in SCRIPTS)
    return PageParts(_read("page.css"), f'"use strict";\n(() => {{\n{script}\n}})();\n')


def page_html(data: Mapping[str, Any], *, live: bool = False) -> str:
    """The page with this data, which `page_data` returns.

    Args:
        data: the data, which becomes a block of JSON.
        live: whether the page asks the server that returned it for new data, at the relative address `data.json`.
    """
    parts = page_parts()
    text: str = _template().render(
        title=title(data),
        live=live,
        policy=parts.policy(live=live),
        style=Markup(parts.style),  # noqa: S704 - a file of this package
        script=Markup(parts.script),  # noqa: S704 - as above
        data=Markup(data_json(data)),  # noqa: S704 - without a character that HTML acts on
        projects=data["projects"],
        summaries=[summary(one) for one in data["projects"]],
    )
    return text


def data_json(data: Mapping[str, Any]) -> str:
    """The data as compact JSON, with an escape for each character that HTML or JavaScript acts on."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _SPECIAL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def title(data: Mapping[str, Any]) -> str:
    """`fits-survey: 1969 of 2000 done, 25 failed`."""
    return "; ".join(f"{one['name']}: {_short(one)}" for one in data["projects"]) or "no project"


def summary(project: Mapping[str, Any]) -> str:
    """The numbers of replicas in words, for readers without a script."""
    counts = project["counts"]
    return ", ".join(f"{counts[name]} {name}" for name in GROUPS if counts.get(name)) or "no replica"


def _short(project: Mapping[str, Any]) -> str:
    counts, total = project["counts"], project["total"]
    failed = f", {counts['failed']} failed" if counts.get("failed") else ""
    return f"{counts.get('done', 0)} of {total} done{failed}"


@lru_cache
def _template() -> Any:
    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return made.from_string(_read("template.html"))


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
