"""Runs the program xrun, which does all the work, and reads what it prints."""

from __future__ import annotations

import difflib
import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from ._binary import binary


class Error(Exception):
    """What xrun says is wrong.

    message says what, hint says what to do or is empty, code is the exit code of the program: `xrun help` lists them, and
    1 is an error of the package itself."""

    def __init__(self, message: str, hint: str = "", code: int = 1) -> None:
        super().__init__(message + ("\nhint: " + hint if hint else ""))
        self.message, self.hint, self.code = message, hint, code

    def __reduce__(self) -> tuple[Any, ...]:
        return Error, (self.message, self.hint, self.code)


# Exit codes of the program that are answers, not errors: some trials failed, a condition of [check] is false.
TRIALS, CHECK = 3, 4


def program() -> str:
    """The path of the program. Raises Error if there is none."""
    try:
        return binary()
    except FileNotFoundError as e:
        message, _, hint = str(e).partition(": ")
        raise Error(message, hint) from None


def environment() -> dict[str, str]:
    """The environment of the program: without colors, since its output is read."""
    return {**os.environ, "NO_COLOR": "1"}


def output(arguments: Sequence[str], answers: Sequence[int] = (0,)) -> bytes:
    """What the program prints. Raises Error with what it says if its exit code is none of the answers."""
    done = subprocess.run([program(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, env=environment())
    if done.returncode not in answers:
        raise error_of(done.stderr.decode(errors="replace"), done.returncode)
    return done.stdout


def text(arguments: Sequence[str], answers: Sequence[int] = (0,)) -> str:
    """What the program prints, as a text."""
    return output(arguments, answers).decode(errors="replace")


def answer(arguments: Sequence[str], kind: str, version: int, answers: Sequence[int] = (0,)) -> dict[str, Any]:
    """The object of JSON that the program prints. kind is the field with the version of its form."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return checked(output([*arguments[:end], "--json", *arguments[end:]], answers), kind, version)


def checked(printed: bytes, kind: str, version: int) -> dict[str, Any]:
    """Reads an object of JSON whose form has this version. Fields may be added to it; another version is refused."""
    try:
        found: Any = json.loads(printed)
    except ValueError:
        raise Error(
            f"{program()} prints no JSON", "it is another program, or of another version: install the package again"
        ) from None
    has: Any = cast("dict[str, Any]", found).get(kind) if isinstance(found, dict) else None
    if has != version:
        raise Error(
            f"{program()} answers with {kind} {has}, and this package reads {version}",
            "install the package and the program in one version",
        )
    return cast("dict[str, Any]", found)


def error_of(said: str, code: int) -> Error:
    """The error that the program has written to standard error."""
    message: list[str] = []
    hint = ""
    for line in said.strip().splitlines():
        if line.startswith("hint: "):
            hint = line[len("hint: ") :]
        elif line.startswith("xrun: "):
            message, hint = [line[len("xrun: ") :]], ""
        else:
            message.append(line)
    return Error("\n".join(message).strip() or f"xrun ended with exit code {code}", hint, code)


def flags(given: Mapping[str, Any], known: Iterable[str], command: str) -> list[str]:
    """The arguments that keyword arguments stand for: True for a flag, a list for a flag that is given several times or a
    list of its own. Raises Error for one that the command does not have."""
    names, made = list(known), list[str]()
    for name, value in given.items():
        flag = name.rstrip("_").replace("_", "-")
        if flag not in names:
            raise Error(f"{command} has no {name}", nearest(flag, names))
        if value is None or value is False:
            continue
        if value is True:
            made.append("--" + flag)
            continue
        many = [str(v) for v in cast("list[Any]", value)] if isinstance(value, (list, tuple)) else [str(value)]
        made += [f"--{flag}={v}" for v in (many if flag in REPEATED else [", ".join(many)])]
    return made


# Flags that may be given several times; others take a list of names with commas.
REPEATED = {"plugin-dir", "rerun", "set", "status"}


def nearest(name: str, known: Sequence[str]) -> str:
    """A hint that names what a name was probably meant to be."""
    close = difflib.get_close_matches(name, known, 1, 0.5)
    if close:
        return f"did you mean {close[0].replace('-', '_')}?"
    return "there are " + ", ".join(n.replace("-", "_") for n in known)
