"""The command line: ``argand <verb>``.

Bad input is one line on stderr and exit code 2, an interruption exit code 130. Set ARGAND_TRACEBACK=1 to see where an
error came from.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

from argand.cli._arguments import Usage, parser_of

__all__ = ["main"]


class _Verb(NamedTuple):
    module: str
    summary: str
    configurable: bool | None = (
        False  # takes YAML files, through jsonargparse; None: where that is installed
    )


# Modules are imported when their verb is asked for: `argand sf` does not wait for torch.
_VERBS = {
    "demo": _Verb(
        "argand.cli.networks", "the main job: train, compare, and write a report", configurable=True
    ),
    "sf": _Verb("argand.cli.files", "structure factors of a crystal: CIF to MTZ"),
    "map": _Verb("argand.cli.files", "electron density from structure factors: MTZ to CCP4 map"),
    "simulate": _Verb(
        "argand.cli.simulate", "crystals like a known one, and what would be measured of them"
    ),
    "adapt": _Verb(
        "argand.cli.adapt", "learn from a known crystal what amplitudes of crystals like it mean"
    ),
    "train": _Verb("argand.cli.networks", "train a network to find phases", configurable=True),
    "evaluate": _Verb(
        "argand.cli.networks", "score trained weights beside the references", configurable=True
    ),
    "predict": _Verb(
        "argand.cli.predict",
        "phases and density from amplitudes: of crystals like a known one, or by a network",
        configurable=None,
    ),
    "info": _Verb(
        "argand.cli.info",
        "what this build is, or what a file of structure, reflections or density holds",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb and return the exit code; `argv` defaults to the command line."""
    given = list(sys.argv[1:] if argv is None else argv)
    if not given or given[0] in ("-h", "--help"):
        print(_overview())
        return 0 if given else 2
    if given[0] == "--version":
        from argand._version import __version__

        print(f"argand {__version__}")
        return 0
    verb = given[0]
    if verb not in _VERBS:
        return _complain("argand", f"no such verb: {verb!r}; there are {', '.join(_VERBS)}")
    prog = f"argand {verb}"
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: print(
            f"{prog}: warning: {message}", file=sys.stderr
        )
        try:
            _run(verb, prog, given[1:])
        except KeyboardInterrupt as stop:
            return _interrupted(prog, stop)
        except BrokenPipeError:
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - `argand info | head` has had enough
            return 0
        except Usage as error:
            return _complain(prog, f"{error} (see {prog} --help)")
        except (ValueError, OSError) as error:  # ArgandError is a ValueError
            if os.environ.get("ARGAND_TRACEBACK"):
                raise
            return _complain(prog, _one_line(error))
        except SystemExit as stop:
            # lightning turns Ctrl-C into exit(1) once it has shut the training down
            if isinstance(stop.__context__, KeyboardInterrupt):
                return _interrupted(prog, stop.__context__)
            return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return 0


def _run(verb: str, prog: str, argv: list[str]) -> None:
    entry = _VERBS[verb]
    try:
        function: Any = getattr(importlib.import_module(entry.module), verb.replace("-", "_"))
        configurable = (
            _installed("jsonargparse") if entry.configurable is None else entry.configurable
        )
        parser = parser_of(function, prog, configurable=configurable)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "argand":
            raise
        raise ValueError(f"needs {error.name}: pip install 'argand[learn]'") from None
    arguments = {
        name: value for name, value in vars(parser.parse_args(argv)).items() if name != "config"
    }
    function(**arguments)


def _installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # it is there, and was taken away
        return False


def _overview() -> str:
    width = max(map(len, _VERBS))
    verbs = "\n".join(f"  {name:<{width}}  {verb.summary}" for name, verb in _VERBS.items())
    return f"""usage: argand <verb> [options]

Structure factors, electron densities, and networks that learn phases.

{verbs}

argand <verb> --help says more. argand --version prints the version."""


def _one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{os.fspath(error.filename)}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def _complain(prog: str, message: str) -> int:
    print(f"{prog}: {message}", file=sys.stderr)
    return 2


def _interrupted(prog: str, stop: KeyboardInterrupt) -> int:
    print(f"\n{prog}: {str(stop) or 'interrupted'}", file=sys.stderr)
    return 130
