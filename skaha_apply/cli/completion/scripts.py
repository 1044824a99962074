"""The completion scripts of bash, zsh and fish, as text from the grammar of the commands.

Static words are in the script, so they start no process. Only names start `skaha-apply completion --words`.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from skaha_apply.cli.completion.grammar import FILES, NAMES
from skaha_apply.cli.invocation import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skaha_apply.cli.completion.grammar import Completed

# Sets `kind` to what completes the last word: words with blanks between them, :files or :names. bash and zsh run it.
_DECISION = r"""
_skaha_apply_kind() {
  local command='' group='' option='' word='' position=0
  while [ $# -gt 1 ]; do
    word=$1
    shift
    if [ -n "$option" ]; then
      option=''
      continue
    fi
    case $word in
      --*=*) ;;
      -?*)
        if _skaha_apply_value "$command" "$word"; then option=$word; fi
        ;;
      *)
        if [ -z "$command" ]; then
          command=$word
          case " GROUPS " in *" $word "*) group=$word ;; esac
        elif [ "$command" = "$group" ]; then
          command="$group $word"
        else
          position=$((position + 1))
        fi
        ;;
    esac
  done
  kind=''
  if [ -n "$option" ]; then
    _skaha_apply_value "$command" "$option"
    return 0
  fi
  case $1 in
    --*=*) _skaha_apply_value "$command" "${1%%=*}" ;;
    -*) _skaha_apply_options "$command" ;;
    *) _skaha_apply_arguments "$command" "$position" ;;
  esac
  return 0
}
"""

_BASH = r"""
_skaha_apply() {
  local line=${COMP_LINE:0:COMP_POINT} kind='' current='' prefix='' word=''
  local -a words
  read -ra words <<< "$line"
  case $line in *[[:space:]]) words+=('') ;; esac
  _skaha_apply_kind "${words[@]:1}"
  current=${words[${#words[@]} - 1]}
  case $current in --*=*) current=${current#*=} ;; esac
  case $current in \'* | \"*) current=${current:1} prefix=quoted ;; esac
  COMPREPLY=()
  case $kind in
    :files) compopt -o default 2> /dev/null ;;
    :names)
      while IFS= read -r word; do
        if [ -z "$prefix" ]; then printf -v word %q "$word"; fi
        COMPREPLY+=("$word")
      done < <("$1" completion --words "$current" "${words[@]:1}" 2> /dev/null)
      ;;
    *)
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$kind" -- "$current")
      ;;
  esac
}
complete -F _skaha_apply skaha-apply
"""

_ZSH = r"""
_skaha_apply() {
  local kind='' current=${words[CURRENT]}
  local -a found
  _skaha_apply_kind "${(@)words[2,CURRENT]}"
  case $current in --*=*) compset -P '*=' ;; esac
  case $kind in
    :files) _files ;;
    :names)
      found=("${(@f)$("${words[1]}" completion --words "${(Q)PREFIX}" "${(@)words[2,CURRENT]}" 2> /dev/null)}")
      compadd -a found
      ;;
    *) compadd -- ${=kind} ;;
  esac
}
if [ "$funcstack[1]" = _skaha_apply ]; then _skaha_apply "$@"; else compdef _skaha_apply skaha-apply; fi
"""


def bash_script(commands: Mapping[str, Completed]) -> str:
    """The script of bash."""
    return f"# Completion of {PROGRAM} for bash.\n{_tables(commands)}{_BASH}"


def zsh_script(commands: Mapping[str, Completed]) -> str:
    """The script of zsh."""
    return f"#compdef {PROGRAM}\n# Completion of {PROGRAM} for zsh.\n{_tables(commands)}{_ZSH}"


def fish_script(commands: Mapping[str, Completed]) -> str:
    """The script of fish."""
    lines = [f"# Completion of {PROGRAM} for fish.", f"complete -c {PROGRAM} -f"]
    for path, one in commands.items():
        condition = _fish_condition(path, one)
        for name, summary in one.commands.items():
            lines.append(f"complete -c {PROGRAM} {condition} -a {name} -d {_fish(summary)}")
        for place, argument in _fish_arguments(path, one):
            lines.append(f"complete -c {PROGRAM} {place} {_fish_value(argument)}")
        for option, kind in one.options.items():
            flag = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
            value = "" if kind is None else f" {'-r' if kind == FILES else '-x'} {_fish_value(kind)}"
            text = _fish(one.helps[option].partition(" (")[0])
            lines.append(f"complete -c {PROGRAM} {condition} {flag}{value.rstrip()} -d {text}")
    return "\n".join(lines) + "\n"


def _tables(commands: Mapping[str, Completed]) -> str:
    groups = " ".join(path for path, one in commands.items() if path and one.commands)
    values = _cases(
        (f"{path} {option}", f"kind={shlex.quote(kind)}; return 0")
        for path, one in commands.items()
        for option, kind in one.options.items()
        if kind is not None
    )
    options = _cases((path, f"kind={shlex.quote(' '.join(one.options))}") for path, one in commands.items())
    places = [row for path, one in commands.items() for row in _positions(path, one)]
    arguments = _cases(sorted(places, key=lambda row: row[0].endswith("*")))  # a row with `*` accepts every place
    functions = (
        _function("value", '"$1 $2"', f"{values}    *) return 1 ;;\n"),
        _function("options", '"$1"', options),
        _function("arguments", '"$1 $2"', arguments),
    )
    return "".join(functions) + _DECISION.replace("GROUPS", groups)


def _function(name: str, subject: str, cases: str) -> str:
    """A function that sets `kind` by the cases."""
    return f"\n_skaha_apply_{name}() {{\n  kind=''\n  case {subject} in\n{cases}  esac\n}}\n"


def _positions(path: str, one: Completed) -> Iterable[tuple[str, str]]:
    """A row for each argument; the last one can be repeated."""
    kinds = [" ".join(one.commands)] if one.commands else list(one.arguments)
    for index, kind in enumerate(kinds):
        last = index == len(kinds) - 1 and not one.commands
        yield f"{path} {'*' if last else index}", f"kind={shlex.quote(kind)}"


def _cases(rows: Iterable[tuple[str, str]]) -> str:
    """The rows of a `case`, those with the same outcome on one line."""
    patterns: dict[str, list[str]] = {}
    for pattern, outcome in rows:
        quoted = f"{shlex.quote(pattern[:-1])}*" if pattern.endswith("*") else shlex.quote(pattern)
        patterns.setdefault(outcome, []).append(quoted)
    return "".join(f"    {' | '.join(names)}) {outcome} ;;\n" for outcome, names in patterns.items())


def _fish_condition(path: str, one: Completed) -> str:
    if not path:
        return "-n __fish_use_subcommand"
    test = _fish_seen(path)
    if one.commands:
        test += f"; and not __fish_seen_subcommand_from {' '.join(one.commands)}"
    return f"-n {_fish(test)}"


def _fish_seen(path: str) -> str:
    return "; and ".join(f"__fish_seen_subcommand_from {word}" for word in path.split())


def _fish_arguments(path: str, one: Completed) -> Iterable[tuple[str, str]]:
    """The condition and the kind of each argument. Fixed words, such as a verb, come first and only once."""
    test = _fish_seen(path)
    for kind in dict.fromkeys(one.arguments):
        if kind in ("", FILES, NAMES):
            condition = test
        else:
            condition = f"{test}; and not __fish_seen_subcommand_from {kind}"
            test += f"; and __fish_seen_subcommand_from {kind}"
        if kind:
            yield f"-n {_fish(condition)}", kind


def _fish_value(kind: str) -> str:
    if kind == FILES:
        return "-F"
    if kind == NAMES:
        current = '(commandline -ct | string replace -r "^--[^=]*=" "")'  # the value behind --option=
        return f"-a '({PROGRAM} completion --words {current} (commandline -opc)[2..] 2>/dev/null)'"
    return f"-a {_fish(kind)}" if kind else ""


def _fish(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


SCRIPTS = {"bash": bash_script, "zsh": zsh_script, "fish": fish_script}
