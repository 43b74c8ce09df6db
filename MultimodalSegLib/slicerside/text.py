"""``_``: shown text in the user's language in the Slicer application, and as it is elsewhere.

Example:
    >>> from MultimodalSegLib.slicerside.text import _
    >>> _("{count} volumes").format(count=2)
    '2 volumes'
"""

try:
    from slicer.i18n import tr as _
except ImportError:  # slicer-core has no translations

    def _(text: str) -> str:
        return text


__all__ = ["_"]
