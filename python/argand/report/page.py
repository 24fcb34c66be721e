"""A whole page from a body of sections, with a menu made from their headings."""

from __future__ import annotations

import re
from html import escape
from importlib import resources
from string import Template

from argand.report.parts import Text, markup

_HEADING = re.compile(r'<section id="([^"]+)">\s*<h2>(.*?)</h2>', re.DOTALL)


def page(title: str, lead: Text, body: str, *, footer: Text = "") -> str:
    """The report as one HTML text.

    Everything is inside: pictures as data URIs, plotly.js once if the body holds an interactive figure. The page's
    own content security policy forbids every request, so a report that shows all its figures is self-contained.

    Parameters
    ----------
    body
        Sections ``<section id="..."><h2>...</h2> ...``; children of class "wide" may be wider than the text.
    """
    links = "".join(
        f'<li><a href="#{anchor}">{heading}</a></li>' for anchor, heading in _HEADING.findall(body)
    )
    return Template(resource("page.html")).substitute(
        title=escape(title),
        lead=markup(lead),
        style=resource("page.css"),
        script=_scripts(body),
        links=links,
        body=body,
        footer=markup(footer),
    )


def resource(name: str) -> str:
    """A text file that lies beside this module."""
    return (resources.files("argand.report") / name).read_text(encoding="utf-8")


def _scripts(body: str) -> str:
    if 'class="interactive"' not in body:
        return ""
    from plotly.offline import get_plotlyjs

    return f"<script>{get_plotlyjs()}</script>\n<script>{resource('cameras.js')}</script>"
