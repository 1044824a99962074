"""The comment of a plan: found by its marker and updated in place; a forged artifact does nothing."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest

from skaha_apply.cli.github.artifact import comments_in
from skaha_apply.model.errors import SkahaApplyError
from skaha_apply.render.results.comment import PlanComment, comment_text, read_comments

SHA, OLD = "a" * 40, "b" * 40
DIGEST = "sha256:" + "1" * 64
PLAN = comment_text(PlanComment("survey", DIGEST, "survey on x\n\n+ create  reduce [1-3]\n\nPlan: 3 to create."))
HOSTILE = "@all ![x](http://x/y.png) <!-- skaha-apply plan other --> <script> \x1b[31m \u202e ```` ::error::x"
MARKER = "<!-- skaha-apply plan survey -->\n"


def archive(name="comment.md", content=PLAN, mode=0, more=(), method=zipfile.ZIP_DEFLATED):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for one in (name, *more):
            entry = zipfile.ZipInfo(one)
            entry.external_attr = mode << 16
            entry.compress_type = method
            opened.writestr(entry, content)
    return made.getvalue()


@pytest.fixture
def write_comment(kit, hub, checkout):
    """Runs the workflow of comments after a run that uploaded this archive; gives the exit code and the job."""
    count = iter(range(100))

    def run(data, sha=SHA, **of_run):
        job = kit.Job(hub, f"comment-{next(count)}", checkout, event=hub.finished(sha, data, **of_run))
        code = job.run(kit.EXAMPLES / "skaha-comment.yml", "comment", state="")
        return code, job

    return run


def test_a_comment_is_made_once_and_then_updated_in_place(hub, kit, write_comment):
    hub.pull(5, SHA)
    others = [{"id": n, "number": 5, "user": {"login": "eve", "type": "User"}, "body": MARKER} for n in range(120)]
    hub.comments += others
    assert write_comment(archive())[0] == 0
    assert hub.writes() == ["POST /issues/5/comments"]
    body = hub.comments[-1]["body"]
    assert body.startswith(MARKER)
    assert f"\nCommit: `{SHA}`\n" in body
    assert "fork" not in body
    assert write_comment(archive())[0] == 0  # nothing has changed
    assert write_comment(archive(content=PLAN.replace("3", "4")))[0] == 0
    assert hub.writes() == ["POST /issues/5/comments", "PATCH /issues/comments/220"]
    assert "Plan: 4 to create" in hub.comments[-1]["body"]
    assert [one["body"] for one in hub.comments[:-1]] == [MARKER] * 120


def test_text_of_a_fork_is_inert_and_its_origin_is_stated(hub, kit, write_comment):
    hub.pull(6, SHA, repo=kit.FORK)
    hub.pull(5, OLD)
    forged = PLAN.replace("survey on x", HOSTILE).replace("### skaha-apply", "PR: 5 @all ![](http://x/) <!-- ")
    forged = forged.replace("\x1b", "^").replace("::error", ": :error")
    code, job = write_comment(archive(content=forged), repo=kit.FORK)
    assert (code, hub.writes()) == (0, ["POST /issues/6/comments"]), job.log
    body = hub.comments[0]["body"]
    before, fence, rest = body.partition("`````text\n")
    assert fence
    assert "This plan comes from a fork." in before
    for part in ("@all", "![", "PR: 5"):
        assert part not in before
    inside, _, after = rest.rpartition("\n`````\n")
    assert after == ""
    assert "\n`````" not in inside
    assert "\\u202e" in inside


def test_a_long_plan_is_cut_at_the_size_of_a_comment(hub, write_comment):
    hub.pull(5, SHA)
    assert write_comment(archive(content=PLAN.replace("survey on", "\u2603" * 90_000 + "`" * 90)))[0] == 0
    (body,) = [one["body"] for one in hub.comments]
    assert 60_000 < len(body) <= 65_536
    assert "the rest is not shown" in body


FORGED = {
    "path": archive("../../comment.md"),
    "absolute": archive("/etc/comment.md"),
    "more files": archive(more=["b.md"]),
    "twice": archive(more=["./comment.md"]),
    "link": archive(mode=stat.S_IFLNK | 0o777),
    "large": archive(content=PLAN + "x" * 1_100_000),
    "bomb": archive(content=" " * 20_000_000),
    "lzma": archive(method=zipfile.ZIP_LZMA),
    "archive": b"not an archive",
    "cut": archive()[:-40],
    "other text": archive(content="Hello"),
    "no digest": archive(content=PLAN.replace("Digest", "digest")),
    "bad project": archive(content=PLAN.replace("plan survey", "plan survey --><b>")),
    "not text": archive(content=b"\xff\xfe\x00"),
    "many": archive(content="".join(PLAN.replace("survey", f"p{n}") for n in range(50))),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_archive_is_refused(name):
    with pytest.raises(SkahaApplyError, match="no comment was written"):
        comments_in(FORGED[name])


def test_an_archive_that_is_too_large_and_one_that_is_forged_write_nothing(hub, write_comment):
    hub.pull(5, SHA)
    for data, message in ((b"x" * 3_000_000, "more than 2097152 bytes"), (FORGED["path"], "it has other files")):
        code, job = write_comment(data)
        assert code == 1
        assert "::error title=skaha-apply::" in job.log
        assert message in job.log
    assert hub.writes() == []


def test_without_a_pull_request_an_artifact_or_a_token_nothing_is_written(kit, hub, checkout, write_comment):
    assert "no open pull request" in write_comment(archive())[1].log
    hub.pull(5, OLD)  # a newer run writes the plan of the newest commit
    assert write_comment(archive())[0] == 0
    hub.pull(6, SHA)
    assert "has no artifact" in write_comment(None)[1].log
    job = kit.Job(hub, "push", checkout)
    assert job.act({"command": "comment"}, {"GITHUB_TOKEN": kit.TOKEN}) == 4
    assert "runs only after another workflow" in job.log
    assert hub.writes() == []


def test_a_missing_permission_is_named_and_the_token_is_not_shown(hub, kit, write_comment):
    hub.pull(5, SHA)
    hub.refused = ("POST",)
    code, job = write_comment(archive())
    assert code == 1
    assert "GitHub refuses POST /issues/5/comments: 403 Forbidden" in job.log
    assert "Give the job the permissions" in job.log
    assert kit.TOKEN not in job.log


@pytest.mark.parametrize("text", ["plain", HOSTILE, "`" * 200, "a\n```\nb\n````\nc", "x" * 70_000, "", "\n\n"])
def test_a_comment_is_read_as_it_was_written(text):
    written = comment_text(PlanComment("a.b-c_d", DIGEST, text)) + comment_text(PlanComment("e", DIGEST, text))
    first, second = read_comments(written)
    assert (first.project, first.digest, second.project) == ("a.b-c_d", DIGEST, "e")
    assert comment_text(first) + comment_text(second) == written
