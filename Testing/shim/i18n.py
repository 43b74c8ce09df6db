"""Stand-in for ``slicer.i18n``; ``marking`` shows which texts are translatable."""

marking = False
"""While true, translated texts come back in brackets: a text without them on the panel was never translated."""

translated: set[str] = set()
"""All texts that asked for a translation."""


def tr(text: str) -> str:
    """A text of the module, translated. Only plain strings are found by Slicer's extraction of texts."""
    if not isinstance(text, str):
        raise TypeError(f"_() takes a text, not {text!r}")
    translated.add(text)
    return f"\N{LEFT DOUBLE PARENTHESIS}{text}\N{RIGHT DOUBLE PARENTHESIS}" if marking else text


def translate(context: str, text: str) -> str:
    """A text of another part of the application, translated."""
    return tr(text)
