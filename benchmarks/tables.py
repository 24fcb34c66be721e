"""Format rows of text as a Markdown table that is also easy to read in a terminal."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence


def table(lines: Iterable[Sequence[str]], figures: Container[int] = ()) -> list[str]:
    """Format a Markdown table.

    Parameters
    ----------
    lines
        Cells of each line; the first line is the head.
    figures
        Columns that are aligned to the right.

    Returns
    -------
    list of str
        Lines of the table.
    """
    rows = [tuple(line) for line in lines]
    columns = range(len(rows[0]))
    widths = []
    for column in columns:
        widest = max(len(row[column]) for row in rows)
        widths.append(widest)
    last = columns[-1]
    if last not in figures:
        # Nothing stands to the right of the last column, so its cells need no padding.
        widths[last] = len(rows[0][last])
    text = [_join(row, widths, figures) for row in rows]
    return [text[0], _rule(widths, figures), *text[1:]]


def _join(row: Sequence[str], widths: Sequence[int], figures: Container[int]) -> str:
    """Pad the cells of a row to the widths of the columns and join them."""
    padded = []
    for column, cell in enumerate(row):
        width = widths[column]
        if column in figures:
            padded.append(cell.rjust(width))
        else:
            padded.append(cell.ljust(width))
    return f"| {' | '.join(padded)} |"


def _rule(widths: Sequence[int], figures: Container[int]) -> str:
    """Make the line between head and body, which says how each column is aligned."""
    dashes = []
    for column, width in enumerate(widths):
        if column in figures:
            dashes.append("-" * (width + 1) + ":")
        else:
            dashes.append("-" * (width + 2))
    return f"|{'|'.join(dashes)}|"
