"""Make a whole page from a body of sections, with a menu made from their headings."""

from __future__ import annotations

import re
from html import escape
from importlib import resources
from string import Template

from argand.report.parts import Text, markup

__all__ = ["page", "resource"]

_HEADING = re.compile(r'<section id="([^"]+)">\s*<h2>(.*?)</h2>', re.DOTALL)


def page(title: str, lead: Text, body: str, *, footer: Text = "") -> str:
    """Make a report as one HTML text that needs no network.

    Pictures are data URIs, and plotly.js is included once if the body holds an interactive figure.
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

    return f"<script>{get_plotlyjs()}</script>\n<script>{resource('cameras.js')}</script>"
