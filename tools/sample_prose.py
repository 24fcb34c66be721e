"""Draw docstrings and comments at random, to read them one by one: does each stand alone?

python tools/sample_prose.py --number 60 --seed 1
"""

from __future__ import annotations

import argparse
import ast
import inspect
import io
import random
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "python" / "argand"
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def docstrings(path: Path) -> list[tuple[str, str]]:
    """Return the docstrings of the functions and classes of a file, each with its name and line."""
    entries = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, DEFINITIONS) and (text := ast.get_docstring(node)):
            place = f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}"
            entries.append((place, inspect.cleandoc(text)))
    return entries


def comments(path: Path) -> list[tuple[str, str]]:
    """Return the comments of a file, each with its line; consecutive comment lines are one."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    entries: list[tuple[str, str]] = []
    last_row = -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or token.string.startswith(("# type:", "# noqa")):
            continue
        row = token.start[0]
        alone = lines[row - 1].lstrip().startswith("#")
        if alone and row == last_row + 1:
            place, text = entries[-1]
            entries[-1] = (place, f"{text}\n{token.string}")
        else:
            code = "" if alone else lines[row - 1][: token.start[1]].strip() + "\n"
            entries.append((f"{path.relative_to(PACKAGE)}:{row}", code + token.string))
        last_row = row if alone else -1
    return entries


def main() -> None:
    """Print a sample of docstrings and one of comments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--number", type=int, default=60, metavar="N", help="how many of each")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the choice")
    options = parser.parse_args()
    files = sorted(PACKAGE.rglob("*.py"))
    for title, collect in (("docstrings", docstrings), ("comments", comments)):
        population = [entry for path in files for entry in collect(path)]
        chosen = random.Random(options.seed).sample(population, options.number)
        print(f"===== {options.number} of {len(population)} {title}")
        for number, (place, text) in enumerate(chosen, 1):
            print(f"\n[{number}] {place}\n{text}")


if __name__ == "__main__":
    main()
