"""Pack the scripts and figures of a page, which its browser unpacks when the page is opened."""

from __future__ import annotations

import base64
import gzip

__all__ = ["packed_script"]

# The time in the header of a gzip file: none, so that equal texts give equal pages.
_NO_TIME = 0


def packed_script(text: str, attributes: str) -> str:
    """Return a script element that holds a text, compressed; no browser runs it as it stands.

    Parameters
    ----------
    text : str
        What `report.js` unpacks.
    attributes : str
        Attributes of the element, such as ``id="plotly"``.
    """
    compressed = gzip.compress(text.encode("utf-8"), 9, mtime=_NO_TIME)
    letters = base64.b64encode(compressed).decode("ascii")
    return f'<script type="application/gzip" {attributes}>{letters}</script>'
