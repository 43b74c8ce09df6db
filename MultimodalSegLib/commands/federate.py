"""``federate``: several sites train one model, and their images stay where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from .choices import EventsOption
from .ending import ending
from .listeners import Terminal, listener

if TYPE_CHECKING:
    from ..federation.settings import Federation

federate = typer.Typer(
    help="Several sites train one model, and their images stay where they are.", no_args_is_help=True
)

PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="Training plan; the command 'plan' proposes one.")]
Rounds = Annotated[int, typer.Option(min=1, help="How often the weights are averaged.")]
LocalSteps = Annotated[
    int | None,
    typer.Option(min=1, help="Steps of a site in a round; the plan's steps divided by the rounds if left out."),
]
MinSites = Annotated[
    int | None, typer.Option(min=1, help="A round does without the others when so many have answered; all if left out.")
]
Wait = Annotated[int, typer.Option(min=0, help="Seconds that the others still have then.")]
Proximal = Annotated[float, typer.Option(min=0.0, help="mu of FedProx, which keeps sites near each other.")]
Norm = Annotated[float, typer.Option(min=0.0, help="lambda, the weight of the norm of the parameters.")]
LocalNormalization = Annotated[
    bool, typer.Option("--local-normalization", help="Normalization layers stay at the sites (FedBN).")
]
Ema = Annotated[float, typer.Option(min=0.0, max=1.0, help="Decay of the average over the rounds; 0 for none.")]
Clip = Annotated[float, typer.Option(min=0.0, help="Largest norm of a site's change in a round; 0 for no bound.")]
Noise = Annotated[float, typer.Option(min=0.0, help="Noise on the change, as a multiple of --clip (privacy).")]
Delta = Annotated[float, typer.Option(help="Delta of differential privacy.")]
Modalities = Annotated[
    list[str] | None, typer.Option("--modality", help="CT, MR or PET that some site has; those of the plan's data.")
]


@federate.command()
def job(
    plan: PlanFile,
    out: Annotated[Path, typer.Option(help="Folder of the job to make.")],
    sites: Annotated[list[str], typer.Option(help="Name of a site, once for each.")],
    rounds: Rounds = 20,
    local_steps: LocalSteps = None,
    min_sites: MinSites = None,
    wait: Wait = 600,
    proximal: Proximal = 0.0,
    norm: Norm = 0.0,
    local_normalization: LocalNormalization = False,
    ema: Ema = 0.0,
    clip: Clip = 0.0,
    noise: Noise = 0.0,
    delta: Delta = 1e-5,
    modality: Modalities = None,
) -> None:
    """Write a job for NVIDIA FLARE from a training plan.

    The plan's data set, label maps or model tell the classes; no image of it gets into the job. Submit it with
    'nvflare job submit -j FOLDER --startup-kit KIT', or try it with 'federate simulate'.
    """
    told = Terminal()
    with ending(told):
        from ..federation.common_model import common_model
        from ..federation.job import new_identity, require_flare, write_job
        from ..federation.settings import Federation
        from ..training.plan_file import read_plan

        require_flare()
        chosen = read_plan(plan)
        federation = Federation(
            identity=new_identity(chosen.name),
            sites=tuple(sites),
            rounds=rounds,
            local_steps=local_steps or max(1, chosen.steps // rounds),
            min_sites=min_sites or len(sites),
            wait_s=wait,
            proximal=proximal,
            norm_weight=norm,
            local_normalization=local_normalization,
            ema_decay=ema,
            clip=clip,
            noise=noise,
            delta=delta,
        )
        write_job(chosen, federation, common_model(chosen, _families(modality)), out)
        told.say(*_said(federation), f"Job: {out}")


@federate.command()
def simulate(
    job: Annotated[Path, typer.Argument(metavar="JOB", help="Folder of a job; 'federate job' writes one.")],
    out: Annotated[Path, typer.Option(help="Folder for states, metrics and model; what is there goes on.")],
    site: Annotated[list[str], typer.Option(metavar="NAME=DATA", help="Data set or folder of label maps of a site.")],
    held_out: Annotated[
        list[str] | None, typer.Option(metavar="NAME=CASE", help="A case of a site that is not trained on.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Sites that compute at once; all if left out.")] = None,
    events: EventsOption = None,
) -> None:
    """Run a job with all of its sites on this computer, each in a process of its own."""
    told = listener(events)
    with ending(told, grace_s=20.0, hint="The same command goes on.") as progress:
        from ..federation.simulate import simulate as run
        from ..federation.site_file import SiteFile

        kept = [_pair(text) for text in held_out or ()]
        given = {}
        for name, place in map(_pair, site):
            own = tuple(case for of, case in kept if of == name)
            path, whole = Path(place).resolve(), SiteFile(held_out=own)
            maps = path.is_dir() and any(path.glob("*.nii*"))
            given[name] = replace(whole, labels=str(path)) if maps else replace(whole, data=str(path))
        if len(given) < len(site) or {name for name, _ in kept} - set(given):
            raise InputError("A site is given twice, or a case of a site that is not given.", "Correct --site.")
        bundle = run(job, given, out, progress, threads or len(given))
        told.say(f"Model: {bundle}", f"Metrics of each site and round: {bundle.parent / 'metrics.csv'}")
        told.result({"bundle": str(bundle), "metrics": str(bundle.parent / "metrics.csv")})


@federate.command()
def provision(
    out: Annotated[Path, typer.Option(help="Folder for the kits.")],
    server: Annotated[str, typer.Option(help="Host name by which the sites reach the server.")],
    sites: Annotated[list[str], typer.Option(help="Name of a site, once for each.")],
    admin: Annotated[str, typer.Option(help="E-mail address of who submits jobs.")],
    name: Annotated[str, typer.Option(help="Name of the project.")] = "federation",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the server.")] = 8002,
) -> None:
    """Make a start-up kit with certificates for the server, each site and the administrator."""
    told = Terminal()
    with ending(told):
        from ..federation.provision import provision as make

        kits = make(name, server, sites, admin, out, port)
        told.say(
            f"Server: {kits.server}",
            *(
                f"Site {site}: {kit}; its images go into local/multimodalseg/{site}.yaml"
                for site, kit in kits.sites.items()
            ),
            f"Administrator: {kits.admin}",
            "Hand each kit to its participant alone, over a safe way: it holds a private key.",
        )


def _families(modality: list[str] | None) -> list[str]:
    from ..models.bundle import modality_family

    return [modality_family(name) for name in modality or ()]


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise InputError(f"{text!r} is not NAME=VALUE.", "Give for example --site north=north/dataset.json.")
    return name, value


def _said(federation: Federation) -> list[str]:
    """What the choices mean, in sentences."""
    lines = [
        f"{len(federation.sites)} sites, {federation.rounds} rounds of {federation.local_steps} steps; a round needs "
        f"{federation.min_sites} of them."
    ]
    if federation.noise:
        from ..federation.privacy import spent_epsilon

        spent = spent_epsilon(federation.noise, federation.rounds, federation.delta)
        lines.append(f"Each site will have spent epsilon {spent:.3g} at delta {federation.delta:g}.")
    return lines
