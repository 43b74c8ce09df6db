"""The stage ``"report"``: report.html, report.pdf and DICOM objects from what a run has found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, MissingPackageError
from ..images.dicom import series_files
from ..images.synthetic import check_choice, synthetic_inputs
from ..notice import RESEARCH_USE
from ..progress import Event, Progress, silent
from ..report.compose import compose
from ..report.corrected import up_to_date
from ..report.dicom.objects import dicom_objects
from ..report.document.html import html
from ..report.document.pdf import pdf
from ..report.findings import read_findings
from ..report.privacy import without_names
from ..restore import FinishedRun
from ..run_folder import Writer
from .measure import measure_again


@dataclass(frozen=True)
class ReportOptions:
    """What :func:`run_report` shall write besides ``report.html``.

    Args:
        pdf: ``report.pdf`` too.
        dicom: ``segmentation.dcm`` and ``structured_report.dcm`` too: ``"auto"`` if the reference was read from a
            DICOM folder that is still there, ``"no"``, or the folder with the series of the reference.
        with_name: the patient's name, number and date of birth, and the names of files, as far as they are known.
        synthetic_detail: write it although the detail of a volume was made up.
    """

    pdf: bool = False
    dicom: str = "auto"
    with_name: bool = False
    synthetic_detail: bool = False


def run_report(run: FinishedRun, options: ReportOptions | None = None, progress: Progress = silent) -> list[Path]:
    """Write the report of a finished run; an earlier one is replaced.

    Where a correction has removed the tables they are made again first, so that report, tables and segmentation agree.

    Args:
        run: the run.
        options: what to write; the HTML file alone, and DICOM where it can be, if None.
        progress: takes the events of the stage ``"report"``.

    Returns:
        The files written.

    Raises:
        InputError: the DICOM folder that was given does not hold the reference, or synthetic detail that nobody chose
            to report.
        MissingPackageError: a package of the extra ``report`` is missing.
        OutputError: a file cannot be written.
    """
    options = options or ReportOptions()
    folder, written = run.folder, []
    check_choice(synthetic_inputs(folder.record), options.synthetic_detail)
    source, asked = _source(run, options.dicom)
    with_dicom = source is not None and options.dicom != "no"
    steps = 2 + options.pdf + with_dicom
    measure_again(run, progress)
    findings = up_to_date(read_findings(folder.path, folder.record, run.aligned, run.segmentation, run.bundle.region))
    earlier = {folder.path / name for name in folder.record["stages"].get("report", {}).get("files", ())}

    def put(name: str, writer: Writer) -> None:
        folder.write(folder.path / name, writer)
        written.append(folder.path / name)

    with folder.stage("report"):
        progress(Event("report", 0, steps, "drawing"))
        identity = _identity(run, source) if options.with_name else ()
        document = compose(findings, warnings=_warnings(run, options.with_name), identity=identity)
        progress(Event("report", 1, steps, "report.html"))
        text = html(document)
        put("report.html", lambda path: path.write_text(text, encoding="utf-8"))
        if options.pdf:
            progress(Event("report", 2, steps, "report.pdf"))
            content = pdf(document)
            put("report.pdf", lambda path: path.write_bytes(content))
        if source is not None and with_dicom:
            progress(Event("report", steps - 1, steps, "DICOM"))
            try:
                objects = dicom_objects(findings, series_files(source))
            except (InputError, MissingPackageError) as error:
                if asked:
                    raise
                folder.warn(f"No DICOM was written: {error.sentences}")
            else:
                for name, dataset in zip(("segmentation.dcm", "structured_report.dcm"), objects, strict=True):
                    put(name, dataset.save_as)
        progress(Event("report", steps, steps))
        for path in earlier - set(written):
            path.unlink(missing_ok=True)
    return written


def _source(run: FinishedRun, dicom: str) -> tuple[Path | None, bool]:
    """Folder of the DICOM series of the reference, if there is one, and whether the user named it."""
    if dicom not in ("auto", "no"):
        return Path(dicom), True
    path = Path(run.folder.record["inputs"][run.aligned.reference]["path"])
    return (path if path.is_dir() else None), False


def _warnings(run: FinishedRun, with_name: bool) -> tuple[str, ...]:
    """The warnings of a run for the reader."""
    record = run.folder.record
    sentences = tuple(sentence for sentence in record["warnings"] if sentence != RESEARCH_USE)
    paths = [run.folder.path, run.bundle.path, *(entry["path"] for entry in record["inputs"].values())]
    return sentences if with_name else without_names(sentences, paths)


def _identity(run: FinishedRun, source: Path | None) -> tuple[tuple[str, str], ...]:
    """Who the patient is, from the headers of a DICOM series if there is one, and the names of the files."""
    pairs: list[tuple[str, str]] = []
    if source is not None:
        from pydicom import dcmread

        header = dcmread(str(series_files(source)[0]), stop_before_pixels=True)
        found = {
            "Name": str(header.get("PatientName", "")),
            "Patient number": str(header.get("PatientID", "")),
            "Date of birth": _date(str(header.get("PatientBirthDate", "") or "")),
            "Date of the scan": _date(str(header.get("StudyDate", "") or "")),
        }
        pairs += [(name, text) for name, text in found.items() if text]
    inputs = run.folder.record["inputs"]
    return (*pairs, *((f"File of the {name}", str(entry["path"])) for name, entry in inputs.items()))


def _date(text: str) -> str:
    """A DICOM date in the form of ISO 8601."""
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and text.isdigit() else text
