"""A typed function becomes a parser: parameters before ``*`` are positional, those after it are options.

The text beside a type is its help, a second one its short flag::

    def sf(file: Annotated[Path, "structure"], *, output: Annotated[Path, "file to write", "-o"]) -> None: ...
"""

from __future__ import annotations

import argparse
import inspect
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

__all__ = ["Parser", "Usage", "parser_of"]


class Usage(Exception):
    """The command line cannot be understood."""


class Parser(argparse.ArgumentParser):
    """Raises `Usage` where argparse would print and exit."""

    def error(self, message: str) -> NoReturn:
        raise Usage(" ".join(message.split()))


def parser_of(function: Callable[..., None], prog: str, *, configurable: bool = False) -> argparse.ArgumentParser:
    """Parser for the parameters of `function`; its docstring is the description.

    A configurable one is jsonargparse's: it also takes ``--config FILE.yaml`` and prints one with ``--print_config``.
    """
    kind = _configurable_parser() if configurable else Parser
    parser = kind(
        prog=prog,
        description=inspect.getdoc(function),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if configurable:
        parser.add_argument("--config", action="config", help="YAML file with any of these options")
    hints = get_type_hints(function, include_extras=True)
    for parameter in inspect.signature(function).parameters.values():
        _add(parser, parameter, hints[parameter.name])
    return parser


def _add(parser: argparse.ArgumentParser, parameter: inspect.Parameter, hint: Any) -> None:
    text, flags = "", []
    if get_origin(hint) is Annotated:
        hint, text, *flags = get_args(hint)
    required = parameter.default is inspect.Parameter.empty
    keywords: dict[str, Any] = {"help": text}
    hint = _without_none(hint)
    if get_origin(hint) is Literal:
        keywords["choices"] = list(get_args(hint))
    elif get_origin(hint) is tuple:
        keywords.update(nargs=len(get_args(hint)), type=get_args(hint)[0])
    elif get_origin(hint) is list:
        keywords.update(nargs="+", type=get_args(hint)[0])
    elif hint is bool:
        keywords["action"] = "store_true"
    else:
        keywords["type"] = hint
    if not required:
        keywords["default"] = parameter.default
        if parameter.default is not None and hint is not bool:
            keywords["help"] += f" (default: {_plain(parameter.default)})"
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
        if required:
            keywords["required"] = True
        if hint is not bool:
            keywords["metavar"] = None if "choices" in keywords else _metavar(hint)
        parser.add_argument(*flags, "--" + parameter.name.replace("_", "-"), dest=parameter.name, **keywords)
    else:
        keywords["metavar"] = parameter.name.upper()
        if not required:
            keywords["nargs"] = "?"
        parser.add_argument(parameter.name, **keywords)


def _without_none(hint: Any) -> Any:
    """X of ``X | None``."""
    if get_origin(hint) in (Union, types.UnionType):
        kept = [part for part in get_args(hint) if part is not type(None)]
        return kept[0] if len(kept) == 1 else hint
    return hint


def _metavar(hint: Any) -> str | tuple[str, ...]:
    inner = get_args(hint)
    if get_origin(hint) is tuple:
        return ("N",) * len(inner)
    kind = inner[0] if inner else hint
    return {int: "N", float: "X"}.get(kind, getattr(kind, "__name__", "VALUE").upper())


def _plain(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _configurable_parser() -> Any:
    import jsonargparse

    class ConfigurableParser(jsonargparse.ArgumentParser):  # type: ignore[misc, unused-ignore]
        def error(self, message: str, ex: Exception | None = None) -> NoReturn:
            raise Usage(" ".join(message.split()))

    return ConfigurableParser
