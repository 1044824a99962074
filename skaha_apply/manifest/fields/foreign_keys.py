"""Keys of other tools, and the keys of a manifest to write instead.

The table is read only after a mistake. A key is compared without regard to case, and `-` counts as `_`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ForeignKey:
    """The key to write instead ("" if there is none), and the sentence of the diagnostic."""

    key: str
    detail: str


_NEEDS = ForeignKey("needs", "Write needs: [NAME], the sessions that must be done before this one.")
_RAM = ForeignKey("ram", "Write ram: 16, a number of GB without a unit.")
_CORES = ForeignKey("cores", "Write cores: 4, a number.")
_GPUS = ForeignKey("gpus", "Write gpus: 1, a whole number; without GPUs, omit the key.")
_CMD = ForeignKey("cmd", "Write cmd: [bash, run.sh], the program and its first arguments.")
_RESOURCES = ForeignKey("cores", "Write cores, ram and gpus as keys of their own: cores: 4, ram: 16.")
_ENV = ForeignKey("env", "Write env: {NAME: value}.")
_KIND = ForeignKey("kind", "Write kind: headless, or another type of session.")
_REPLICAS = ForeignKey("replicas", "Write replicas: 10, the number of sessions that share the work.")
_MATRIX = ForeignKey("matrix", "Write matrix: {tile: [t001, t002]}, one session for each combination.")
_PARALLELISM = ForeignKey("parallelism", "Write parallelism: 32, the number of sessions that can be active at once.")
_TIMEOUT = ForeignKey("timeout", "Write timeout: 12h, the longest time that a session can run.")
_RETRIES = ForeignKey("retries", "Write retries: 2, the number of times that a failed replica starts again.")
_PROTECT = ForeignKey("protect", "Write protect: true; no plan then deletes or replaces the session.")
_IMAGE = ForeignKey("image", "Write image: HOST/PROJECT/NAME:TAG.")
_SESSIONS = ForeignKey("sessions", "Write sessions: and a list below it; each item begins with `- name: NAME`.")
_PROJECT = ForeignKey("project", "Write project: NAME.")
_VARIABLES = ForeignKey("variables", "Write variables: and the names below it, each with its default.")
_NO_MOUNTS = ForeignKey("", "The server mounts /arc and /scratch in every session; there is no key for it.")

FOREIGN_KEYS: Mapping[str, ForeignKey] = {
    "depends_on": _NEEDS,
    "dependson": _NEEDS,
    "dependencies": _NEEDS,
    "requires": _NEEDS,
    "after": _NEEDS,
    "memory": _RAM,
    "mem": _RAM,
    "mem_limit": _RAM,
    "cpu": _CORES,
    "cpus": _CORES,
    "ncpus": _CORES,
    "gpu": _GPUS,
    "resources": _RESOURCES,
    "requests": _RESOURCES,
    "limits": _RESOURCES,
    "command": _CMD,
    "entrypoint": _CMD,
    "script": _CMD,
    "executable": _CMD,
    "arguments": ForeignKey("args", "Write args: [--band, r], the arguments of the program."),
    "environment": _ENV,
    "envs": _ENV,
    "type": _KIND,
    "count": _REPLICAS,
    "instances": _REPLICAS,
    "scale": _REPLICAS,
    "for_each": _MATRIX,
    "foreach": _MATRIX,
    "array": _MATRIX,
    "parallel": _PARALLELISM,
    "max_parallel": _PARALLELISM,
    "concurrency": _PARALLELISM,
    "walltime": _TIMEOUT,
    "time_limit": _TIMEOUT,
    "deadline": _TIMEOUT,
    "activedeadlineseconds": _TIMEOUT,
    "timeout_minutes": _TIMEOUT,
    "retry": _RETRIES,
    "backofflimit": _RETRIES,
    "max_retries": _RETRIES,
    "restart": _RETRIES,
    "restart_policy": _RETRIES,
    "prevent_destroy": _PROTECT,
    "container": _IMAGE,
    "container_image": _IMAGE,
    "jobs": _SESSIONS,
    "services": _SESSIONS,
    "tasks": _SESSIONS,
    "namespace": _PROJECT,
    "vars": _VARIABLES,
    "volumes": _NO_MOUNTS,
    "mounts": _NO_MOUNTS,
}
