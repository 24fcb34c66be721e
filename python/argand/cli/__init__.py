"""The command line of argand: ``argand <verb> [options]``.

A help text is made without importing what the verb works with.

Exit codes are 0 when all is done, 1 after a fault of argand itself, 2 for bad input or a full disk,
3 when some of several files could not be used or a crystal was not solved, and 130 after an
interruption. An error prints one line on standard error. Set ARGAND_TRACEBACK=1 to see where it was
raised.
"""

from __future__ import annotations

import contextlib
import os
import pkgutil
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from argand.cli._arguments import parser_of
from argand.cli._extras import INSTALL_LEARN, is_installed
from argand.cli._outline import outline
from argand.cli._usage import Usage

__all__ = ["main"]

# What each verb does, in the order of the overview.
_SUMMARIES = {
    "demo": "the main job: train, compare, and write a report",
    "sf": "structure factors of a crystal: CIF to MTZ",
    "map": "electron density from structure factors: MTZ to CCP4 map",
    "solve": "density, atoms and space group of an unknown crystal, from its reflections alone",
    "simulate": "crystals like a known one, and what would be measured of them",
    "generate": "crystals that nobody has listed, of any space group, measured, in shards",
    "adapt": "learn from a known crystal what amplitudes of crystals like it mean",
    "train": "train a network to find phases",
    "evaluate": "score trained weights beside the references",
    "predict": "phases and density from amplitudes: of crystals like a known one, or by a network",
    "info": "what this build is, or what a file of structure, reflections or density holds",
}

# The module of a verb is imported when the verb is asked for: `argand sf` does not wait for torch.
_FUNCTIONS = {
    "demo": "argand.cli.demo:demo",
    "sf": "argand.cli.sf:sf",
    "map": "argand.cli.map:map",
    "solve": "argand.cli.solve:solve",
    "simulate": "argand.cli.simulate:simulate",
    "generate": "argand.cli.generate:generate",
    "adapt": "argand.cli.adapt:adapt",
    "train": "argand.cli.train:train",
    "evaluate": "argand.cli.evaluate:evaluate",
    "predict": "argand.cli.predict:predict",
    "info": "argand.cli.info:info",
}

# Verbs that take their options from YAML files too, which needs jsonargparse.
_CONFIGURABLE = ("demo", "train", "evaluate")

# Verbs that take YAML files where jsonargparse is installed, and work without it.
_CONFIGURABLE_IF_INSTALLED = ("predict",)


# Exit code after an error that argand did not expect.
_FAULT = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb and return the exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The verb and its options; None takes the command line of this process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help"):
        print(_overview())
        return 0 if words else 2
    verb, options = words[0], words[1:]
    if verb == "--version":
        from argand._version import __version__

        print(f"argand {__version__}")
        return 0
    if verb == "--completion":
        return _print_completion(options)
    if verb not in _FUNCTIONS:
        return _complain("argand", f"no such verb: {verb!r}; there are {', '.join(_FUNCTIONS)}")
    program = f"argand {verb}"
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: print(
            f"{program}: warning: {message}", file=sys.stderr
        )
        return _exit_code(verb, program, options)


def _exit_code(verb: str, program: str, options: list[str]) -> int:
    """Run a verb, and turn what it raises into a line for people and an exit code."""
    try:
        return _run(verb, program, options)
    except KeyboardInterrupt as interruption:
        return _interrupted(program, interruption)
    except BrokenPipeError:
        # The reader of the output has closed it, as in `argand info | head`.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return 0
    except Usage as error:
        return _complain(program, f"{error} (see {program} --help)")
    except (ValueError, OSError) as error:
        # An ArgandError is a ValueError.
        if os.environ.get("ARGAND_TRACEBACK"):
            raise
        return _complain(program, _one_line(error))
    except SystemExit as end:
        # lightning turns Ctrl-C into exit(1) once it has shut the training down.
        if isinstance(end.__context__, KeyboardInterrupt):
            return _interrupted(program, end.__context__)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except MemoryError as error:
        return _complain(program, f"out of memory: {_one_line(error)}")
    except Exception as error:
        if os.environ.get("ARGAND_TRACEBACK"):
            raise
        fault = f"a fault of argand: {type(error).__name__}: {_one_line(error)}"
        _complain(program, f"{fault} (please report it; ARGAND_TRACEBACK=1 shows where it is)")
        return _FAULT


def _run(verb: str, program: str, options: list[str]) -> int:
    """Import the function of a verb, parse its options, call it, and return the exit code."""
    configurable = verb in _CONFIGURABLE
    if verb in _CONFIGURABLE_IF_INSTALLED:
        configurable = is_installed("jsonargparse")
    if "-h" in options or "--help" in options:
        print(parser_of(outline(verb), program, with_config=configurable).format_help(), end="")
        return 0
    try:
        function: Any = pkgutil.resolve_name(_FUNCTIONS[verb])
        parser = parser_of(function, program, configurable=configurable)
        arguments = vars(parser.parse_args(options))
        arguments.pop("config", None)
        is_quiet = arguments.pop("quiet")
        if is_quiet and "progress" in arguments:
            arguments["progress"] = False
        with contextlib.ExitStack() as stack:
            if is_quiet and not arguments.get("json"):
                nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
                stack.enter_context(contextlib.redirect_stdout(nowhere))
            exit_code = function(**arguments)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "argand":
            raise
        raise ValueError(f"needs {error.name}: {INSTALL_LEARN}") from error
    return exit_code or 0


def _print_completion(words: list[str]) -> int:
    """Print the script by which a shell completes the command line, and return the exit code."""
    from argand.cli._completion import SHELLS, completion_script
    from argand.errors import ArgandError

    try:
        print(completion_script(words[0] if words else "", _SUMMARIES))
    except ArgandError as error:
        return _complain("argand", f"{error} (argand --completion {SHELLS[0]})")
    return 0


def _overview() -> str:
    """Return the help of argand: all verbs and what they do."""
    # The module argand.cli.map hides the built-in `map` in this package.
    width = max(len(verb) for verb in _SUMMARIES)
    verbs = "\n".join(f"  {verb:<{width}}  {summary}" for verb, summary in _SUMMARIES.items())
    return f"""usage: argand <verb> [options]

Structure factors, electron densities, and networks that learn phases.

{verbs}

argand <verb> --help says more. argand --version prints the version. argand --completion SHELL
prints a script by which bash or zsh complete verbs and options.

With -q a verb prints errors and warnings alone, and JSON where that was asked for.

Exit codes: 0 done, 1 a fault of argand, 2 bad input, 3 some files could not be used or a crystal
was not solved, 130 interrupted."""


def _one_line(error: BaseException) -> str:
    """Return the message of an error in one line, with the file of an operating system's error."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{os.fspath(error.filename)}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def _complain(program: str, message: str) -> int:
    """Print a message on standard error, and return the exit code of bad input."""
    print(f"{program}: {message}", file=sys.stderr)
    return 2


def _interrupted(program: str, interruption: KeyboardInterrupt) -> int:
    """Print how far the verb came, and return the exit code of an interruption."""
    print(f"\n{program}: {str(interruption) or 'interrupted'}", file=sys.stderr)
    return 130
