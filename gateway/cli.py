"""The one console script. Every command says in one line what is wrong, and exits 2 on bad input."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, NoReturn, TextIO

import typer
from rich.console import Console
from rich.table import Table
from typer._click.exceptions import NoArgsIsHelpError, UsageError  # typer carries a click of its own

from coach import replay
from coach.cards import LIBRARY
from coach.practice import cards_from_toml
from coach.settings import PRESETS, settings_from_toml, settings_to_toml
from gateway.analyze import Summary, timeline_of_files
from gateway.stored import stored_lines
from gateway.words.models import OFF
from streaming import wire
from streaming.errors import BreathmarkError, UnusableInput
from streaming.rttm import strays
from streaming.types import Annotation, Cue, Line, Speaker

EXIT_UNUSABLE = 2
BUS_HELP = "Redis that gateways and workers share, redis://… \\[env: BREATHMARK_BUS; default: all in this process]"
STORE_HELP = (
    "PostgreSQL for all gateways and workers, postgresql://… \\[env: BREATHMARK_STORE; default: SQLite in --data]"
)

app = typer.Typer(
    help="A live coach for two people practising a hard conversation.",
    epilog="Begin with `breathmark demo`, or with `breathmark serve` and the address that it prints.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
coach_app = typer.Typer(help="Look at the coach's decisions.", no_args_is_help=True)
app.add_typer(coach_app, name="coach")
errors = Console(stderr=True)
_WORDS_HELP = "transcribe with this model: tiny.en, base.en, small, the folder of one, or off"


def main() -> None:
    """Runs the command line; people never see a stack trace for what they can mend."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except BreathmarkError as error:
        fail(str(error))
    except NoArgsIsHelpError as error:
        error.show()
        sys.exit(EXIT_UNUSABLE)
    except UsageError as error:
        command = error.ctx.command_path if error.ctx else "breathmark"
        fail(f"{error.format_message().rstrip('.')}; `{command} --help` tells what it takes")
    except typer.Abort:
        fail("stopped")
    except BrokenPipeError:  # `breathmark analyze … | head` has read enough
        _close_stdout()


def _close_stdout() -> None:
    """What waits for it is let go: Python would fail on it again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(message: str) -> NoReturn:
    print(f"breathmark: {' '.join(message.split())}", file=sys.stderr)  # one line, whatever a file's name holds
    sys.exit(EXIT_UNUSABLE)


@app.command()
def analyze(
    files: Annotated[list[Path] | None, typer.Argument(help="A.wav B.wav, or one STEREO.wav (left = a)")] = None,
    rttm: Annotated[Path | None, typer.Option(help="given speech activity of two speakers, no audio")] = None,
    out: Annotated[Path | None, typer.Option(help="timeline file, one JSON line an event \\[default: stdout]")] = None,
    session: Annotated[str | None, typer.Option(help="session name in the timeline \\[default: the file's]")] = None,
    words: Annotated[str, typer.Option(help=_WORDS_HELP)] = OFF,
    mask_words: Annotated[bool, typer.Option("--mask-words", help="names and numbers out of the words")] = False,
) -> None:
    """Annotate a recorded conversation with the detectors and the coach that run live."""
    for given in [*(files or []), *([rttm] if rttm else [])]:
        if out is not None and out.exists() and given.exists() and out.samefile(given):
            raise UnusableInput(f"{out}: is what is to be analyzed, and would be lost; give another --out")
    lines = timeline_of_files(files or [], rttm, session, words=words, masked=mask_words)
    summary = Summary()
    with _output(out) as sink:
        for line in lines:
            summary.add(line)
            sink.write(wire.dumps(line) + "\n")
    console = errors if out is None else Console()
    _print_summary(summary, console)
    if out is not None:
        console.print(f"timeline: {out}", markup=False, highlight=False, soft_wrap=True)
    for name in strays(rttm) if rttm else []:
        console.print(f"Left out: {name}, who speaks for less than a fiftieth of the time.", markup=False)


@contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    """A file that appears under its name only when it is complete, or stdout."""
    if path is None:
        try:
            yield sys.stdout
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            _close_stdout()
            raise UnusableInput(f"the timeline cannot be written ({error.strerror}); give --out FILE") from error
        return
    if path.is_dir():
        raise UnusableInput(f"{path}: is a folder; give the name of a file")
    device = path.exists() and not path.is_file()  # /dev/null stays what it is
    part = path if device else path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as sink:
            yield sink
        part.replace(path)
    except OSError as error:
        raise UnusableInput(f"{path}: cannot be written ({error.strerror}); give another --out") from error
    finally:
        if not device:
            part.unlink(missing_ok=True)


def _print_summary(summary: Summary, console: Console) -> None:
    table = Table(title=f"{summary.end_s:.1f} s analyzed", title_justify="left")
    for heading in ("what", "a", "b", "nobody's"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    if any(summary.speech_s.values()):  # none where speech activity was given
        table.add_row("speech, s", *(f"{summary.speech_s[speaker]:.1f}" for speaker in Speaker), "")
    for kind in sorted({kind for kind, _ in summary.overlaps}):
        table.add_row(str(kind), *(str(summary.overlaps[kind, by]) for by in (*Speaker, None)))
    table.add_row("arousal rises", *(str(summary.rises[speaker]) for speaker in Speaker), "")
    table.add_row("settled again", *(str(summary.settled[speaker]) for speaker in Speaker), "")
    console.print(table)
    console.print(f"interruptions (took_floor, talk_over): {summary.interruptions}; cues: {len(summary.cues)}")
    for cue in summary.cues:
        console.print(f"  {wire.seconds(cue.at):7.1f} s  level {cue.level}  {cue.text}")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one")] = 8700,
    data: Annotated[Path, typer.Option(help="folder that holds all state")] = Path("data"),
    policy: Annotated[Path | None, typer.Option(help="coach settings for every practice, TOML")] = None,
    bus: Annotated[str | None, typer.Option(help=BUS_HELP)] = None,
    store: Annotated[str | None, typer.Option(help=STORE_HELP)] = None,
    words: Annotated[str, typer.Option(help=_WORDS_HELP)] = OFF,
    mask_words: Annotated[bool, typer.Option("--mask-words", help="names and numbers out of the words")] = False,
) -> None:
    """Run the gateway: pages, signalling, detectors, coach and timeline; with --bus, detectors run in workers."""
    from gateway.serve import serve as run  # the web stack is not loaded for `analyze`

    coach = settings_from_toml(_text(policy), str(policy)) if policy else None
    run(host, port, data, coach, bus=bus, store=store, words=words, words_masked=mask_words)


@app.command()
def worker(
    bus: Annotated[str | None, typer.Option(help=BUS_HELP)] = None,
    store: Annotated[str | None, typer.Option(help=STORE_HELP)] = None,
    host: Annotated[str, typer.Option(help="address to show metrics on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one")] = 0,
) -> None:
    """Run detectors and coach for gateways that share --bus and --store; any number, on any host."""
    from gateway.workers.work import work

    work(bus, store, host, port)


@app.command()
def demo() -> None:
    """Watch two simulated partners practise, in the terminal, through a real gateway."""
    from gateway.demo_screen import run_terminal_demo

    try:
        asyncio.run(run_terminal_demo())
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)


@app.command()
def bench(
    name: Annotated[str | None, typer.Argument(help="which one; without it, what there is")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="end within 60 s on 2 cores")] = False,
    json: Annotated[Path | None, typer.Option(help="write the figures as one JSON object")] = None,
    picture: Annotated[Path | None, typer.Option(help="draw the figures as a PNG")] = None,
) -> None:
    """Measure, and print a table of figures with their units."""
    catalogue = _benchmarks()
    if name is None:
        print("\n".join(catalogue.described()))
    else:
        catalogue.bench(name, quick=quick, json=json, picture=picture)


def _benchmarks() -> Any:
    """The benchmarks stand above the gateway, so it finds them as a plug-in and never imports them."""
    (point,) = entry_points(group="breathmark", name="benchmarks")
    try:
        return point.load()
    except ModuleNotFoundError as error:
        raise UnusableInput(f"the benchmarks need the package {error.name}: run `make check` once") from error


@coach_app.command("replay")
def coach_replay(
    session: Annotated[str, typer.Argument(help="a session's id, or a timeline file of analyze or the export")],
    policy: Annotated[Path, typer.Option(help="coach settings, TOML")],
    picture: Annotated[Path | None, typer.Option(help="draw both side by side, FILE.svg")] = None,
    data: Annotated[Path, typer.Option(help="the folder that the gateway keeps its state in")] = Path("data"),
    store: Annotated[str | None, typer.Option(help=STORE_HELP)] = None,
) -> None:
    """Show which cues another policy would have given, beside those that came."""
    settings = settings_from_toml(_text(policy), str(policy))
    if picture is not None and picture.suffix != ".svg":
        raise UnusableInput(f"{picture}: the picture is an SVG; give a name that ends in .svg")
    file = Path(session)
    lines = list(_timeline(file)) if file.is_file() else stored_lines(session, data, store)
    was = [line for line in lines if isinstance(line, Cue)]
    rows = replay.compared(was, replay.replay(lines[0].session if lines else session, lines, settings))
    head, *body = replay.table(rows)
    table = Table(*head)
    for row in body:
        table.add_row(*row)
    Console().print(table if body else "No cue came, and the other policy would have given none.")
    if picture is not None:
        end_s = max((wire.seconds(line.span.end) for line in lines if isinstance(line, Annotation)), default=0.0)
        with _output(picture) as sink:
            sink.write(replay.picture(rows, end_s))


@coach_app.command("policy")
def coach_policy(preset: Annotated[str, typer.Argument(help=f"one of {', '.join(PRESETS)}")] = "standard") -> None:
    """Print a preset as a policy file, every number with its bounds: something to start one's own from."""
    print(settings_to_toml(settings_from_toml(f"preset = {json.dumps(preset)}", "preset")), end="")


@coach_app.command("cards")
def coach_cards(file: Annotated[Path | None, typer.Argument(help="cards to check, TOML")] = None) -> None:
    """List the practice cards, or check a file of one's own: what is vague, and what would do."""
    table = Table("id", "card", "turns", "minutes", "anchor")
    for card in cards_from_toml(_text(file), str(file)) if file else LIBRARY:
        table.add_row(card.id, card.title, str(card.turns), str(card.minutes), card.anchor)
    Console().print(table)


def _text(path: Path, wanted: str = "a TOML file") -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        # Without the error's number, and the path that stands before it already.
        why = error.reason if isinstance(error, UnicodeDecodeError) else error.strerror
        raise UnusableInput(f"{path}: cannot be read ({why}); give {wanted}") from error


def _timeline(path: Path) -> Iterator[Line]:
    """The lines of a timeline file. Raises UnusableInput naming the line that does not fit."""
    for number, row in enumerate(_text(path, "a file that `analyze --out` wrote").splitlines(), 1):
        try:
            yield wire.loads(row)
        except UnusableInput as error:
            raise UnusableInput(f"{path}:{number}: {error}") from error
