"""What a plan must be like, said in one way."""

from __future__ import annotations

from ..errors import InputError


def require(good: bool, name: str, value: object, wanted: str, whose: str = "plan") -> None:
    """Refuse a value that is not as it must be.

    Args:
        good: whether it is.
        name: of the value.
        value: as it was given.
        wanted: what it must be, to be read after "must be".
        whose: what it belongs to.

    Raises:
        InputError: it is not good.

    Example:
        >>> require(3 >= 1, "steps", 3, "a whole number from 1 on")
    """
    if not good:
        raise InputError(f"The {whose}'s {name} is {value!r}, but must be {wanted}.", f"Correct the {whose}.")
