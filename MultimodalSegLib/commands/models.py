"""``models``: the model bundles at hand."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from .ending import ending
from .listeners import Terminal

models = typer.Typer(help="List, check and describe the models.", invoke_without_command=True)


@models.callback()
def list_models(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="As JSON on stdout.")] = False
) -> None:
    """List the models that were found, and whether they are sound."""
    if context.invoked_subcommand is not None:
        return
    told = Terminal()
    with ending(told):
        states = model_states()
        if as_json:
            typer.echo(json.dumps(states, indent=2))
            return
        table = Table("Name", "Version", "Inputs", "Classes", "License", "State", "Folder")
        for state in states:
            table.add_row(
                *(
                    str(state.get(key, ""))
                    for key in ("name", "version", "inputs", "classes", "license", "state", "folder")
                )
            )
        told.say(table if states else "No model was found.")


@models.command()
def check(model: Annotated[str, typer.Argument(help="Name or folder of a model.")]) -> None:
    """Check the files, the checksum and the description of a model; exit code 0 if it is sound."""
    told = Terminal()
    with ending(told):
        from ..models.bundle import load_bundle

        bundle = load_bundle(model)
        told.say(f"{bundle.name} {bundle.version} is sound ({bundle.path}).")


@models.command()
def describe(model: Annotated[str, typer.Argument(help="Name or folder of a model.")] = "default") -> None:
    """Show what a model finds, what it was trained on, its license and its limits."""
    told = Terminal()
    with ending(told):
        from ..models.bundle import load_bundle

        told.say(load_bundle(model).describe())


def model_states() -> list[dict[str, Any]]:
    """Each model folder with its description, or with the sentence that says what is wrong with it."""
    from ..errors import ModelError
    from ..models.bundle import load_bundle
    from ..models.folders import bundle_folders

    states: list[dict[str, Any]] = []
    for name, folder in bundle_folders().items():
        try:
            bundle = load_bundle(folder)
        except ModelError as error:
            states.append({"name": name, "state": error.message, "sound": False, "folder": str(folder)})
            continue
        states.append(
            {
                "name": name,
                "version": bundle.version,
                "inputs": f"{', '.join(bundle.metadata['modality_families'])}; {bundle.working_area()}",
                "families": list(bundle.metadata["modality_families"]),
                "region": bundle.region,
                "spacing": list(bundle.spacing),
                "patch": bundle.patch,
                "classes": len(bundle.classes()),
                "license": bundle.metadata["license"],
                "checksum": bundle.checksum,
                "state": "sound",
                "sound": True,
                "folder": str(folder),
            }
        )
    return states
