"""Hooks of mkdocs: the pages of `docs/` stay as the repository shows them, and the site is made of them.

README.md is the first page. A folder in the navigation stands for its pages. A link out of `docs/` leads to the file in
the repository.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"(\]\()([^)#\s:]+)((?:#[^)\s]*)?\))")
CODE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def on_config(config: Any) -> Any:
    """Name the repository, and replace each folder of the navigation by its pages."""
    server, name = os.environ.get("GITHUB_SERVER_URL", "https://github.com"), os.environ.get("GITHUB_REPOSITORY")
    config.repo_url = f"{server}/{name or 'OWNER/skaha-apply'}"
    config.repo_name = "skaha-apply"
    config.nav = [_with_folders(item) for item in config.nav]
    return config


def _with_folders(item: Any) -> Any:
    """An item of the navigation, with a list of pages for each `folder/`."""
    if isinstance(item, dict):
        return {title: _with_folders(value) for title, value in item.items()}
    if isinstance(item, list):
        return [_with_folders(one) for one in item]
    if not item.endswith("/"):
        return item
    pages = sorted((ROOT / "docs" / item).glob("*.md"), key=lambda page: (page.name != "README.md", page.name))
    return [f"{item}{page.name}" for page in pages]


def on_files(files: Files, config: Any) -> Files:
    """Add README.md as the first page; its links start at `docs/`, as those of the other pages do."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    files.append(
        File.generated(config, "index.md", content=_outside_code(text, lambda part: LINK.sub(_from_docs, part)))
    )
    return files


def _from_docs(found: re.Match[str]) -> str:
    """A link of README.md, as a page of `docs/` has it."""
    opening, target, closing = found.groups()
    return f"{opening}{posixpath.relpath(target, 'docs')}{'/' * target.endswith('/')}{closing}"


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Replace each link out of `docs/`, and each link to one of its folders, by an address."""
    folder = posixpath.dirname(page.file.src_uri)

    def to_repository(found: re.Match[str]) -> str:
        opening, target, closing = found.groups()
        path = posixpath.normpath(posixpath.join("docs", folder, target))
        if path.startswith("docs/") and not (ROOT / path).is_dir():
            return found[0]
        if not (ROOT / path).exists():
            return found[0]  # the strict build reports it
        if (ROOT / path / "README.md").exists() and path.startswith("docs/"):
            return f"{opening}{target.rstrip('/')}/README.md{closing}"
        kind = "tree" if (ROOT / path).is_dir() else "blob"
        return f"{opening}{config.repo_url}/{kind}/main/{path}{closing}"

    return _outside_code(markdown, lambda part: LINK.sub(to_repository, part))


def _outside_code(text: str, change: Any) -> str:
    """A text with all changed but its blocks of code."""
    parts, end = [], 0
    for block in CODE.finditer(text):
        parts += [change(text[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*parts, change(text[end:])])
