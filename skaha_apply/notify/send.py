"""Masks one notice and sends it to its command and its address: a few tries each, in bounded time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.project import NotSent
from skaha_apply.model.spec import LATER, fill
from skaha_apply.notify.command import run_command
from skaha_apply.notify.message import body, masked_notice, variables
from skaha_apply.notify.webhook import post

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from skaha_apply.model.project import Notice, NoticeTargets


@dataclass(frozen=True)
class SendLimits:
    """The number of tries, the seconds for one try, and the seconds before the second try, doubled for the third."""

    tries: int = 3
    seconds: float = 10.0
    wait: float = 1.0


class _Job(NamedTuple):
    """How one target gets a notice: `send` gets the texts of the target, with the values of variables."""

    target: str
    texts: tuple[str, ...]
    send: Callable[[tuple[str, ...]], Awaitable[None]]


async def send_notice(
    targets: NoticeTargets,
    notice: Notice,
    secrets: Mapping[str, str],
    environ: Mapping[str, str],
    limits: SendLimits | None = None,
) -> tuple[str, ...]:
    """Mask a notice and send it; returns a line for each target that did not get it.

    Args:
        targets: where it goes.
        notice: what is sent, with `(sensitive)` in place of each value of `secrets`.
        secrets: the values of sensitive variables, also for `command` and `url`.
        environ: the environment of the invocation; the variables of the tool and of the client are removed.
        limits: the bounds of tries and times.
    """
    limits = limits or SendLimits()
    jobs = _jobs(targets, masked_notice(notice, secrets), environ, limits)
    problems = await asyncio.gather(*(_problem(job, secrets, limits) for job in jobs))
    return tuple(f"notify.{job.target}: {problem}" for job, problem in zip(jobs, problems, strict=True) if problem)


def _jobs(targets: NoticeTargets, notice: Notice, environ: Mapping[str, str], limits: SendLimits) -> list[_Job]:
    """A job for each target."""
    content, jobs = body(notice), []
    if targets.command:
        environment = variables(notice, environ)
        jobs.append(_Job("command", targets.command, lambda words: run_command(words, content, environment)))
    if targets.url:
        jobs.append(_Job("url", (targets.url,), lambda words: post(words[0], content, limits.seconds)))
    return jobs


async def _problem(job: _Job, secrets: Mapping[str, str], limits: SendLimits) -> str:
    """Why the target did not get the notice; "" if it did."""
    words = tuple(fill(text, 0, secrets) for text in job.texts)
    missing = [found[2] for text in job.texts if (found := LATER.search(text)) and found[2] not in secrets]
    if missing:
        return f"the sensitive variable {missing[0]} has no value"
    problem = ""
    for number in range(limits.tries):
        if number:
            await asyncio.sleep(limits.wait * 2 ** (number - 1))
        try:
            async with asyncio.timeout(limits.seconds):
                await job.send(words)
        except TimeoutError:
            problem = f"no end within {limits.seconds:g} s"
        except NotSent as error:
            problem = str(error)
            if not error.can_be_repeated:
                return problem
        else:
            return ""
    return f"{problem} ({limits.tries} tries)"
