"""The module ``ctk`` of Slicer's Python: only the widgets that the shim has."""

from dialogs import RecordedMessageBox as ctkMessageBox  # noqa: F401
from widgets_ctk import ctkPathLineEdit, ctkSliderWidget  # noqa: F401
from widgets_fold import ctkCollapsibleButton, ctkCollapsibleGroupBox  # noqa: F401
