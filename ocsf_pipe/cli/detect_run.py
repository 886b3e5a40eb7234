"""`ocsf-pipe detect run`: rules over what is new in a lake, on a schedule or once."""

from __future__ import annotations

import logging
import sys
import threading
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocsf_pipe.cli.output import print_json, print_table
from ocsf_pipe.cli.place import HERE, LakePlace

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocsf_pipe.run.detecting import Detecting, Round

app = typer.Typer()


@app.command("run")
def run(
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", metavar="PATH", help="Rule files, or folders of them; the shipped ones if left out."),
    ] = None,
    lake: LakePlace = HERE,
    once: Annotated[bool, typer.Option("--once", help="Ask of what is new, then end: for cron.")] = False,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Whose place in the lake this is: another name begins anew.")
    ] = "detect",
    placeholders: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML or JSON: the values of each %placeholder%.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each finding as one JSON object.")] = False,
) -> None:
    """Ask rules of what is new in the lake, and write what they find to its table detection_finding.

    The first run asks of all that the lake has. Rules over single events are asked as soon as something is new, all
    others at the `schedule` of their settings; an event that comes late is seen with those that it belongs to. A run
    that is killed is gone on with: no finding is lost, none is written twice. Rules whose files change are read anew.
    SIGTERM and Ctrl-C end it.

    Example: [bold]ocsf-pipe detect run --lake /data/lake --rules rules --once[/bold]
    """
    from ocsf_pipe.bundled import detections_dir

    paths = rules or [detections_dir()]
    make = partial(_detecting, paths, lake, name, placeholders)
    detecting = make()
    if once:
        from ocsf_pipe.run.detecting_loop import once as asked

        found = list(asked(detecting))
        if as_json:
            print_json(found)
        else:
            counts = Counter((row["severity"], row["finding_info"]["title"], row["status"]) for row in found)
            print_table(("findings", "severity", "rule", "status"), [(n, *what) for what, n in counts.most_common()])
            sys.stderr.write(f"{len(found)} new findings\n")
        return
    _loop(detecting, make, [*paths, *([placeholders] if placeholders else [])], as_json=as_json)


def _detecting(rules: list[Path], lake: str, name: str, placeholders: Path | None) -> Detecting:
    from ocsf_pipe.detect.rules import load_rules
    from ocsf_pipe.detect.watching import Watch
    from ocsf_pipe.lake import Lake
    from ocsf_pipe.run.detecting import Detecting
    from ocsf_pipe.run.placeholders import values_of
    from ocsf_pipe.run.served import plans_for
    from ocsf_pipe.schema import load

    log = logging.getLogger("ocsf_pipe.detect")
    opened = Lake(lake)
    loaded = load_rules(rules, values_of(placeholders))
    watch = Watch(
        loaded,
        plans_for(loaded),
        load(),
        lambda rule, why: log.debug("a rule cannot be asked: %s", why, extra={"rule": rule.title}),
    )
    watch.problem = lambda rule, why: log.warning("%s cannot be asked: %s", rule.title, why)
    sys.stderr.write(f"{len(watch.able)} of {sum(rule.shown for rule in watch.rules)} rules can be asked\n")
    return Detecting(opened, watch, name)


def _loop(detecting: Detecting, make: Callable[[], Detecting], files: list[Path], *, as_json: bool) -> None:
    from ocsf_pipe.run.detecting_loop import Loop
    from ocsf_pipe.run.pipeline_signals import Signals
    from ocsf_pipe.run.rule_changes import Renewal

    def told(found: Round) -> None:
        if as_json:
            print_json(found.findings)
            sys.stdout.flush()
            return
        for row in found.findings:
            typer.echo(f"{row['time_dt']:%Y-%m-%d %H:%M:%S}  {row['severity']:<13}  {row['message']}")

    stop = threading.Event()
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s")
    with Signals(stop, threading.Event()):
        Loop(detecting, stop, told, renewed=Renewal(files, make)).run()
