"""Write scripts by which shells complete verbs and options of argand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argand.cli._arguments import Parser, parser_of
from argand.cli._extras import is_installed
from argand.cli._outline import outline
from argand.errors import ArgandError

__all__ = ["SHELLS", "completion_script"]

#: Shells for which there are scripts.
SHELLS = ("bash", "zsh")


def completion_script(shell: str, summaries: Mapping[str, str]) -> str:
    """Return the script by which a shell completes the command line of argand.

    Parameters
    ----------
    shell : str
        One of `SHELLS`.
    summaries : verb -> str
        What each verb does.

    Raises
    ------
    ArgandError
        An unknown shell, or shtab is not installed.
    """
    if shell not in SHELLS:
        raise ArgandError(f"completion for {shell!r}: there are {', '.join(SHELLS)}")
    if not is_installed("shtab"):
        raise ArgandError("completion needs shtab: pip install shtab")
    import shtab

    parser = Parser(prog="argand", description="Structure factors, densities and phases.")
    verbs = parser.add_subparsers(parser_class=Parser)
    for verb, summary in summaries.items():
        described: Any = parser_of(outline(verb), f"argand {verb}")
        options = verbs.add_parser(verb, help=summary, add_help=False, parents=[described])
        for action in options._actions:
            if (action.metavar or "") in ("FILE", "FILE...", "FOLDER", "KNOWN", "WEIGHTS"):
                # Every argument that names a file or a folder is completed by the files there are.
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    script: str = shtab.complete(parser, shell=shell)
    return script
