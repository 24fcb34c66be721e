"""Make a whole page from a body of sections, with a menu made from their headings."""

from __future__ import annotations

import re
from html import escape
from importlib import resources
from string import Template

from argand.report.packing import packed_script
from argand.report.parts import Text, markup

__all__ = ["page", "resource"]

# The comment at the beginning of plotly.js, with its version and licence.
_NOTICE = re.compile(r"\s*/\*.*?\*/", re.DOTALL)

# A section of a body, with its anchor and its heading.
_HEADING = re.compile(r'<section id="([^"]+)">\s*<h2>(.*?)</h2>', re.DOTALL)


def page(title: str, lead: Text, body: str, *, footer: Text = "") -> str:
    """Make a report as one HTML text that needs no network.

    Pictures are data URIs. If the body holds an interactive figure, plotly.js is included once,
    compressed.
    The content security policy of the page forbids every request, so that a report which shows all
    its figures is complete.

    Parameters
    ----------
    title : str
        Title of the page.
    lead, footer : str or Html
        Paragraphs above the menu and below the body.
    body : str
        HTML of sections ``<section id="..."><h2>...</h2> ...``; children of class "wide" may be
        wider than the text.
    """
    links = []
    for anchor, heading in _HEADING.findall(body):
        links.append(f'<li><a href="#{anchor}">{heading}</a></li>')
    return Template(resource("page.html")).substitute(
        title=escape(title),
        lead=markup(lead),
        style=resource("page.css"),
        script=_scripts(body),
        links="".join(links),
        body=body,
        footer=markup(footer),
    )


def resource(name: str) -> str:
    """Read a text file of this package."""
    return (resources.files("argand.report") / name).read_text(encoding="utf-8")


def _scripts(body: str) -> str:
    """Return the scripts of a page with interactive figures, or nothing for a page without."""
    if 'class="interactive"' not in body:
        return ""
    from plotly.offline import get_plotlyjs

    plotly = get_plotlyjs()
    # The notice of its licence stays legible.
    notice = _NOTICE.match(plotly)
    words = notice.group() if notice else "/* plotly.js */"
    runner = f"<script>{words}\n{resource('report.js')}</script>"
    return packed_script(plotly, 'id="plotly"') + "\n" + runner
