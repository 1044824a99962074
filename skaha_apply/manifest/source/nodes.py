"""YAML text as a tree of nodes with their positions.

The tree is composed here from the events of the parser. This is fast, not recursive, and keeps every scalar as written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

MAX_DEPTH = 60  # of nested lists and mappings; a manifest needs five
MAX_PURE = 1 << 20  # characters; for longer texts, the slow parser is not tried after an error
COLON = "\ue000"  # stands for a colon within a word, see `_attempts`
COLON_WRITTEN = r"\ue000|\\u0*e000"  # that character itself, or as an escape
WORD_COLON = re.compile(r"(?<=[^\s\"'\]}\[{,]):(?=[^\s\[\]{},])")
CORE_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map"))

Shape = Literal["scalar", "sequence", "mapping"]


@dataclass(slots=True, eq=False)
class Node:
    """A scalar (`text`, `plain` when without quotes), a sequence (`items`), or a mapping (`pairs`).

    Lines and columns count from 1, the end is exclusive. An alias is the node that it stands for.
    """

    shape: Shape
    line: int
    column: int
    end_line: int
    end_column: int
    text: str = ""
    plain: bool = False
    items: Sequence[Node] = ()
    pairs: Sequence[tuple[Node, Node]] = ()

    @property
    def empty(self) -> bool:
        """Whether the value is missing."""
        return self.shape == "scalar" and self.plain and not self.text


class NotYaml(Exception):
    """Text that is not one YAML document; `line` and `column` count from 1, and so does the exclusive end.

    `parsed`: the parser accepted the text, so another parser would not help.
    """

    def __init__(self, problem: str, location: tuple[int, int, int, int], detail: str = "", rule: str = "yaml") -> None:
        super().__init__(problem)
        self.rule = rule
        self.problem = problem
        self.line, self.column, self.end_line, self.end_column = location
        self.detail = detail
        self.parsed = False


def compose(text: str) -> Node | None:
    """The only document of a YAML text as a tree, None when there is none.

    Raises `NotYaml` for broken syntax, several documents, tags, and nesting without end.
    """
    error = NotYaml("this is not YAML", (1, 1, 1, 2))
    for parse, masked in _attempts(text):
        try:
            return _Composer(masked=masked).compose(parse())
        except NotYaml as found:
            error = found
            if error.parsed:
                break
    raise error


def parse_events(text: str) -> list[Any]:
    """The parser's events; within scalars a colon may be replaced, so their text is to be taken from the source.

    Raises `NotYaml` for broken syntax.
    """
    error = NotYaml("this is not YAML", (1, 1, 1, 2))
    for parse, _ in _attempts(text):
        try:
            return list(parse())
        except NotYaml as found:
            error = found
    raise error


def _attempts(text: str) -> Iterator[tuple[Callable[[], Iterable[Any]], bool]]:
    """Ways to parse a text, fast ones first, and whether colons are masked in what they give.

    The C parser refuses a colon within a word of a flow mapping, `{image: host/x:1.2}`, which YAML allows. A colon
    between two such characters is not punctuation, so the second attempt replaces it by another character.
    """
    try:
        from ruamel.yaml.cyaml import CSafeLoader  # noqa: PLC0415 - a slow import, and there may be no C parser
    except ImportError:  # no C parser for this interpreter
        yield lambda: _pure_events(text), False
        return
    yield lambda: _c_events(CSafeLoader, text), False
    if not re.search(COLON_WRITTEN, text, re.IGNORECASE):
        masked = WORD_COLON.sub(COLON, text)
        if masked != text:
            yield lambda: _c_events(CSafeLoader, masked), True
    if len(text) <= MAX_PURE:
        yield lambda: _pure_events(text), False


def _c_events(parser: Any, text: str) -> Iterator[Any]:
    try:
        yield from iter(parser(text).get_event, None)
    except Exception as error:
        raise explain(error) from error


def _pure_events(text: str) -> Iterator[Any]:
    from ruamel.yaml import YAML  # noqa: PLC0415 - a slow import, seldom needed

    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except Exception as error:
        raise explain(error) from error


def explain(error: Exception) -> NotYaml:
    """An exception of the parser as `NotYaml`; parsers also raise exceptions that are not for users."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = " ".join(str(getattr(error, "problem", None) or "it cannot be read").split())
    context = " ".join(str(getattr(error, "context", None) or "").split())
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return NotYaml(f"{context}: {problem}" if context else problem, (line, column, line, column + 1))


class _Composer:
    """Builds the tree of one document from events, with a stack of the collections that are still open."""

    def __init__(self, *, masked: bool) -> None:
        self.masked = masked
        self.root: Node | None = None
        self.open: list[Node] = []
        self.keys: list[Node | None] = []  # the key that waits for its value, one for each open collection
        self.members: list[list[Any]] = []  # the items, or the pairs, of each open collection
        self.anchors: dict[str, Node] = {}
        self.documents = 0

    def compose(self, events: Iterable[Any]) -> Node | None:
        """The root of the document."""
        for event in events:
            kind = type(event).__name__
            if kind == "ScalarEvent":
                self._add_scalar(event)
            elif kind in ("MappingStartEvent", "SequenceStartEvent"):
                self._start(event, "mapping" if kind == "MappingStartEvent" else "sequence")
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                self._end(event)
            elif kind == "AliasEvent":
                self._attach(self._alias(event), event)
            elif kind == "DocumentStartEvent":
                self._document(event)
        return self.root

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise _at(
                event, "several documents in one file", "Write each document (`---` separates them) to its own file."
            )

    def _add_scalar(self, event: Any) -> None:
        """Add a scalar. Most nodes are scalars without a tag and an anchor, for which this method calls no other."""
        plain = not event.style
        text = event.value.replace(COLON, ":") if self.masked else event.value
        start, end = event.start_mark, event.end_mark
        node = Node("scalar", start.line + 1, start.column + 1, end.line + 1, end.column + 1, text, plain)
        if event.anchor or event.tag or not text or not self.open:
            self._add(event, node)
            return
        key = self.keys[-1]
        if self.open[-1].shape == "sequence":
            self.members[-1].append(node)
        elif key is None:
            self.keys[-1] = node
        else:
            self.members[-1].append((key, node))
            self.keys[-1] = None

    def _unmasked(self, text: str) -> str:
        return text.replace(COLON, ":") if self.masked else text

    def _start(self, event: Any, shape: Shape) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise _at(event, f"lists and mappings nested more than {MAX_DEPTH} deep", rule="too-large")
        node = _node(event, shape)
        members: list[Any] = []
        if shape == "sequence":
            node.items = members
        else:
            node.pairs = members
        self._add(event, node)
        self.open.append(node)
        self.members.append(members)
        self.keys.append(None)

    def _add(self, event: Any, node: Node) -> None:
        if event.tag and str(event.tag) not in CORE_TAGS and str(event.tag) != "!":
            detail = "Write the value without a tag; each key decides its type."
            raise _at(
                event,
                f"the tag {self._unmasked(str(event.tag))} has no meaning in a manifest",
                detail,
                rule="wrong-type",
            )
        if event.anchor:
            self.anchors[event.anchor] = node
        key = self.keys[-1] if self.keys else None
        if node.empty and key is not None:  # parsers differ on where nothing stands: behind the colon
            node.line, node.column = node.end_line, node.end_column = key.end_line, key.end_column + 1
        self._attach(node, event)

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self.anchors:
            detail = "A value that begins with a star is an alias. Write quotes around a text that begins with a star."
            raise _at(event, f"there is no anchor &{self._unmasked(event.anchor)} above this alias", detail)
        node = self.anchors[event.anchor]
        if node in self.open:
            raise _at(event, f"the alias *{self._unmasked(event.anchor)} is inside the value that it repeats")
        return node

    def _attach(self, node: Node, event: Any) -> None:
        if not self.open:
            self.root = node
            return
        key = self.keys[-1]
        if self.open[-1].shape == "sequence":
            self.members[-1].append(node)
        elif key is None:
            # An alias as a key keeps its own place, which is what a message about this key should show.
            self.keys[-1] = (
                node
                if event.anchor is None or node.shape != "scalar"
                else _node(event, "scalar", text=node.text, plain=node.plain)
            )
        else:
            self.members[-1].append((key, node))
            self.keys[-1] = None

    def _end(self, event: Any) -> None:
        node = self.open.pop()
        self.keys.pop()
        self.members.pop()
        node.end_line, node.end_column = event.end_mark.line + 1, event.end_mark.column + 1


def _node(event: Any, shape: Shape, *, text: str = "", plain: bool = False) -> Node:
    start, end = event.start_mark, event.end_mark
    return Node(shape, start.line + 1, start.column + 1, end.line + 1, end.column + 1, text, plain)


def _at(event: Any, problem: str, detail: str = "", *, rule: str = "yaml") -> NotYaml:
    start, end = event.start_mark, event.end_mark
    error = NotYaml(problem, (start.line + 1, start.column + 1, end.line + 1, end.column + 1), detail, rule)
    error.parsed = True
    return error
