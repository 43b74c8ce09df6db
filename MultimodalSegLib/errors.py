"""What can go wrong, said in one sentence, with one sentence that says what to do.

Every error that a user can cause or meet is one of these; anything else is a defect of the program.
"""


class MultimodalSegError(Exception):
    """An error to be shown to a person.

    Args:
        message: what is wrong, with the offending value, as one sentence.
        hint: what the user can do about it, as one sentence.
    """

    kind = "error"
    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def sentences(self) -> str:
        """What is wrong and what to do, in one line."""
        return f"{self.message} {self.hint}".strip()


class InputError(MultimodalSegError):
    """A volume, label map or parameter that cannot be used."""

    kind = "input"
    exit_code = 2


class OutputError(MultimodalSegError):
    """A result that cannot be written."""

    kind = "output"
    exit_code = 3


class ModelError(MultimodalSegError):
    """A model bundle that is missing, damaged or unsafe."""

    kind = "model"
    exit_code = 4


class RegistrationError(MultimodalSegError):
    """Two volumes that cannot be brought into one space."""

    kind = "registration"
    exit_code = 5


class OutOfMemoryError(MultimodalSegError):
    """Work that does not fit into the memory at hand, even in windows."""

    kind = "memory"
    exit_code = 6


class MissingPackageError(MultimodalSegError):
    """A package of an extra that is not installed."""

    kind = "package"
    exit_code = 7


class TrainingError(MultimodalSegError):
    """A training run that cannot go on, such as one whose loss is no number anymore."""

    kind = "training"
    exit_code = 8


class ClusterError(MultimodalSegError):
    """A scheduler or workers that cannot be used, or not anymore."""

    kind = "cluster"
    exit_code = 9


class Cancelled(MultimodalSegError):
    """The user stopped the work; what was finished is kept."""

    kind = "cancelled"
    exit_code = 130
