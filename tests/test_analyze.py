"""`breathmark analyze` as its users meet it: real files, real exit codes.

The command line runs in this process, and twice in one of its own, which takes seconds to import everything.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tracemalloc
import wave
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal
from unittest.mock import patch

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from gateway.cli import app, main
from streaming import wire
from streaming.audio import partner_chunks, read_audio
from streaming.rttm import read_rttm
from streaming.types import Kind, Speaker

BREATHMARK = Path(sys.executable).with_name("breathmark")
DIALOGUE = Path(__file__).parents[1] / "gateway" / "assets" / "dialogue.ogg"


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def analyze(*words: str | Path) -> Done:
    out, errors, status = io.StringIO(), io.StringIO(), 0
    command = ["breathmark", "analyze", *map(str, words)]
    with patch.object(sys, "argv", command), redirect_stdout(out), redirect_stderr(errors):
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
    return Done(status, out.getvalue(), errors.getvalue())


def program(*words: str | Path) -> Done:
    """In a process of its own."""
    command = [str(BREATHMARK), "analyze", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def write_wav(path: Path, audio: np.ndarray[tuple[int, int], np.dtype[np.int16]], rate_hz: int = 16_000) -> Path:
    """``audio`` is int16 of shape (n, channels)."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(audio.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(audio.tobytes())
    return path


def rttm(path: Path, *rows: tuple[float, float, str]) -> Path:
    path.write_text("".join(f"SPEAKER x 1 {s} {d} <NA> <NA> {who} <NA> <NA>\n" for s, d, who in rows))
    return path


def test_the_bundled_dialogue_gives_a_timeline_that_reads_back(tmp_path: Path) -> None:
    out = tmp_path / "timeline.jsonl"
    done = program(DIALOGUE, "--out", out)
    assert done.returncode == 0, done.stderr
    lines = [wire.loads(row) for row in out.read_text().splitlines()]
    kinds = {line.kind for line in lines}
    assert {Kind.SPEECH, Kind.TOOK_FLOOR, Kind.TALK_OVER, Kind.BACKCHANNEL, "cue"} <= kinds
    assert "interruptions" in done.stdout


def test_a_voice_at_the_door_is_left_out_and_said_to_be(tmp_path: Path) -> None:
    two = rttm(tmp_path / "two.rttm", (0.0, 60.0, "ann"), (40.0, 50.0, "bob"))
    stray = rttm(tmp_path / "stray.rttm", (0.0, 60.0, "ann"), (40.0, 50.0, "bob"), (20.0, 1.0, "kit"))
    done = analyze("--rttm", stray, "--session", "s", "--out", tmp_path / "stray.jsonl")
    analyze("--rttm", two, "--session", "s", "--out", tmp_path / "two.jsonl")
    assert done.returncode == 0
    assert "Left out: kit" in done.stdout
    assert (tmp_path / "stray.jsonl").read_text() == (tmp_path / "two.jsonl").read_text()


def test_given_speech_activity_needs_no_audio(tmp_path: Path) -> None:
    activity = rttm(tmp_path / "two.rttm", (0.0, 6.0, "ann"), (4.0, 5.0, "bob"))
    done = analyze("--rttm", activity, "--out", tmp_path / "t.jsonl")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(row) for row in (tmp_path / "t.jsonl").read_text().splitlines()]
    (final,) = [row for row in rows if row["status"] == "final" and row.get("over")] or [{}]
    # 2 s of both: nobody stopped before 1.5 s were over
    assert (final["kind"], final["by"], final["over"], final["start_s"]) == ("talk_over", "b", "a", 4.0)


def test_speakers_named_a_and_b_keep_their_names_in_large_letters_too(tmp_path: Path) -> None:
    for large in ("A", "B"):
        small = rttm(tmp_path / "small.rttm", (0.0, 6.0, "b"), (4.0, 5.0, "a"))
        activity = rttm(tmp_path / "two.rttm", (0.0, 6.0, "b"), (4.0, 5.0, "a"))
        activity.write_text(activity.read_text().replace(f" {large.lower()} ", f" {large} "))
        assert read_rttm(activity) == read_rttm(small)
    both = rttm(tmp_path / "both.rttm", (0.0, 6.0, "A"), (4.0, 5.0, "a"))
    assert {speaker: spans[0].start for speaker, spans in read_rttm(both).items()} == {Speaker.A: 0, Speaker.B: 64_000}


def test_what_cannot_be_used_is_told_in_one_line_with_a_way_out(tmp_path: Path) -> None:
    silence = np.zeros((16_000, 1), np.int16)
    mono = write_wav(tmp_path / "mono.wav", silence)
    empty = write_wav(tmp_path / "empty.wav", silence[:0])
    stereo = write_wav(tmp_path / "stereo.wav", np.zeros((16_000, 2), np.int16))
    (tmp_path / "text.wav").write_text("no audio at all")
    three = rttm(tmp_path / "three.rttm", (0, 1, "x"), (1, 1, "y"), (2, 1, "z"))
    (tmp_path / "broken.rttm").write_text("SPEAKER x 1 one 2 <NA> <NA> y <NA> <NA>\n")
    for words, told in [
        ((tmp_path / "nowhere.wav",), "no such file"),
        ((tmp_path,), "a folder; give an audio file"),
        ((tmp_path / "text.wav",), "libav cannot read it (Invalid data found when processing input);"),
        ((empty, mono), "0 seconds of audio"),
        ((mono,), "2 were expected"),
        ((stereo, mono), "1 was expected"),
        ((mono, mono, mono), "3 files"),
        (("--rttm", three), "3 speakers"),
        (("--rttm", tmp_path / "broken.rttm"), "broken.rttm:1"),
        ((), "nothing to analyze"),
        ((stereo, "--out", tmp_path / "no" / "folder.jsonl"), "cannot be written"),
    ]:
        done = program() if words == () else analyze(*words)
        assert done.returncode == 2, words
        assert told in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "Traceback" not in done.stderr


def test_the_help_says_what_holds_where_nothing_is_given() -> None:
    for command, told in (("analyze", "stdout"), ("serve", "BREATHMARK_BUS"), ("worker", "BREATHMARK_STORE")):
        assert told in CliRunner().invoke(app, [command, "--help"]).output


def test_a_full_disk_behind_stdout_is_one_clear_line() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        command = [str(BREATHMARK), "analyze", str(DIALOGUE)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=100, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "cannot be written (No space left on device)" in done.stderr


def test_a_run_that_fails_leaves_no_half_timeline(tmp_path: Path) -> None:
    analyze(tmp_path / "nowhere.wav", "--out", tmp_path / "t.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000])
def test_any_rate_gives_the_same_duration(tmp_path: Path, rate_hz: int) -> None:
    tone = (np.sin(np.arange(2 * rate_hz) / rate_hz * 2000) * 9000).astype(np.int16)
    path = write_wav(tmp_path / "tone.wav", np.stack([tone, tone], axis=1), rate_hz)
    done = analyze(path)
    assert done.returncode == 0, done.stderr
    assert "2.0 s analyzed" in done.stderr


@pytest.mark.parametrize("words", [("--bogus",), ("-dash.wav",), ("a.wav", "--out")])
def test_an_option_that_is_none_is_told_in_one_line_too(words: tuple[str, ...]) -> None:
    done = analyze(*words)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "--help` tells what it takes" in done.stderr


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    own = write_wav(tmp_path / "own.wav", np.zeros((16_000, 2), np.int16))
    (tmp_path / "link.wav").symlink_to(own)
    for out in (own, tmp_path / "link.wav"):
        done = analyze(own, "--out", out)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert own.stat().st_size > 64_000


def test_what_is_written_to_a_device_leaves_it_a_device(tmp_path: Path) -> None:
    own = write_wav(tmp_path / "own.wav", np.zeros((16_000, 2), np.int16))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert analyze(own, "--out", pipe).returncode == 0
    assert pipe.is_fifo()
    os.close(reader)
    folder = analyze(own, "--out", tmp_path)
    assert (folder.returncode, len(folder.stderr.splitlines())) == (2, 1)


def test_speech_activity_from_windows_keeps_its_first_line(tmp_path: Path) -> None:
    plain = rttm(tmp_path / "two.rttm", (0.0, 6.0, "ann"), (4.0, 5.0, "bob"))
    (tmp_path / "windows.rttm").write_bytes(b"\xef\xbb\xbf" + plain.read_bytes().replace(b"\n", b"\r\n"))
    timelines = [analyze("--rttm", file, "--session", "s").stdout for file in (plain, tmp_path / "windows.rttm")]
    assert timelines[0] == timelines[1]


def lasting(kind: Literal["flac", "libopus"], path: Path, *, without: tuple[int, int] | None = None) -> Path:
    """Ten seconds of stereo noise in packets of 20 ms or so; ``without`` those between, as where a sender was away."""
    sound = np.random.default_rng(0).normal(0, 3000, (500, 2 * 960)).astype(np.int16)
    with av.open(str(path), "w") as out:
        stream = out.add_stream(kind, rate=48_000, layout="stereo")
        for at, samples in enumerate(sound):
            frame = av.AudioFrame.from_ndarray(samples[None], "s16", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, at * 960, Fraction(1, 48_000)
            for packet in stream.encode(frame):
                if without is None or not without[0] <= at < without[1]:
                    out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    return path


def test_what_a_recording_lacks_in_the_middle_moves_nothing_that_comes_after(tmp_path: Path) -> None:
    whole = read_audio(lasting("libopus", tmp_path / "whole.webm"))[0]
    gappy = read_audio(lasting("libopus", tmp_path / "gappy.webm", without=(100, 300)))[0]
    assert abs(len(gappy) - len(whole)) < 700  # 40 ms
    assert not gappy[3 * 16_000 : 5 * 16_000].any()
    after = slice(7 * 16_000, 9 * 16_000)
    lags = [np.corrcoef(whole[after], np.roll(gappy, lag)[after])[0, 1] for lag in range(-700, 701)]
    assert max(lags) > 0.9, "within 44 ms of where it was"


def test_a_recording_that_broke_off_or_is_damaged_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    flac = lasting("flac", tmp_path / "whole.flac")
    data = flac.read_bytes()
    (tmp_path / "broken.flac").write_bytes(data[: len(data) // 2])
    damaged = bytearray(data)
    damaged[len(data) // 3 : len(data) // 3 + 3000] = bytes(3000)
    (tmp_path / "damaged.flac").write_bytes(damaged)
    assert len(read_audio(tmp_path / "broken.flac")[0]) == pytest.approx(80_000, abs=4_000)
    assert len(read_audio(tmp_path / "damaged.flac")[0]) == pytest.approx(160_000, abs=4_000)


def test_a_long_recording_is_read_as_it_is_needed(tmp_path: Path) -> None:
    file = write_wav(tmp_path / "long.wav", np.zeros((600 * 8_000, 2), np.int16), 8_000)
    tracemalloc.start()
    heard = sum(len(chunk.samples) for chunk in partner_chunks("s", [file], 1_600))
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert heard == 2 * 600 * 16_000
    assert most_bytes < 10_000_000, "all of it at once would be 77 MB"
