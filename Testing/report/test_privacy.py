"""A report tells nobody's name unasked."""

from MultimodalSegLib.report.privacy import case_identifier, without_names

PATHS = ["/scans/Doe_John/series 4", "/scans/Doe_John/mr.nii.gz"]


def test_sentences_that_name_files_are_left_out():
    told = without_names(
        [
            "The MR volume covers 80% of the reference volume.",
            "CT: The folder /scans/Doe_John/series 4 holds several series.",
            "mr.nii.gz has no spacing.",
            "Another file in /scans/Doe_John/ was changed.",
        ],
        PATHS,
    )
    assert told == (
        "The MR volume covers 80% of the reference volume.",
        "3 more warnings name files and are only in run.json.",
    )
    assert without_names(["Fine."], PATHS) == ("Fine.",)


def test_the_identifier_is_the_same_for_the_same_scans_wherever_they_lie():
    here = {"inputs": {"CT": {"path": "/a", "sha256": "1"}, "MR": {"path": "/b", "sha256": "2"}}}
    there = {"inputs": {"MR": {"path": "/x", "sha256": "2"}, "CT": {"path": "/y", "sha256": "1"}}}
    other = {"inputs": {"CT": {"path": "/a", "sha256": "3"}, "MR": {"path": "/b", "sha256": "2"}}}
    assert case_identifier(here) == case_identifier(there) != case_identifier(other)
    assert len(case_identifier({})) == 10
