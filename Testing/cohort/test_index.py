"""The index: worst first, with pictures and links, split into pages; markup in a sentence stays text."""

import re
from pathlib import Path

from MultimodalSegLib.cohort.cases import CohortCase
from MultimodalSegLib.cohort.folder import CohortFolder
from MultimodalSegLib.cohort.index import ON_A_PAGE, write_index
from MultimodalSegLib.cohort.outcome import Outcome

# the smallest PNG: one gray pixel
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c63680000008200816cdd5f450000000049454e44ae426082"
)


def a_folder(path: Path, *outcomes: Outcome) -> CohortFolder:
    cases = [CohortCase(one.id, {"T1": Path("/t1.nii")}, "T1") for one in outcomes]
    folder = CohortFolder.begin(path, cases, {})
    for outcome in outcomes:
        folder.keep(outcome)
    return folder


def test_the_worst_cases_come_first_with_picture_link_and_words(tmp_path: Path) -> None:
    folder = a_folder(
        tmp_path / "out",
        Outcome("fine", "finished", seconds=10),
        Outcome("odd", "finished", told=(("warning", "Cut at the <b>top</b>."),), seconds=20, lesions=3),
        Outcome("broken", "failed", error="No head.", hint="Look."),
        Outcome("wrong", "finished", told=(("alarm", "Unlike others."),), seconds=30),
    )
    run = folder.run("odd")
    run.mkdir()
    (run / "thumbnail.png").write_bytes(PIXEL)
    (run / "report.html").touch()
    (page,) = write_index(folder)
    text = page.read_text(encoding="utf-8")
    heads = re.findall(r'<th scope="row">(.*?)</th>', text, re.DOTALL)
    assert [re.sub("<.*?>", "", head) for head in heads] == ["broken", "wrong", "odd", "fine"]
    assert '<a href="cases/odd/report.html">odd</a>' in text and 'href="cases/fine' not in text
    assert text.count("<img") == 1 and 'alt="Axial slice through the middle of odd' in text
    assert "Failed ✖: No head. Look." in text and "Alarm ■: Unlike others." in text
    assert "&lt;b&gt;top" in text and "<b>top" not in text
    assert "20.0 (median)" in text and "research use only" in text


def test_many_cases_are_split_into_pages_that_lead_to_each_other(tmp_path: Path) -> None:
    pages = write_index(a_folder(tmp_path / "out", *(Outcome(f"c{n:03}", "finished") for n in range(ON_A_PAGE + 1))))
    assert [page.name for page in pages] == ["index.html", "index-2.html"]
    first, second = (page.read_text(encoding="utf-8") for page in pages)
    assert 'href="index-2.html"' in first and 'href="index.html"' in second
    assert "c099" in first and "c100" not in first and "c100" in second
