"""Make a parser of command line options from a typed function and its docstring.

A parameter becomes a positional argument when it has no default and is not keyword-only, or when it
is called `file`; every other parameter becomes an option. The annotation gives the type. The
section "Parameters" of the docstring gives, for each parameter, what a user types and the help::

    rms : A [A_MAX]
        Displace atoms by this rms distance in angstrom; two values are a range.

The text after the colon is the metavar, printed as it stands. Several parameters with one text are
separated by commas. The value of an option whose metavar stands in brackets may be left out, and
is then 0.
"""

from __future__ import annotations

import argparse
import inspect
import re
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from argand.cli._usage import Usage

__all__ = ["Parser", "parser_of"]

_SHORT_OPTIONS = {"output": "-o", "out": "-o"}

_QUIET_HELP = "Print errors and warnings alone, and JSON where that is asked for"

# A section of a numpydoc docstring: its title, underlined.
_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)

# A parameter of a numpydoc docstring: its line, then its indented text.
_PARAMETER = re.compile(r"^(\S.*)\n((?:[ \t]+.*\n?|\n)*)", re.MULTILINE)


class Parser(argparse.ArgumentParser):
    """Parse a command line, and raise `Usage` where argparse would print and exit."""

    def error(self, message: str) -> NoReturn:
        """Raise `Usage` with the message in one line."""
        raise Usage(" ".join(message.split()))


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Print the metavar of an option with several values as it stands."""

    def _format_args(self, action: argparse.Action, default_metavar: str) -> str:
        """Return what is typed after an option, such as ``A [A_MAX]``."""
        has_several_values = action.nargs == "+" or isinstance(action.nargs, int)
        if has_several_values and isinstance(action.metavar, str):
            return action.metavar
        return super()._format_args(action, default_metavar)


def parser_of(
    function: Callable[..., Any],
    prog: str,
    *,
    configurable: bool = False,
    with_config: bool = False,
) -> argparse.ArgumentParser:
    """Make the parser of a function's parameters.

    Parameters
    ----------
    function : callable
        Typed, with a numpydoc docstring. The text before the first section describes the program.
    prog : str
        Name of the program, as its help prints it.
    configurable : bool
        Whether options can be read from a YAML file (``--config FILE``), which needs jsonargparse.
    with_config : bool
        Whether the help names that option, for a parser that parses nothing.
    """
    description, documentation = _parse_docstring(inspect.getdoc(function) or "")
    parser_class: Any = Parser
    if configurable:
        # jsonargparse is an optional dependency.
        from argand.cli._config_file import CheckedConfig, ConfigurableParser

        parser_class = ConfigurableParser
    parser: argparse.ArgumentParser = parser_class(
        prog=prog,
        description=description,
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
    )
    config_help = "Read any of these options from a YAML file"
    if configurable:
        parser.add_argument("--config", action=CheckedConfig, metavar="FILE", help=config_help)
    elif with_config:
        parser.add_argument("--config", metavar="FILE", help=config_help)
    hints = get_type_hints(function)
    for parameter in inspect.signature(function).parameters.values():
        metavar, text = documentation.get(parameter.name, ("", ""))
        _add_argument(parser, parameter, hints[parameter.name], metavar, text)
    parser.add_argument("-q", "--quiet", action="store_true", help=_QUIET_HELP)
    return parser


def _add_argument(
    parser: argparse.ArgumentParser,
    parameter: inspect.Parameter,
    hint: Any,
    metavar: str,
    text: str,
) -> None:
    """Add the argument of one parameter to a parser."""
    is_required = parameter.default is inspect.Parameter.empty
    is_keyword = parameter.kind is inspect.Parameter.KEYWORD_ONLY
    is_positional = parameter.name == "file" or (is_required and not is_keyword)
    keywords = _conversion(_plain_type(hint), parameter.default)
    if "action" not in keywords and "choices" not in keywords:
        keywords["metavar"] = metavar or parameter.name.upper()
    if not is_required:
        keywords["default"] = parameter.default
    keywords["help"] = _help_text(text, parameter.default)
    if is_positional:
        if not is_required:
            keywords["nargs"] = "?"
        parser.add_argument(parameter.name, **keywords)
        return
    if metavar.startswith("[") and "type" in keywords:
        keywords |= {"nargs": "?", "const": 0, "metavar": metavar.strip("[]")}
    flags = ["--" + parameter.name.replace("_", "-")]
    if parameter.name in _SHORT_OPTIONS:
        flags.insert(0, _SHORT_OPTIONS[parameter.name])
    parser.add_argument(*flags, dest=parameter.name, required=is_required, **keywords)


def _help_text(text: str, default: Any) -> str:
    """Return the help of an argument, with its default where that can be typed."""
    escaped = text.replace("%", "%%")
    has_value = default is not None and default is not inspect.Parameter.empty
    if has_value and not isinstance(default, bool):
        return f"{escaped} (default: {default})"
    return escaped


def _conversion(hint: Any, default: Any) -> dict[str, Any]:
    """Return the keywords by which argparse turns words into a value of a type."""
    inner = get_args(hint)
    if get_origin(hint) is Literal:
        return {"choices": list(inner)}
    if get_origin(hint) is tuple:
        return {"nargs": len(inner), "type": inner[0]}
    if get_origin(hint) is list:
        return {"nargs": "+", "type": inner[0]}
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction if default else "store_true"}
    return {"type": hint}


def _plain_type(hint: Any) -> Any:
    """Return the type of a value that was given: X of ``X | None``, Path of ``str | Path``."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    alternatives = [part for part in get_args(hint) if part is not type(None)]
    return Path if Path in alternatives else alternatives[0]


def _parse_docstring(docstring: str) -> tuple[str, dict[str, tuple[str, str]]]:
    """Split a numpydoc docstring into a description, and metavar and text of each parameter."""
    description, *sections = _SECTION.split(docstring)
    documentation: dict[str, tuple[str, str]] = {}
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        if title == "Parameters":
            documentation.update(_parse_parameters(body))
    return description.strip(), documentation


def _parse_parameters(section: str) -> Iterable[tuple[str, tuple[str, str]]]:
    """Yield name, metavar and text of each parameter of the section "Parameters"."""
    for line, text in _PARAMETER.findall(section):
        names, _, metavar = line.partition(" : ")
        sentences = " ".join(text.split()).rstrip(".")
        for name in names.split(","):
            yield name.strip(), (metavar.strip(), sentences)
