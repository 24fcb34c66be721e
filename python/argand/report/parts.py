"""Make the parts of a report, each a small piece of HTML; texts are escaped here and only here."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from argand.report.packing import packed_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Html",
    "Text",
    "bullets",
    "data_uri",
    "facts",
    "interactive",
    "key_figures",
    "markup",
    "picture",
    "plotly_json",
    "png",
    "table",
]


# Height in pixels that plotly.js gives to a figure without one.
_PLOTLY_HEIGHT = 450

# How plotly.js behaves: without its logo, as wide as the page, and without a button that would send
# the data to a server.
_PLOTLY_SETTINGS = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["sendDataToCloud"],
}


@dataclass(frozen=True)
class Html:
    """Hold markup that is safe already; a plain str is text and is escaped."""

    markup: str


Text = str | Html


def markup(text: Text) -> str:
    """Return the HTML of a text: escaped, unless it is markup already."""
    return text.markup if isinstance(text, Html) else escape(text)


def bullets(items: Iterable[Text]) -> Html:
    """Make a list with bullets."""
    entries = [f"<li>{markup(item)}</li>" for item in items]
    return Html(f"<ul>{''.join(entries)}</ul>")


def key_figures(figures: Iterable[tuple[str, Text, str]]) -> Html:
    """Make cards of (number, explanation, tone); the tone is "", "plain" or "cured"."""
    cards = []
    for value, explanation, tone in figures:
        number = f"<strong>{escape(value)}</strong>"
        words = f"<span>{markup(explanation)}</span>"
        cards.append(f'<div class="card {escape(tone)}">{number}{words}</div>')
    return Html(f'<div class="cards">{"".join(cards)}</div>')


def table(
    head: Sequence[Text],
    rows: Iterable[Sequence[Text]],
    *,
    caption: Text = "",
    strong: Sequence[int] = (),
    is_long: bool = False,
) -> Html:
    """Make a table whose first column names the row and whose other columns are numbers.

    Parameters
    ----------
    head : sequence of str or Html
        Titles of the columns.
    rows : sequences of str or Html
        Cells of each row.
    caption : str or Html
        Text below the table.
    strong : sequence of int
        Numbers of the columns that are set bold.
    is_long : bool
        Whether the table scrolls in a window of its own; it is printed in full.
    """
    titles = "".join(f"<th scope=col>{markup(cell)}</th>" for cell in head)
    body = []
    for row in rows:
        cells = [f"<th scope=row>{markup(row[0])}</th>"]
        for column, cell in enumerate(row[1:], start=1):
            style = " class=strong" if column in strong else ""
            cells.append(f"<td{style}>{markup(cell)}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    words = f"<caption>{markup(caption)}</caption>" if caption else ""
    classes = "wide scroll long" if is_long else "wide scroll"
    return Html(
        f'<div class="{classes}"><table>{words}<thead><tr>{titles}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def facts(pairs: Mapping[str, str]) -> Html:
    """Make two columns of small print from names and values."""
    rows = []
    for name, value in pairs.items():
        rows.append(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>")
    return Html(f'<dl class="facts">{"".join(rows)}</dl>')


def picture(
    light: bytes, dark: bytes, *, alt: str, caption: Text = "", width: str = "wide"
) -> Html:
    """Show a PNG in two themes, of which the reader's preference chooses one.

    Parameters
    ----------
    light, dark : bytes
        The PNG files.
    alt : str
        Description for readers who cannot see the picture.
    caption : str or Html
        Text below the picture.
    width : str
        "wide" or "medium".
    """
    sources = (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{data_uri(dark)}">'
        f'<img src="{data_uri(light)}" alt="{escape(alt)}"></picture>'
    )
    return _figure(sources, caption, width)


def plotly_json(figure: Any) -> str:
    """Write a plotly figure as the JSON object that scripts of pages draw."""
    content = figure.to_plotly_json()
    packed = {
        "data": content["data"],
        "layout": content["layout"],
        "frames": content.get("frames", []),
        "config": _PLOTLY_SETTINGS,
    }
    return _plotly_json(packed)


def interactive(figure: Any, name: str, *, caption: Text = "") -> Html:
    """Show a plotly figure, told from others by its name; `page` adds plotly.js."""
    # A section may have the same name: the prefix keeps anchors unique.
    identifier = f"plot-{escape(name)}"
    height = int(figure.layout.height or _PLOTLY_HEIGHT)
    div = f'<div id="{identifier}" style="height:{height}px"></div>'
    script = packed_script(plotly_json(figure), f'data-plot="{identifier}"')
    return _figure(f'<div class="interactive">{div}{script}</div>', caption)


def _plotly_json(content: dict[str, Any]) -> str:
    """Write the content of a figure as JSON; arrays become typed arrays of plotly."""
    from plotly.io.json import to_json_plotly

    return str(to_json_plotly(content))


def png(figure: Figure, dpi: int = 130) -> bytes:
    """Render a matplotlib figure as PNG without a date in it: same figure, same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def data_uri(image: bytes) -> str:
    """Return a PNG as a data URI."""
    return "data:image/png;base64," + base64.b64encode(image).decode("ascii")


def _figure(content: str, caption: Text, width: str = "wide") -> Html:
    """Wrap the HTML of a picture in a figure with a caption."""
    words = f"<figcaption>{markup(caption)}</figcaption>" if caption else ""
    return Html(f'<figure class="{width}">{content}{words}</figure>')
