"""One sentence says everywhere that this is for research; texts that cannot import it are compared with it."""

from pathlib import Path

import pytest

from MultimodalSegLib.notice import RESEARCH_USE

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    "path", ["README.md", "MultimodalSeg/MultimodalSeg.py", "MultimodalSeg/Resources/UI/MultimodalSeg.ui"]
)
def test_texts_for_people_hold_the_sentence_word_for_word(path: str) -> None:
    assert RESEARCH_USE in (ROOT / path).read_text(encoding="utf-8")
