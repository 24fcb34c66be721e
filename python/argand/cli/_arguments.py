"""A typed function with a docstring becomes a parser.

Parameters without a default that may be positional are positional, as is any `file`; all others are options. Types,
defaults and the section "Parameters" of the docstring say the rest; nothing is told twice.
"""

from __future__ import annotations

import argparse
import inspect
import re
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

__all__ = ["Parser", "Usage", "parser_of"]

_SHORT = {"output": "-o", "out": "-o"}
_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)


class Usage(Exception):
    """The command line cannot be understood."""


class Parser(argparse.ArgumentParser):
    """Raises `Usage` where argparse would print and exit."""

    def error(self, message: str) -> NoReturn:
        raise Usage(" ".join(message.split()))


def parser_of(
    function: Callable[..., Any], prog: str, *, configurable: bool = False
) -> argparse.ArgumentParser:
    """Parser for the parameters of `function`; what its docstring says before any section is the description.

    A configurable one is jsonargparse's: it also takes ``--config FILE.yaml`` and prints one with ``--print_config``.
    """
    description, texts = _read(inspect.getdoc(function) or "")
    parser = (_configurable_parser() if configurable else Parser)(
        prog=prog,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if configurable:
        parser.add_argument("--config", action="config", help="YAML file with any of these options")
    hints = get_type_hints(function)
    for parameter in inspect.signature(function).parameters.values():
        _add(parser, parameter, hints[parameter.name], texts.get(parameter.name, ""))
    return parser


def _add(
    parser: argparse.ArgumentParser, parameter: inspect.Parameter, hint: Any, text: str
) -> None:
    required = parameter.default is inspect.Parameter.empty
    keywords: dict[str, Any] = _conversion(_plain_type(hint), parameter.default)
    keywords["help"] = text.replace("%", "%%")
    if not required:
        keywords["default"] = parameter.default
        if parameter.default is not None and not isinstance(parameter.default, bool):
            keywords["help"] += f" (default: {parameter.default})"
    if parameter.kind is not inspect.Parameter.KEYWORD_ONLY and (
        required or parameter.name == "file"
    ):
        keywords.update(metavar=parameter.name.upper(), **({} if required else {"nargs": "?"}))
        parser.add_argument(parameter.name, **keywords)
    else:
        flags = [_SHORT[parameter.name]] if parameter.name in _SHORT else []
        flags.append("--" + parameter.name.replace("_", "-"))
        parser.add_argument(*flags, dest=parameter.name, required=required, **keywords)


def _conversion(hint: Any, default: Any) -> dict[str, Any]:
    """How argparse turns words into a value of this type."""
    inner = get_args(hint)
    if get_origin(hint) is Literal:
        return {"choices": list(inner)}
    if get_origin(hint) is tuple:
        return {"nargs": len(inner), "type": inner[0], "metavar": ("N",) * len(inner)}
    if get_origin(hint) is list:
        return {"nargs": "+", "type": inner[0], "metavar": "NAME"}
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction if default else "store_true"}
    metavar = {int: "N", float: "X", Path: "PATH", str: "NAME"}.get(hint, "JSON")
    return {"type": hint, "metavar": metavar}


def _plain_type(hint: Any) -> Any:
    """X of ``X | None``; of ``str | Path`` the path."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    kept = [part for part in get_args(hint) if part is not type(None)]
    return Path if Path in kept else kept[0]


def _read(docstring: str) -> tuple[str, dict[str, str]]:
    """Description, and the text of each parameter, of a numpydoc docstring."""
    description, *sections = _SECTION.split(docstring)
    texts: dict[str, str] = {}
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        if title == "Parameters":
            for names, text in re.findall(r"^(\S.*)\n((?:[ \t]+.*\n?|\n)*)", body, re.MULTILINE):
                words = " ".join(text.split()).rstrip(".")
                texts.update((name.strip(), words) for name in names.split(":")[0].split(","))
    return description.strip(), texts


def _configurable_parser() -> Any:
    import jsonargparse

    class ConfigurableParser(jsonargparse.ArgumentParser):  # type: ignore[misc, unused-ignore]
        def error(self, message: str, ex: Exception | None = None) -> NoReturn:
            raise Usage(" ".join(message.split()))

    return ConfigurableParser
