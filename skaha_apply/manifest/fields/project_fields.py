"""The top-level keys of a manifest, with their descriptions for the schema and the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TOP_FIELDS: Mapping[str, str] = {
    "version": "The version of this language: 1.",
    "project": "The project of these sessions. A project is the unit of ownership and has one state and one lock. Its "
    "sessions can be in several files. Letters, digits, `-`, `_` and `.`, at most 64 characters.",
    "state": "Where the state of this project is: an address or a path. The tool only compares it with the store in "
    "use. A difference is an error, so that nobody starts a second state without `--state`. All files of a project "
    "must have the same value.",
    "max_active": "The number of headless sessions that can be active at once, over all entries of this project: a "
    "number, or `{project: 200, account: 250}`. `account` counts every pending or running headless session of the "
    "user, including those of other projects and other tools. The others wait. All files of a project must have the "
    "same value. Without it, only `parallelism` limits the number.",
    "notify": "Where the tool sends a message at the first failure and at the end of the work: "
    "`{url: https://chat.example.org/hook}`, `{command: [PROGRAM, ARGUMENT]}`, or both. `on: [failure, end]` chooses "
    "the messages. Only `apply`, `refresh` and `run` send. See [Notices](#notices).",
    "moved": "Renamed entries: `[{from: tile, to: field}]`, with the names as written. The records in the state "
    "follow, so nothing runs again. After that the line has no effect, and it can stay. See [Renaming](#renaming).",
    "variables": 'Values that an invocation can give, by name: `night: {default: "2026-11-22"}`, '
    "`token: {sensitive: true}`. Give them with `--var`, `--var-file` or `SKAHA_VAR_name`, and use them as "
    "`${var.name}` in the same file. See [Variables](#variables).",
    "defaults": "Values for every session of this file that does not have the key itself: any key of a session except "
    "`name`, `matrix` and `needs`.",
    "sessions": "The sessions that should exist, in the order in which they are created. The list can be empty.",
}
