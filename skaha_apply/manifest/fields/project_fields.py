"""The keys at the top of a manifest, and what there is to say about each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TOP_FIELDS: Mapping[str, str] = {
    "version": "The version of this language: 1.",
    "project": "The project that these sessions belong to: the unit of ownership, with one state and one lock. The "
    "sessions of all files that name the same project add up. Letters, digits, `-`, `_` and `.`, at most 64.",
    "state": "Where the state of this project is kept: an address, or a path. Nothing is sent there because of it; it "
    "is compared with the store in use, and another one is an error: whoever forgot `--state` starts no second memory. "
    "All files of a project have to agree.",
    "max_active": "How many headless sessions may be active at once, over all entries of this project: a number, or "
    "`{project: 200, account: 250}`, where `account` counts every pending or running headless session of the user, "
    "those of other projects and other tools too. The others wait. All files of a project have to agree. Without it "
    "there is no cap but `parallelism`.",
    "variables": 'Values that a call may give, by name: `night: {default: "2026-11-22"}`, `token: {sensitive: true}`. '
    "Given by `--var`, `--var-file` or `SKAHA_VAR_name`, used as `${var.name}`. They hold in their own file. See "
    "[Variables](#variables).",
    "defaults": "What holds for every session of this file that does not say otherwise: any key of a session but "
    "`name`, `matrix` and `needs`.",
    "sessions": "The sessions that should exist, in the order in which they are created. May be an empty list.",
}
