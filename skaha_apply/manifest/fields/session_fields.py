"""The keys of a manifest: one table from which reading, the JSON schema and the documentation all follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.manifest.fields import readers, schema_parts
from skaha_apply.manifest.fields.readers import SessionField
from skaha_apply.manifest.fields.values import NodeReader
from skaha_apply.model.session import MAX_REPLICAS, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

DURATION = "duration: `10s`, `30m`, `12h`, `2d`, or a number of seconds"

SESSION_FIELDS: tuple[SessionField, ...] = (
    SessionField(
        "name",
        NodeReader.text,
        "text",
        "required",
        "The name of the session. It is the identity within the project; the case of letters does not matter. Letters, "
        "digits and `-`, at most 63 characters with the suffix of the replica. On the server, a single replica has "
        "exactly this name; several have the names `name-1` … `name-N`.",
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
        "Creates one session for each combination of values. Every other key can use the values as `${axis}`: the "
        "tiles of a survey, or a sweep over two parameters. An axis is a list, or `{file: tiles.txt}` with one value "
        "on each line. `rows: {file: fields.csv}` takes the combinations from a table (CSV, TSV or ECSV), each column "
        "a value. `include` adds combinations or changes keys of matching ones, `exclude` removes combinations. The "
        "name of the session must be different for each combination. See [Matrix](#one-session-for-each-tile-matrix).",
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
        "The type of session, in any case of letters. `headless` runs a program to its end. You open the other types "
        "in a browser.",
        {"type": "string", "anyOf": [{"enum": [str(kind) for kind in Kind]}, {"pattern": schema_parts.ANY_CASE}]},
        ("headless", "notebook"),
    ),
    SessionField(
        "needs",
        readers.needs,
        "list of names, or of `{name: NAME, require: SHARE}`; or one of them",
        "none",
        "Headless sessions of the same project that must be done before this one starts. Write their `name` as in the "
        "manifest, with references: `mosaic-${tile}`. If both entries have the same axis or column, a combination "
        "waits only for those with its own value, for example tile by tile. It waits for all values of other axes. "
        "With `{name: reduce, require: 95%}` the session starts once all of `reduce` has ended and 95 % has "
        "succeeded; with `require: ended` once all has ended. If a dependency runs again, its dependents run again.",
        {"anyOf": [schema_parts.NEED, {"type": "array", "items": schema_parts.NEED}]},
        (["reduce"], ["mosaic-${tile}"], [{"name": "reduce", "require": "95%"}, "flats"]),
        inherited=False,
    ),
    SessionField(
        "image",
        NodeReader.text,
        "text",
        "required, here or in `defaults`",
        "The full name of the container image: host, project, name and tag. The server has no short names and no "
        "default tag.",
        {"type": "string"},
        ("images.canfar.net/skaha/astroml:24.07",),
        required=True,
    ),
    SessionField(
        "cores",
        NodeReader.number,
        "number",
        "the server's flexible mode",
        "CPU cores. Write both `cores` and `ram`, or neither: the server decides by `ram` alone whether a session has "
        "fixed resources. Without both, the session is flexible: it has few guaranteed resources, and more while the "
        "cluster has free ones.",
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
        "GPUs. For a session without GPUs, omit the key: the server refuses 0.",
        {"type": "integer", "minimum": 1},
        (1,),
    ),
    SessionField(
        "replicas",
        NodeReader.replicas,
        f"whole number, 1 to {MAX_REPLICAS:,}",
        "1",
        "The number of sessions that share the work. Each has its own `REPLICA_ID` (from 1) and `REPLICA_COUNT` in its "
        "environment. Another number changes every share, so all replicas run again.",
        {"type": "integer", "minimum": 1, "maximum": MAX_REPLICAS},
        (100,),
    ),
    SessionField(
        "parallelism",
        readers.count,
        "whole number of at least 1",
        "no limit",
        "The number of sessions of this entry that can be active at once, over all combinations and replicas. The "
        "others wait for a free slot. You can change it at any time, and nothing runs again. `max_active` limits all "
        "entries together.",
        schema_parts.COUNT,
        (32,),
    ),
    SessionField(
        "pilot",
        readers.count,
        "whole number of at least 1",
        "1, until the server has accepted one session",
        "The number of sessions of this entry that run first. After they have succeeded, the others start. A "
        "mistake in the program then costs a few sessions and not thousands. Headless only.",
        schema_parts.COUNT,
        (3,),
    ),
    SessionField(
        "cmd",
        NodeReader.command,
        "text, or list of texts",
        "the start command of the image",
        "The program to run (headless only). The first item of a list is the program; the others come before `args`.",
        {"anyOf": [schema_parts.TEXT, {"type": "array", "items": schema_parts.TEXT, "minItems": 1}]},
        ("python", ["python", "/arc/projects/survey/reduce.py"]),
    ),
    SessionField(
        "args",
        NodeReader.words,
        "list of texts, or one text",
        "none",
        "The arguments of the program (headless only). A single text is split at its spaces. The server cannot pass an "
        "argument with a space in it.",
        {"anyOf": [{**schema_parts.TEXT, "pattern": "[^ \\r\\n]"}, {"type": "array", "items": schema_parts.TEXT}]},
        (["/arc/projects/survey/reduce.py", "--band", "r"], "reduce.py --band r"),
    ),
    SessionField(
        "env",
        NodeReader.environment,
        "mapping of names to texts",
        "none",
        "Environment variables (headless only). Those of `defaults` and of the session are merged. If both have the "
        "same name, the value of the session counts.",
        {"type": "object", "additionalProperties": schema_parts.TEXT},
        ({"BAND": "r", "FIELD": "0843"},),
    ),
    SessionField(
        "retries",
        NodeReader.whole,
        "whole number",
        "0: a failure is final",
        "How many times the tool starts a failed replica again, each time after `retry_wait`. Each attempt has its own "
        "log. If the work or the cores, RAM or GPUs change, attempts are counted from 1 again. Headless only.",
        {"type": "integer", "minimum": 0},
        (2,),
    ),
    SessionField(
        "retry_wait",
        readers.duration,
        DURATION,
        "`10s`",
        "The wait before the first retry, from the moment when the tool saw the failure. Each further retry waits "
        "twice as long, up to 10 minutes. A `retry_wait` of more than 10 minutes stays the same.",
        schema_parts.DURATION,
        ("10s", "5m"),
    ),
    SessionField(
        "retry_ram",
        readers.amounts,
        "list of numbers, GB; or one number",
        "the `ram` of the first attempt",
        "The `ram` of attempts 2, 3, and so on; the last value holds for all further ones. Use it if the memory that "
        "the work requires is not known: the first attempt asks for little, and only those that fail ask for more. A "
        "change replaces nothing and reruns nothing. Headless only, with `retries` and `ram`.",
        {"anyOf": [schema_parts.AMOUNT, {"type": "array", "items": schema_parts.FILLED_AMOUNT, "minItems": 1}]},
        ([16, 32], 64),
    ),
    SessionField(
        "stop_after",
        readers.count,
        "whole number of at least 1",
        "10",
        "The failure limit: after this number of failed attempts in a row, of any of its replicas, no more of this "
        "entry is started, and the tool deletes its sessions that are still Pending. Running sessions continue. The "
        "entry continues after a change of the entry, or after `skaha-apply mark rerun NAME --phase failed`. One "
        "success resets the count. Headless only.",
        schema_parts.COUNT,
        (10, 100),
    ),
    SessionField(
        "timeout",
        readers.duration,
        DURATION,
        "the 14 days that the server gives a headless session",
        "The longest time that a session can run, from the moment when the tool saw it running. After that time the "
        "tool saves its log and events and deletes it. The attempt has failed, and `retries` apply. Time in the queue "
        "does not count (see `pending_timeout`). Headless only.",
        schema_parts.DURATION,
        ("12h", "2d"),
    ),
    SessionField(
        "pending_timeout",
        readers.duration,
        DURATION,
        "none: the session waits until the cluster has free resources",
        "The longest time that a session can wait in the queue, from the moment when the server accepted it. After "
        "that time the tool saves its events and deletes it, and the attempt has failed. Use it for images that "
        "cannot be pulled, or resources that no node has. Headless only.",
        schema_parts.DURATION,
        ("30m", "1d"),
    ),
    SessionField(
        "rerun",
        readers.rerun,
        "one of `on-change`, `always`, `never`, or a duration",
        "`on-change`",
        "When work that has succeeded runs again. `on-change`: if its result can change, because image, cmd, args, env "
        "or replicas changed, or because a dependency ran again. `always`: also at every `apply`. `never`: not even "
        "after a change. A duration such as `1d`: also if its end is longer ago than that. Headless only.",
        {"anyOf": [{"enum": list(readers.RERUNS)}, schema_parts.DURATION]},
        ("on-change", "always", "never", "1d"),
    ),
    SessionField(
        "vanished",
        readers.one_of(*readers.VANISHED),
        "one of `hold`, `rerun`, `complete`",
        "`hold`",
        "What the tool assumes about a session that was active and disappeared before a listing showed its end (the "
        "server lists a session for an hour after its end). `hold`: the replica is unknown, and its dependents are "
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
        "What happens to active sessions after their entry is removed from the manifest: the tool deletes them, or "
        "they run to their end. The state keeps finished work in both cases, so an entry that comes back reruns "
        "nothing.",
        {"enum": list(readers.REMOVED)},
        ("delete", "finish"),
    ),
    SessionField(
        "renew",
        readers.duration,
        DURATION,
        "never",
        "`apply` renews an interactive session if its remaining time is less than this, so that a notebook does not "
        "expire over the weekend. The server then gives it the full time again, by default 4 days. Run `apply` (or "
        "`apply --wait complete`) more often than this duration. The server does not renew headless sessions.",
        schema_parts.DURATION,
        ("2d",),
    ),
    SessionField(
        "protect",
        NodeReader.boolean,
        "`true` or `false`",
        "`false`",
        "No plan deletes or replaces the session, also after its entry was removed.",
        {"type": "boolean"},
        (True,),
    ),
)

BY_NAME: Mapping[str, SessionField] = {field.name: field for field in SESSION_FIELDS}
DEFAULT_FIELDS: Mapping[str, SessionField] = {field.name: field for field in SESSION_FIELDS if field.inherited}

# The order of the keys of a session: identity and dependencies, resources, program, retries and lifetime.
CANONICAL = tuple(BY_NAME)
