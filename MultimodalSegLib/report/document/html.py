"""A report as one HTML file that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from ...errors import MissingPackageError
from .content import LEVELS, Document

TEMPLATE = "report.html.jinja"


def html(document: Document) -> str:
    """The text of the file. All content is escaped: a file name with markup in it stays a file name.

    Args:
        document: the report.

    Raises:
        MissingPackageError: Jinja2 is not installed.

    Example:
        >>> text = html(Document("Report", "For research.", "A case", ()))
        >>> text.splitlines()[1]
        '<html lang="en">'
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise MissingPackageError(
            "Jinja2 is not installed.", "Install it with: pip install 'multimodalseg[report]'"
        ) from error
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_url": _data_url, "percent": _percent}
    return environment.get_template(TEMPLATE).render(document=document, levels=LEVELS)


def _data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _percent(part: Any) -> str:
    return f"{100 * min(max(float(part), 0.0), 1.0):.2f}"
