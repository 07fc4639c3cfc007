"""Numbers of the turn-taking detector. Those that EVENTS fixes are definitions, not tuning knobs."""

from __future__ import annotations

from dataclasses import dataclass

_MS = 16  # samples


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """Durations are samples at 16 kHz."""

    # Definitions (EVENTS).
    ipu_gap_samples: int = 200 * _MS  # silence this long ends an inter-pausal unit
    burst_gap_samples: int = 1000 * _MS  # silence this long ends a burst
    floor_samples: int = 500 * _MS  # speaking alone this long takes the floor
    together_samples: int = 250 * _MS  # two starts closer than this entered at once
    mutual_silence_samples: int = 200 * _MS  # … if nobody had spoken for this long
    talk_over_samples: int = 1500 * _MS  # both at once for this long is a talk-over
    terminal_samples: int = 300 * _MS  # a turn that ends this soon was foreseen to end
    backchannel_samples: int = 1000 * _MS  # the longest burst of a mere listener
    long_silence_samples: int = 4000 * _MS
    monologue_samples: int = 90_000 * _MS

    # Choices of this detector.
    refresh_samples: int = 100 * _MS  # how often an undecided overlap is announced anew (EVENTS)
    min_overlap_samples: int = 100 * _MS  # shorter ones lie within what any labelling can place
    # Boundaries are placed no better: what would be a common start if both moved this far has no culprit.
    blame_margin_samples: int = 100 * _MS
    hidden_samples: int = 200 * _MS  # missing audio shorter than an IPU gap cannot hide a turn
    bridge_samples: int = 400 * _MS  # nor does it end an IPU, up to this length, where speech goes on behind it
    # Below it, what the table calls an interruption is taken for its harmless neighbour. A couple is hurt more by a
    # false cue than helped by a rare one. Held out, F1 is the same from 0.4 to here and false ones fall by a fifth;
    # beyond, true ones go faster than false ones.
    least_p: float = 0.72
    # A first IPU this short that ends before the holder's is a listener's word, whatever the starter says later in the
    # same burst: of those that the table calls butted_in, words called three in four a backchannel.
    listener_samples: int = 600 * _MS
    least_trust: float = 0.8  # audio worse than this (noise, clipping, bleed) says nothing of effort
