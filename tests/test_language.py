"""Plain English: the package, its help and its docs keep to the words of the glossary, and to American spelling.

`python tests/test_language.py [FOLDER ...]` prints each phrase that is left, with its line. `KEPT_NAMES` are exempt.
"""

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / ".github").rglob("*.md"))]
MODULES = sorted((ROOT / "skaha_apply").rglob("*.py"))
FURTHER_CODE = sorted({*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")} - {Path(__file__)})
SCHEMAS = sorted((ROOT / "schemas").glob("*.json"))

# What not to write, and what to write instead. Ordinary words (look, place, call, answer, family) are banned as terms
# only, so the pattern has the phrases in which they were terms.
DETERMINER = r"(?:a|an|the|each|every|one|no|this|that|another|next|last|first|later|earlier|same|single)"
BANNED = {
    r"told|tells?|telling": "print, report, show, state",
    r"said|says?|saying": "print, report, show, state",
    r"bears?|borne": "has the name",
    r"strangers?|sessions? of others": "unmanaged session",
    r"doubles?(?! (?:quot|click|hash|slash|colon|star))": "duplicate session",
    r"unsure|doubts?": "unconfirmed, unconfirmed create",
    r"giv(?:e|es|en|ing) up|gave up": "timed out",
    r"for want of": "because",
    r"beside": "in addition to, next to",
    r"anew": "again",
    rf"memor(?:y|ies) of (?:{DETERMINER} )?(?:tool|project|what|plan)|(?:second|separate|tool's) memor(?:y|ies)": (
        "state"
    ),
    rf"{DETERMINER} looks?(?!-|s?up| like| up)|two looks|between looks|looks? (?:again|so often)|sights?": "listing",
    r"what (?:is|they|it) needed|what (?:it|they) needs?|what \w+ needs(?! to)": "dependency",
    r"what needs (?:it|them)|followers?": "dependent",
    r"held": "on hold",
    r'answer(?:s|ed)? "?no"?': "declined",
    rf"(?:server|store|registry|GitHub)(?:'s)? answer(?:s|ed)?|{DETERMINER} (?:clear |late |lost )?answers?|"
    r"answers? of|answers? (?:with|again|no more)|(?:without|clear|lost) answers?|unanswered": "response, respond",
    r"go(?:es|ing)? on|went on|gone on": "continue",
    r"wants": "requires",
    r"(?<!there )(?<!There )(?:is|are|was) no (?!longer|more\b|such|need\b|less)\w+": "is not a ...",
    r"settl(?:es|ed|ing|e)(?! time|-time|:)": "resolve, mark",
    r"mend(?:s|ed|ing)?": "fix",
    r"burials?|bury|buri(?:es|ed)|tombstones?": "pending delete",
    r"grounds?|the facts": "situation",
    r"famil(?:y|ies)": "entry",
    r"(?<!idle-)caps?|holders?|(?:a|free|no) places? (?:under|is|are|in the limit)": "limit, slot",
    r"(?:this|another|next|later|earlier|same|one|every) calls?|of (?:a|the) call|calls of": "invocation",
    r"spans?|stretch(?:es)?": "duration",
    r"pauses?": "duration, wait",
    rf"findings|{DETERMINER} finding|errors? of form|defects?": "diagnostic, syntax error",
    r"halt(?:s|ed|ing)?|abandon(?:s|ed|ing)?": "stopped",
    r"so (?:many|much|long|often)(?! as)": "name the number, the duration or the interval",
    r"shall|may well": "must, can, might",
    r"(?:a|the|its|their) begin": "start, beginning",
    r"ours": "name the owner",
}
IN_MESSAGES = {r"gone": "deleted, not listed, disappeared", r"(?:we|our|us)": "the tool, or the command"}
BRITISH = (
    r"\w*(?:colour|behaviour|favour|honour|neighbour|labour|armour)\w*|cancell(?:ed|ing)|catalogues?|artefacts?|grey\w*|"
    r"centres?|centred|labell(?:ed|ing)|modell(?:ed|ing)|travell(?:ed|ing)|signall(?:ed|ing)|licences?|defences?|"
    r"fulfil(?!l)|judgements?|whilst|programme|analys(?:e|ed|es|ing)|"
    r"(?:\w*_)?(?:initial|organ|recogn|normal|summar|serial|minim|maxim|optim|special|general|author|synchron|standard|"
    r"categor|emphas|final|local|visual|util|prior|character)is(?:e|ed|es|er|ing|ation)(?:_\w*)?"
)
# Names and words in code that are part of a format, of a library or of another program.
KEPT_NAMES = {
    "doubts": "state key",
    "given_up": "state key",
    "tombstones": "state key",
    "held": "phase",
    "settle": "option",
    "settle_start": "start of the settle time",
    "idle_cap": "rule",
    "idle-cap": "rule",
    "cancelled": "method of asyncio tasks",
    "CancelledError": "class of asyncio",
    "CounterMetricFamily": "class of prometheus_client",
    "GaugeMetricFamily": "class of prometheus_client",
    "pause": "command of other tools",
    "pause_reading": "method of an asyncio transport",
    "pause_writing": "method of an asyncio protocol",
}
CODE = re.compile(r"`[^`\n]*`|\]\([^)\s]*\)|https?://\S+")


class Phrase(NamedTuple):
    """One phrase that is not plain English: where it stands and what to write instead."""

    kind: str  # `text` for users, `prose` for contributors, `name` in code
    file: str
    line: int
    found: str
    instead: str


@cache
def pattern(kind: str) -> re.Pattern[str]:
    """Matches lowercase text only: without IGNORECASE, and without groups, the search is faster."""
    return re.compile(rf"\b(?:{'|'.join(banned(kind))})\b")


@cache
def banned(kind: str) -> dict[str, re.Pattern[str]]:
    """Each pattern of a phrase, which finds what is banned at a place."""
    phrases = [one.lower() for one in (*BANNED, *(IN_MESSAGES if kind == "text" else ()))]
    return {one: re.compile(rf"\b(?:{one})\b") for one in phrases}


WORD = re.compile(r"\w+")
SPELLING = re.compile(BRITISH)


@cache
def is_british(word: str) -> bool:
    return SPELLING.fullmatch(word.lower()) is not None


def phrases(kind: str, file: str, line: int, text: str) -> Iterator[Phrase]:
    text = CODE.sub(lambda code: re.sub(r"[^\n]", "#", code[0]), text)
    instead = [*BANNED.values(), *IN_MESSAGES.values()]
    lower = text.lower()
    for hit in pattern(kind).finditer(lower):
        number = next(n for n, one in enumerate(banned(kind).values()) if one.match(lower, hit.start()))
        found = text[hit.start() : hit.end()].replace("\n", " ")
        yield Phrase(kind, file, line + text.count("\n", 0, hit.start()), found, instead[number])
    for hit in WORD.finditer(text):
        if is_british(hit[0]):
            yield Phrase(kind, file, line + text.count("\n", 0, hit.start()), hit[0], "American spelling")


def docstrings(nodes: list[ast.AST]) -> Iterator[tuple[ast.AST, ast.Constant]]:
    for node in nodes:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield node, first.value


def is_command(node: ast.AST) -> bool:
    """Whether the docstring is the help of a command."""
    calls = [one.func for one in getattr(node, "decorator_list", ()) if isinstance(one, ast.Call)]
    return any(getattr(one, "id", getattr(one, "attr", "")) == "command" for one in calls)


@cache
def in_name(name: str) -> str:
    """What to write instead of an identifier, or of a string of one word; "" if it has no phrase."""
    if name.strip("_") in KEPT_NAMES or name.strip("_").lower() in KEPT_NAMES:
        return ""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_-]+", " ", name).strip()
    return "; ".join(one.instead for one in phrases("prose", "", 1, words))


def in_names(file: str, names: Iterable[tuple[int, str]]) -> Iterator[Phrase]:
    yield from (Phrase("name", file, line, name, in_name(name)) for line, name in names if in_name(name))


def identifiers(nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield node.lineno, name


def literals(nodes: list[ast.AST], skipped: set[int]) -> Iterator[tuple[int, str]]:
    """The texts of a module: strings with a space in them; a value that is filled in stands as `{}`."""
    inside = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield node.lineno, "".join(str(part) for part in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside | skipped:
            yield node.lineno, node.value


def in_module(path: Path) -> Iterator[Phrase]:
    yield from in_source(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())


def in_source(source: str, file: str) -> Iterator[Phrase]:
    nodes = list(ast.walk(ast.parse(source)))
    found = list(docstrings(nodes))
    for node, doc in found:
        yield from phrases("text" if is_command(node) else "prose", file, doc.lineno, doc.value)
    for line, text in literals(nodes, {id(doc) for _, doc in found}):
        if " " in text.strip():
            yield from phrases("text", file, line, text)
        elif re.fullmatch(r"[\w-]+", text):
            yield from in_names(file, [(line, text)])
    yield from in_names(file, identifiers(nodes))
    words = set(WORD.findall(source)) - {"cancelled"}
    if not has_phrase_in_comments(source) and not any(is_british(word) for word in words):
        return  # tokens take a third of the time of all
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield from phrases("prose", file, token.start[0], token.string)
        elif token.type == tokenize.NAME and token.string != "cancelled" and is_british(token.string):
            yield Phrase("name", file, token.start[0], token.string, "American spelling")


def has_phrase_in_comments(source: str) -> bool:
    """Whether any text from a `#` to the end of its line has a phrase: each comment is one of these texts."""
    rows = (row for row in source.splitlines() if "#" in row)
    texts = (row[place:] for row in rows for place, letter in enumerate(row) if letter == "#")
    return any(True for text in texts for _ in phrases("prose", "", 1, text))


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """A module and the statements in it, without their expressions."""
    yield node
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for one in getattr(node, name, ()):
            yield from statements(one)


def in_further_code(path: Path) -> Iterator[Phrase]:
    """The phrases in comments, docstrings and names of functions and classes of tests and benchmarks."""
    source, file = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
    nodes = list(statements(ast.parse(source)))
    found = [(doc.lineno, doc.value) for _, doc in docstrings(nodes)]
    if has_phrase_in_comments(source):
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        found += [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]
    for line, text in found:
        yield from phrases("prose", file, line, text)
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    yield from in_names(file, ((node.lineno, node.name) for node in nodes if isinstance(node, kinds)))


def in_schema(path: Path) -> Iterator[Phrase]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if '"description"' in line:
            yield from phrases("text", path.relative_to(ROOT).as_posix(), number, line)


@cache
def left() -> list[Phrase]:
    found = [one for path in MODULES for one in in_module(path)]
    found += [one for path in FURTHER_CODE for one in in_further_code(path)]
    found += [one for path in SCHEMAS for one in in_schema(path)]
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        found += phrases("text", path.relative_to(ROOT).as_posix(), 1, text)
    return sorted(found, key=lambda one: (one.file, one.line))


def report(found: list[Phrase]) -> str:
    return "\n".join(f"{one.file}:{one.line}: {one.kind}: {one.found!r}: write {one.instead!r}" for one in found)


@pytest.mark.parametrize("kinds", [("text",), ("prose", "name")], ids=["texts", "prose"])
def test_no_phrase_is_used_that_the_glossary_replaces(kinds):
    found = [one for one in left() if one.kind in kinds]
    assert not found, "\n" + report(found)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("The server said no.", 1),
        ("a double that an earlier create left behind", 1),
        ("The wait goes on, and a colour is shown.", 2),
        ("`tombstones` is a key of the state", 0),
        ("There is no plan yet.", 0),
        ("PLAN is no plan", 1),
        ("The settle time is 5 s.", 0),
        ("Look up the ID.", 0),
    ],
)
def test_a_phrase_is_found_only_as_a_term(text, count):
    assert len(list(phrases("prose", "FILE", 1, text))) == count


EVERY_KIND = '''
"""module beside"""
# comment beside
@command(app, "plan", examples=("skaha-apply plan --sandbox # beside",))
def plan(options):
    """Command beside."""
    typer.Option("--all", help="option beside")
    raise UsageError(f"error {options} beside", hint="hint beside")
def _private():
    """function beside"""
    yield Note(f"note {1} beside")
    ask(streams, "question beside?")
    lines.append(f"progress {2} beside")
TEMPLATES = {Code.NEW: "reason beside", Code.OLD: lambda given: "reason " + "part beside"}
RULE = Rule(title="title beside", why="why " "beside")
field: int = Field(description="schema beside")
WORD = "beside"
def test_a_value_beside_another():
    Answer.beside = "idle-cap"
'''


def test_every_kind_of_text_is_searched():
    found = Counter(one.kind for one in in_source(EVERY_KIND, "FILE"))
    assert found == {"text": EVERY_KIND.count("beside") - 6, "prose": 3, "name": 3}


def test_every_page_is_searched():
    names = {path.name for path in PAGES}
    assert names >= {
        "README.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "cli.md",
        "clear-secret.md",
        "pull_request_template.md",
    }


def main(words: list[str]) -> None:
    found = [one for one in left() if not words or one.file.startswith(tuple(words))]
    folders = Counter((one.kind, one.file.rpartition("/")[0]) for one in found)
    print(report(found))  # noqa: T201
    for (kind, folder), count in sorted(folders.items(), key=lambda pair: pair[0]):
        print(f"{count:5} {kind:5} {folder or '.'}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
