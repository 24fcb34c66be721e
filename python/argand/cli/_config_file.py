"""Read options from a YAML file, which is checked before jsonargparse sees it."""

from __future__ import annotations

import math
from typing import Any, NoReturn

import jsonargparse
import yaml  # type: ignore[import-untyped, unused-ignore]

from argand.cli._usage import Usage
from argand.errors import ArgandError, reading
from argand.files import decode_text, read_bytes

__all__ = ["CheckedConfig", "ConfigurableParser"]

# Options of a verb fit on a page; a list of names of a thousand crystals has fewer characters.
_MOST_CHARACTERS = 2**18

# No option is a list of lists of lists.
_DEEPEST = 8


class CheckedConfig(jsonargparse.ActionConfigFile):  # type: ignore[misc, name-defined, unused-ignore]
    """Read options from a YAML file without aliases, whose values could be of any size."""

    def __call__(
        self, parser: Any, cfg: Any, values: Any, option_string: str | None = None
    ) -> None:
        """Check the file called `values`, and add its options to the namespace `cfg`."""
        _check_yaml(str(values))
        try:
            super().__call__(parser, cfg, values, option_string)
        except Usage as error:
            raise Usage(f"{values}: {error}") from None
        except UnicodeDecodeError:
            # The check has unpacked it, and jsonargparse reads it as it is.
            raise ArgandError(f"{values}: is compressed, needs plain text") from None
        except ValueError as error:
            # A tag such as !!float stands before what is no number.
            raise Usage(f"{values}: has a value that cannot be read: {error}") from None


class ConfigurableParser(jsonargparse.ArgumentParser):  # type: ignore[misc, unused-ignore]
    """Parse a command line or a YAML file, and raise `Usage` where argparse would exit."""

    def parse_args(self, *args: Any, **keywords: Any) -> Any:
        """Parse options; raise `Usage` where jsonargparse fails, or takes infinity for a number."""
        try:
            options = super().parse_args(*args, **keywords)
        except (OverflowError, RecursionError, AttributeError, LookupError) as error:
            words = f"{type(error).__name__}: {error}"
            raise Usage(f"an option has a value that cannot be read: {words}") from error
        for name, value in vars(options).items():
            _check_finite(name, value)
        return options

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise `Usage` with the message in one line."""
        raise Usage(" ".join(message.split()))


def _check_finite(name: str, value: Any) -> None:
    """Refuse an option called `name` that is or holds infinity or NaN."""
    if isinstance(value, dict):
        for key, entry in value.items():
            _check_finite(f"{name}.{key}", entry)
    elif isinstance(value, float) and not math.isfinite(value):
        raise Usage(f"{name} is {value}, needs a finite number")


def _check_yaml(path: str) -> None:
    """Refuse a file that is no YAML, is long or nested deeply, or has aliases.

    A few lines of aliases of aliases stand for more values than any memory holds.

    Raises
    ------
    ArgandError
        Names the file, and what is wrong with it.
    """
    data = read_bytes(path)
    text = decode_text(data, path)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArgandError(f"{path}: is no text in UTF-8: {error}") from None
    if len(text) > _MOST_CHARACTERS:
        raise ArgandError(f"{path}: has {len(text)} characters, needs the options of one command")
    depth = 0
    with reading(path):
        try:
            for event in yaml.parse(text):
                if isinstance(event, yaml.AliasEvent):
                    raise ArgandError(f"{path}: has the alias *{event.anchor}, needs plain values")
                depth += isinstance(event, yaml.CollectionStartEvent)
                depth -= isinstance(event, yaml.CollectionEndEvent)
                if depth > _DEEPEST:
                    raise ArgandError(f"{path}: is nested deeper than the options of a command")
        except yaml.YAMLError as error:
            raise ArgandError(f"{path}: is no YAML: {error}") from None
