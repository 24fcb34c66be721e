"""The parts a report is made of, each a small piece of HTML. Text is escaped here and nowhere else."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Html:
    """Markup that is already safe; a plain str is text and gets escaped."""

    markup: str


Text = str | Html


def markup(text: Text) -> str:
    """HTML of a text."""
    return text.markup if isinstance(text, Html) else escape(text)


def bullets(items: Iterable[Text]) -> Html:
    return Html("<ul>" + "".join(f"<li>{markup(item)}</li>" for item in items) + "</ul>")


def key_figures(figures: Iterable[tuple[str, Text, str]]) -> Html:
    """Cards of (number, what it is, tone); tone is "", "plain" or "cured" and gives the colour."""
    cards = (
        f'<div class="card {escape(tone)}"><strong>{escape(value)}</strong><span>{markup(what)}</span></div>'
        for value, what, tone in figures
    )
    return Html(f'<div class="cards">{"".join(cards)}</div>')


def table(
    head: Sequence[Text],
    rows: Iterable[Sequence[Text]],
    *,
    caption: Text = "",
    strong: Sequence[int] = (),
) -> Html:
    """A table; the first column names the row, the others are numbers. `strong` columns are set bold."""
    top = "".join(f"<th scope=col>{markup(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr><th scope=row>{markup(row[0])}</th>{_cells(row[1:], strong)}</tr>" for row in rows
    )
    words = f"<caption>{markup(caption)}</caption>" if caption else ""
    return Html(
        f'<div class="wide scroll"><table>{words}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _cells(cells: Sequence[Text], strong: Sequence[int]) -> str:
    styles = (" class=strong" if column in strong else "" for column in range(1, len(cells) + 1))
    return "".join(
        f"<td{style}>{markup(cell)}</td>" for style, cell in zip(styles, cells, strict=True)
    )


def facts(pairs: Mapping[str, str]) -> Html:
    """Two columns of small print."""
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in pairs.items()
    )
    return Html(f'<dl class="facts">{rows}</dl>')


def picture(
    light: bytes, dark: bytes, *, alt: str, caption: Text = "", width: str = "wide"
) -> Html:
    """A PNG in two themes; the reader's preference chooses. `width` is "wide" or "medium"."""
    return _figure(
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{data_uri(dark)}">'
        f'<img src="{data_uri(light)}" alt="{escape(alt)}"></picture>',
        caption,
        width,
    )


def interactive(figure: Any, name: str, *, caption: Text = "") -> Html:
    """A plotly figure; the page brings plotly.js, once. `name` tells it from others."""
    from plotly import io as plotly_io

    div = plotly_io.to_html(
        figure,
        include_plotlyjs=False,
        full_html=False,
        auto_play=False,
        div_id=f"plot-{name}",  # a section may have that name
        config={
            "displaylogo": False,
            "responsive": True,
            "modeBarButtonsToRemove": ["sendDataToCloud"],
        },
    )
    return _figure(f'<div class="interactive">{div}</div>', caption)


def png(figure: Figure, dpi: int = 130) -> bytes:
    """A matplotlib figure as PNG, without a date in it: same figure, same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def data_uri(image: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(image).decode("ascii")


def _figure(content: str, caption: Text, width: str = "wide") -> Html:
    words = f"<figcaption>{markup(caption)}</figcaption>" if caption else ""
    return Html(f'<figure class="{width}">{content}{words}</figure>')
