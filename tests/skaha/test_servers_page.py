"""The files and messages in docs/servers-and-credentials.md are those of the package."""

import re
from pathlib import Path

from skaha_apply.skaha.auth.settings import FILES, Environment, find_login, resolve_server

PAGE = (Path(__file__).parents[2] / "docs" / "servers-and-credentials.md").read_text(encoding="utf-8")


def test_the_files_it_shows_are_read(tmp_path):
    blocks = re.findall(r"```yaml\n(# ~/(\S+)\n.*?)```", PAGE, re.DOTALL)
    assert [name for _, name in blocks] == list(FILES)
    for text, name in blocks:
        home = tmp_path / name.split("/")[0]
        (home / name).parent.mkdir(parents=True)
        (home / name).write_text(text)
        surroundings = Environment({}, home)
        server = resolve_server(None, surroundings)
        assert server == "https://example.org/skaha/v1"
        assert find_login(server, surroundings).token.reveal() == "..."


def test_the_messages_that_it_explains_are_in_the_package():
    folder = Path(__file__).parents[2] / "skaha_apply" / "skaha"
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py")))
    messages = re.findall(r"^\| `([^|]*?)`[,|]? ", PAGE, re.MULTILINE)
    assert len(messages) == 9
    for message in messages:
        words = re.sub(r"…|503 …|\b[A-Z]{4,}\b|\(302 to HOST\)", "", message).strip()
        for part in words.split("  "):
            assert part.strip() in sources, part
