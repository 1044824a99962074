"""The keys of a manifest: one table from which reading, the JSON schema and the documentation all follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.manifest.fields import readers, schema_parts
from skaha_apply.manifest.fields.readers import SessionField
from skaha_apply.manifest.fields.values import MAX_REPLICAS, NodeReader
from skaha_apply.model.session import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

DURATION = "duration: `10s`, `30m`, `12h`, `2d`, or a number of seconds"

SESSION_FIELDS: tuple[SessionField, ...] = (
    SessionField(
        "name",
        NodeReader.text,
        "text",
        "required",
        "The name of the session, its identity within the project (in any case). Letters, digits and `-`, at most 63 "
        "characters with the replica's suffix. One replica has this very name on the server, of several each gets its "
        "number: `name-1` … `name-N`.",
        schema_parts.NAME,
        ("reduce", "tile-0843"),
        inherited=False,
        required=True,
    ),
    SessionField(
        "matrix",
        readers.unread,
        "axes (name to a list of texts, or to `{file: LIST}`), or `rows: {file: TABLE}`; `include`, `exclude`",
        "one combination",
        "Makes one session of each combination of values, and gives the values to every other key as `${axis}`: a "
        "survey's tiles, a sweep over two parameters. An axis is a list, or `{file: tiles.txt}` with one value a "
        "line; `rows: {file: fields.csv}` takes the combinations from a table (CSV, TSV or ECSV) instead, each column "
        "a value. "
        "`include` adds combinations or changes keys of those that match, `exclude` takes some away. The name of "
        "the session has to tell the combinations apart. See [Matrix](#one-session-for-each-tile-matrix).",
        {},
        (
            {"tile": ["t001", "t002"]},
            {"tile": {"file": "tiles.txt"}, "band": ["r", "g"]},
            {"rows": {"file": "fields.csv"}},
        ),
        inherited=False,
    ),
    SessionField(
        "kind",
        NodeReader.kind,
        "one of " + ", ".join(f"`{kind}`" for kind in Kind),
        "`headless`",
        "The type of session, in any case. `headless` runs a program to its end; the others are opened in a browser.",
        {"type": "string", "anyOf": [{"enum": [str(kind) for kind in Kind]}, {"pattern": schema_parts.ANY_CASE}]},
        ("headless", "notebook"),
    ),
    SessionField(
        "needs",
        readers.needs,
        "list of names, or of `{name: NAME, require: SHARE}`; or one of them",
        "none",
        "Headless sessions of the same project that have to be done before this one starts, by their `name` as it "
        "is written there, matrix included: `mosaic-${tile}`. Where both have the same axis or column, a "
        "combination waits only for those that agree with it, tile by tile; any other axis is waited for as a "
        "whole. `{name: reduce, require: 95%}` goes on once all of it has ended and that share has succeeded; "
        "`require: ended` whatever the result. When what is needed runs again, so does this.",
        {"anyOf": [schema_parts.NEED, {"type": "array", "items": schema_parts.NEED}]},
        (["reduce"], ["mosaic-${tile}"], [{"name": "reduce", "require": "95%"}, "flats"]),
        inherited=False,
    ),
    SessionField(
        "image",
        NodeReader.text,
        "text",
        "required, here or in `defaults`",
        "The container image in full: host, project, name and tag. The server knows no short names and no default tag.",
        {"type": "string"},
        ("images.canfar.net/skaha/astroml:24.07",),
        required=True,
    ),
    SessionField(
        "cores",
        NodeReader.number,
        "number",
        "the server's flexible mode",
        "CPU cores. Give both `cores` and `ram`, or neither: the server decides by `ram` alone whether a session has "
        "fixed resources. Without both it is flexible: it gets little for certain, and more while the cluster has it.",
        schema_parts.AMOUNT,
        (2, 8),
    ),
    SessionField(
        "ram",
        NodeReader.number,
        "number, GB",
        "the server's flexible mode",
        "Memory in GB as the server counts them, 2^30 bytes (GiB), without a unit.",
        schema_parts.AMOUNT,
        (8, 32),
    ),
    SessionField(
        "gpus",
        NodeReader.whole,
        "whole number",
        "none",
        "GPUs. For none leave the key out: the server refuses 0.",
        {"type": "integer", "minimum": 1},
        (1,),
    ),
    SessionField(
        "replicas",
        NodeReader.replicas,
        f"whole number, 1 to {MAX_REPLICAS:,}",
        "1",
        "Into how many shares the work is cut: so many sessions run it, each with its own `REPLICA_ID` (from 1) and "
        "with `REPLICA_COUNT` in its environment. Another number changes every share, so everything runs again.",
        {"type": "integer", "minimum": 1, "maximum": MAX_REPLICAS},
        (100,),
    ),
    SessionField(
        "parallelism",
        readers.count,
        "whole number of at least 1",
        "no cap",
        "How many sessions of this entry may be active at once, over all its combinations and replicas; the others "
        "wait until a place gets free. It decides nothing about the result, so it may be changed at any time and "
        "nothing runs again. `max_active` caps all entries together.",
        schema_parts.COUNT,
        (32,),
    ),
    SessionField(
        "pilot",
        readers.count,
        "whole number of at least 1",
        "1, until one was accepted by the server",
        "So many of this entry, the first of the list, run alone until they have succeeded; then the others "
        "follow. A mistake in the program then costs a few sessions and not thousands. Headless only.",
        schema_parts.COUNT,
        (3,),
    ),
    SessionField(
        "cmd",
        NodeReader.command,
        "text, or list of texts",
        "what the image starts by itself",
        "The program to run (headless only). Of a list the first item is the program and the rest goes before `args`.",
        {"anyOf": [schema_parts.TEXT, {"type": "array", "items": schema_parts.TEXT, "minItems": 1}]},
        ("python", ["python", "/arc/projects/survey/reduce.py"]),
    ),
    SessionField(
        "args",
        NodeReader.words,
        "list of texts, or one text",
        "none",
        "The arguments of the program (headless only). One text is split at its spaces. The server cannot pass an "
        "argument with a space in it.",
        {"anyOf": [{**schema_parts.TEXT, "pattern": "[^ \\r\\n]"}, {"type": "array", "items": schema_parts.TEXT}]},
        (["/arc/projects/survey/reduce.py", "--band", "r"], "reduce.py --band r"),
    ),
    SessionField(
        "env",
        NodeReader.environment,
        "mapping of names to texts",
        "none",
        "Environment variables (headless only). Those of `defaults` and of the session are merged; where both give the "
        "same name, the session's value holds.",
        {"type": "object", "additionalProperties": schema_parts.TEXT},
        ({"BAND": "r", "FIELD": "0843"},),
    ),
    SessionField(
        "retries",
        NodeReader.whole,
        "whole number",
        "0: a failure is final",
        "How many times a replica that failed is started again, each after a pause (`retry_wait`). Each attempt "
        "has a log of its own. Other cores, RAM or GPUs, or other work, count attempts anew. Headless only.",
        {"type": "integer", "minimum": 0},
        (2,),
    ),
    SessionField(
        "retry_wait",
        readers.duration,
        DURATION,
        "`10s`",
        "The pause before the first retry, from when the failure was seen; it doubles with each further one, to 10 "
        "minutes at most (or stays what it is, if longer).",
        schema_parts.DURATION,
        ("10s", "5m"),
    ),
    SessionField(
        "stop_after",
        readers.count,
        "whole number of at least 1",
        "10",
        "The failure limit: after this number of failed attempts in a row, of any of its replicas, no more of this "
        "entry is started, and the tool deletes its sessions that are still Pending. Running sessions continue. The "
        "entry goes on when it changes, or after `skaha-apply mark rerun NAME --phase failed`. One success resets the "
        "count. Headless only.",
        schema_parts.COUNT,
        (10, 100),
    ),
    SessionField(
        "timeout",
        readers.duration,
        DURATION,
        "the 14 days that the server gives a headless session",
        "The longest time that a session may run, from when it was seen to run. Past it its log and events are "
        "saved, it is deleted, and the attempt has failed; `retries` count it as any failure. Time in the queue is "
        "not part of it (see `pending_timeout`). Headless only.",
        schema_parts.DURATION,
        ("12h", "2d"),
    ),
    SessionField(
        "pending_timeout",
        readers.duration,
        DURATION,
        "none: it waits for as long as the cluster is full",
        "The longest time that a session may wait in the queue, from when it was accepted. Past it its events are "
        "saved, it is deleted, and the attempt has failed: for an image that cannot be pulled, or resources that "
        "no node has. Headless only.",
        schema_parts.DURATION,
        ("30m", "1d"),
    ),
    SessionField(
        "rerun",
        readers.rerun,
        "one of `on-change`, `always`, `never`, or a duration",
        "`on-change`",
        "When work that has succeeded runs again. `on-change`: when what decides its result changes (image, cmd, "
        "args, env, replicas, or what it needs ran again). `always`: also with every call of `apply`. `never`: not "
        "even when it changes. A duration, `1d`: also when its end is longer ago than that. Headless only.",
        {"anyOf": [{"enum": list(readers.RERUNS)}, schema_parts.DURATION]},
        ("on-change", "always", "never", "1d"),
    ),
    SessionField(
        "vanished",
        readers.one_of(*readers.VANISHED),
        "one of `hold`, `rerun`, `complete`",
        "`hold`",
        "What holds for a session that was seen active and disappeared before a listing showed its end (the server "
        "lists a session for an hour after its end). `hold`: the replica is unknown, and its dependents are "
        "blocked, until you use `skaha-apply mark`. `rerun`: it runs again, for work that can run twice. "
        "`complete`: it counts as succeeded and is never created again. Headless only.",
        {"enum": list(readers.VANISHED)},
        ("hold", "rerun", "complete"),
    ),
    SessionField(
        "when_removed",
        readers.one_of(*readers.REMOVED),
        "one of `delete`, `finish`",
        "`delete`",
        "What happens to its active sessions when its line is gone from the manifest: they are deleted, or run to "
        "their end. What was done is remembered either way, so a line that comes back runs nothing again.",
        {"enum": list(readers.REMOVED)},
        ("delete", "finish"),
    ),
    SessionField(
        "renew",
        readers.duration,
        DURATION,
        "never",
        "Renews an interactive session when it has less than this left, so that a notebook does not expire over "
        "the weekend. The server gives it its full time again, 4 days unless it is configured otherwise; it "
        "happens when `apply` (or `apply --wait complete`) runs, so run it more often than this. The server leaves "
        "a headless session as it is.",
        schema_parts.DURATION,
        ("2d",),
    ),
    SessionField(
        "protect",
        NodeReader.truth,
        "`true` or `false`",
        "`false`",
        "Never deleted or replaced by a plan, also after its line was removed.",
        {"type": "boolean"},
        (True,),
    ),
)

BY_NAME: Mapping[str, SessionField] = {field.name: field for field in SESSION_FIELDS}
DEFAULT_FIELDS: Mapping[str, SessionField] = {field.name: field for field in SESSION_FIELDS if field.inherited}

# What it is and what it waits for, where it runs, what it runs, and what follows: the order of a session's keys.
CANONICAL = tuple(BY_NAME)
