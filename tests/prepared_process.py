"""Runs `skaha-apply`, or scripts, as forks of one prepared process, which has imported the libraries and the package.

A fork is a process of its own: it has its own streams, folder, environment, signals and exit code, and it ends as every
Python process does. It saves the half second that an interpreter needs to start. Run as a script, `prepared_process.py
SOCKET LIBRARIES`, this file is the prepared process.
"""

from __future__ import annotations

import atexit
import builtins
import dataclasses
import gc
import importlib
import json
import os
import pkgutil
import resource
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from contextlib import suppress
from functools import partial

LIBRARIES = ("asyncio", "httpx", "pydantic", "rich.console", "ruamel.yaml", "sniffio", "typer")
NOT_IMPORTED = ("skaha_apply.__main__", "skaha_apply.cli.commands.", "skaha_apply.sandbox.", "skaha_apply.distributed")
PREPARED_COMMANDS = {}  # by its name: its modules, and what each list of the application then has
ENDED_S = 120
# An interpreter reads these before its first line, so a command that changes one of them gets a fresh interpreter.
READ_AT_START = ("LANG", "LANGUAGE", "LC_", "PYTHON")
READ_BY_THE_FORK = {"PYTHONWARNINGS"}
SAME_AS_NO_LANG = {"", "C", "POSIX", "C.UTF-8", "C.utf8"}  # Python takes C.UTF-8 for each of them [PEP 538]


def read_at_start(environment):
    """The part of an environment that a running interpreter cannot follow."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(READ_AT_START)
        and name not in READ_BY_THE_FORK
        and not (name == "LANG" and value in SAME_AS_NO_LANG)
    }


class PreparedProcess:
    """Starts command lines as forks; the keywords of `start` and `run` mean what they mean to `subprocess`.

    `libraries` are imported before the forks.
    """

    def __init__(self, libraries=LIBRARIES):
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PYTHONPATH", "HOME")}
        self._at_start = read_at_start(kept)
        self._socket, theirs = socket.socketpair()
        words = [sys.executable, __file__, str(theirs.fileno()), ",".join(libraries)]
        self._process = subprocess.Popen(words, pass_fds=(theirs.fileno(),), env=kept, stdin=subprocess.DEVNULL)
        theirs.close()

    def start(self, words, *, cwd, env, warn=(), script=None, limits=None, **given):
        """Start `skaha-apply`, or a script: a fork, or a fresh interpreter where a fork would differ (`preexec_fn`).

        `limits` maps resources to what the process may use of them, such as `{resource.RLIMIT_FSIZE: 500}`.
        """
        words, env = [str(word) for word in words], {name: str(value) for name, value in env.items()}
        limits = [*(limits or {}).items()]
        if "preexec_fn" in given or read_at_start(env) != self._at_start:
            options = [word for option in warn for word in ("-W", option)]
            program = [script] if script else ["-m", "skaha_apply"]
            command = [sys.executable, *options, *program, *words]
            if limits:
                given["preexec_fn"] = partial(set_limits, limits)
            return subprocess.Popen(command, cwd=cwd, env=env, **{"text": True, **given})
        request = {"script": script and str(script), "words": words, "cwd": str(cwd), "env": env, "warn": list(warn)}
        return Forked(self._socket, {**request, "limits": limits}, **given)

    def run(self, words, *, input=None, timeout=ENDED_S, **given):  # noqa: A002 - as subprocess has it
        """Run one command line to its end; without input its standard input is empty."""
        streams = {"stdin": subprocess.DEVNULL if input is None else subprocess.PIPE}
        streams |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = self.start(words, **{**streams, **given})
        try:
            out, err = process.communicate(input, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def close(self):
        self._socket.close()
        self._process.wait(ENDED_S)


class Forked:
    """A command that was started, with the attributes and methods of `subprocess.Popen` that tests need."""

    def __init__(self, server, request, *, stdin=None, stdout=None, stderr=None, text=True, start_new_session=False):
        self.args, self.returncode = request["words"], None
        self._opened, self._readers = [], {}
        theirs, ours = zip(
            self._stream(stdin, 0, text), self._stream(stdout, 1, text), self._stream(stderr, 2, text), strict=True
        )
        self.stdin, self.stdout, self.stderr = ours
        self._reply, given = socket.socketpair()
        socket.send_fds(server, [b"x"], [given.fileno(), *theirs])
        given.close()
        for number in self._opened:
            os.close(number)
        self._reply.sendall(json.dumps({**request, "session": start_new_session}).encode() + b"\n")
        self._lines = self._reply.makefile("r")
        self.pid = int(self._lines.readline() or "0")
        assert self.pid, "the prepared process is gone"

    def _stream(self, given, number, text):
        """The descriptor that the fork gets, and the end of this process, if any."""
        if given == subprocess.PIPE:
            reader, writer = os.pipe()
            theirs, ours = (reader, writer) if number == 0 else (writer, reader)
            self._opened.append(theirs)
            return theirs, os.fdopen(ours, ("w" if number == 0 else "r") + ("" if text else "b"))
        if given == subprocess.DEVNULL or (given is None and number == 0):
            self._opened.append(os.open(os.devnull, os.O_RDWR))
            return self._opened[-1], None
        if given == subprocess.STDOUT:
            raise NotImplementedError
        return (number if given is None else given if isinstance(given, int) else given.fileno()), None

    def poll(self):
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout=None):
        if self.returncode is None:
            if not select.select([self._reply], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout)
            line = self._lines.readline()
            assert line, "the prepared process is gone"
            self.returncode = int(line)
            self._lines.close()
            self._reply.close()
        return self.returncode

    def communicate(self, input=None, timeout=None):  # noqa: A002 - as subprocess has it
        """Write all input, read all output, wait for the end; may be called again after a `TimeoutExpired`."""
        until = None if timeout is None else time.monotonic() + timeout
        if not self._readers:
            jobs = {"out": (self._read, self.stdout), "err": (self._read, self.stderr), "in": (self._write, input)}
            for name, (job, about) in jobs.items():
                self._readers[name] = [None, threading.Thread(target=job, args=(name, about), daemon=True)]
                self._readers[name][1].start()
        for _, thread in self._readers.values():
            thread.join(None if until is None else max(0.0, until - time.monotonic()))
            if thread.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout)
        self.wait(None if until is None else max(0.0, until - time.monotonic()))
        return self._readers["out"][0], self._readers["err"][0]

    def _read(self, name, stream):
        if stream is not None and not stream.closed:
            self._readers[name][0] = stream.read()
            stream.close()

    def _write(self, _name, text):
        if self.stdin is not None and not self.stdin.closed:
            with suppress(BrokenPipeError):
                if text:
                    self.stdin.write(text)
                self.stdin.flush()
            with suppress(BrokenPipeError):
                self.stdin.close()

    def send_signal(self, number):
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def serve(control):
    """Fork for each request, and report each end; returns in the child, with its descriptors; None at the end."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the commands and for pytest
    running = {}
    while True:
        ready = select.select([control, woken], [], [])[0]
        if woken in ready:
            os.read(woken, 4096)
            report_ends(running)
        if control not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(control, 1, 4)
        if not message:
            return None
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for number in (control.detach(), woken, wakes, *running.values()):
                os.close(number)
            return descriptors
        running[pid] = descriptors[0]
        for number in descriptors[1:]:
            os.close(number)


def report_ends(running):
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        reply = running.pop(pid)
        with suppress(BrokenPipeError, ConnectionResetError):
            os.write(reply, f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os.close(reply)


def become(reply, *streams):
    """Be the command: its session, streams, folder, environment and words. Then run it, and return its exit code."""
    text = b""
    while not text.endswith(b"\n"):
        text += os.read(reply, 65536)
    request = json.loads(text)
    if request["session"]:
        os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.write(reply, f"{os.getpid()}\n".encode())
    for number in {reply, *streams} - {0, 1, 2}:
        os.close(number)
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["cwd"])
    new_streams()
    warn(request["warn"], request["env"].get("PYTHONWARNINGS", ""))
    set_limits(request["limits"])
    if request["script"]:
        sys.argv = [request["script"], *request["words"]]
        return runpy.run_path(request["script"], run_name="__main__")  # which exits by itself
    take_command(request["words"])
    sys.argv = ["skaha-apply", *request["words"]]
    sys.orig_argv = [sys.executable, "-m", "skaha_apply", *request["words"]]
    from skaha_apply.cli import main  # noqa: PLC0415 - only in the prepared process

    return main()


def new_streams():
    """The streams as an interpreter makes them at its start; a terminal gets each line at once."""
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", errors=sys.stdin.errors, closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", errors=sys.stdout.errors, closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def set_limits(limits):
    for one, most in limits:
        resource.setrlimit(one, (most, most))


def warn(options, variable):
    """Take the options of -W after those of PYTHONWARNINGS, such as `error::ResourceWarning`."""
    for option in [*filter(None, variable.split(",")), *options]:
        action, _, category = (*option.split(":"), "", "")[:3]
        warnings.filterwarnings(action, category=getattr(builtins, category or "Warning"))
        sys.warnoptions.append(option)


def prepare(libraries):
    """Import libraries; for commands also the package, except the sandbox, which is always a process of its own."""
    for library in libraries:
        importlib.import_module(library)
    if tuple(libraries) == LIBRARIES:
        package = importlib.import_module("skaha_apply")
        for module in pkgutil.walk_packages(package.__path__, "skaha_apply."):
            if not module.name.startswith(NOT_IMPORTED):
                importlib.import_module(module.name)
        make_methods("skaha_apply")
        make_schemas("skaha_apply")
        make_parsers()
    gc.collect()
    gc.freeze()


def make_methods(package):
    """Make the methods of the package's dataclasses, which are otherwise made in each fork that calls them."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith(f"{package}.")]
    for cls in {one for module in modules for one in vars(module).values() if isinstance(one, type)}:
        if dataclasses.is_dataclass(cls) and cls.__module__.startswith(f"{package}."):
            for name in {"__init__", "__eq__", "__hash__"} & vars(cls).keys():
                with suppress(Exception):  # the call makes the method; it fails because there are no arguments
                    getattr(cls, name)(object.__new__(cls))


def make_schemas(package):
    """Make the validators of the pydantic models of the package, which each fork would make at their first use."""
    base_model = importlib.import_module("pydantic").BaseModel
    pending = [base_model]
    while pending:
        cls = pending.pop()
        pending += cls.__subclasses__()
        if cls.__module__.startswith(f"{package}.") and not cls.__pydantic_complete__:
            cls.model_rebuild(raise_errors=False)


def make_parsers():
    """Import each command alone and make its parser, as a process does that runs this command; a fork takes them."""
    line = importlib.import_module("skaha_apply.cli.command_line")
    lists = (line.app.registered_commands, line.app.registered_groups)
    for name in line.COMMANDS:
        line.register(name)
        line._parser()
        modules = {one: sys.modules[one] for one in list(sys.modules) if one.startswith("skaha_apply.cli.commands.")}
        PREPARED_COMMANDS[name] = (modules, lists, [list(one) for one in lists])
        for one in modules:
            del sys.modules[one]
        for one in lists:
            one.clear()


def take_command(words):
    """Be as a process that has imported the command of these words and has made its parser."""
    modules, lists, registered = PREPARED_COMMANDS.get(words[0] if words else "", ({}, (), ()))
    sys.modules.update(modules)
    for given, kept in zip(lists, registered, strict=True):
        given.extend(kept)


def end(code):
    """End the process as an interpreter does, but leave its memory to the kernel.

    An interpreter frees each object one by one. In a fork, that copies all that the prepared process has imported.
    """
    threading._shutdown()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # the interpreter reports it, and changes the exit code
    os._exit(code)


if __name__ == "__main__":
    sys.path.pop(0)
    prepare(sys.argv[2].split(","))
    if (taken := serve(socket.socket(fileno=int(sys.argv[1])))) is not None:
        code = become(*taken)
        end(code)
        sys.exit(code)
