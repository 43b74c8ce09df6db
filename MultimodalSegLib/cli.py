"""The command line; each command has a file of its own in ``commands/``. Nothing heavy is imported here."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from .commands.batch import batch
from .commands.benchmark import benchmark
from .commands.check_data import check_data
from .commands.demo import demo
from .commands.distill import distill
from .commands.doctor import doctor
from .commands.enhance import enhance
from .commands.evaluate import evaluate
from .commands.explain import explain
from .commands.federate import federate
from .commands.listeners import JsonLines
from .commands.measure import measure
from .commands.models import models
from .commands.networks import networks
from .commands.paint import paint
from .commands.plan import plan
from .commands.pretrain import pretrain
from .commands.refine import refine
from .commands.register import register
from .commands.report import report
from .commands.segment import segment
from .commands.train import train
from .commands.train_enhance import train_enhance
from .commands.train_paint import train_paint
from .commands.train_refine import train_refine
from .commands.uncertainty import uncertainty
from .errors import InputError
from .notice import RESEARCH_USE

app = typer.Typer(
    help=f"Register and segment CT and MRI of one head. {RESEARCH_USE}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(segment)
app.command()(batch)
app.command()(measure)
app.command()(register)
app.command()(refine)
app.command()(enhance)
app.command()(paint)
app.command()(explain)
app.command()(report)
app.command()(uncertainty)
app.add_typer(models, name="models")
app.command()(plan)
app.command()(train)
app.command()(pretrain)
app.command()(distill)
app.add_typer(federate, name="federate")
app.command()(train_refine)
app.command()(train_enhance)
app.command()(train_paint)
app.command()(check_data)
app.command()(evaluate)
app.command()(demo)
app.command()(doctor)
app.command()(networks)
app.command()(benchmark)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave the process with its exit code.

    Args:
        arguments: without the program name; those of the process if None.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if "jsonl" not in given and "--events=jsonl" not in given:
        app(given, prog_name="multimodalseg")
    try:
        sys.exit(app(given, prog_name="multimodalseg", standalone_mode=False) or 0)
    except Exception as error:
        # A wrong command line is told to the program as an event. Typer's exceptions have no stable home.
        if not hasattr(error, "format_message"):
            raise
        JsonLines().error(InputError(error.format_message(), "See --help for the options."))
        sys.exit(InputError.exit_code)
