"""Every number of the words, with its unit and why it is so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UtteranceSettings:
    """How speech is cut into what the transcriber hears at once."""

    pause_samples: int = 9600  # 0.6 s of silence ends an utterance: longer than a breath inside a sentence
    enough_samples: int = 128_000  # 8 s: from here on every pause of an IPU ends it, so that the text comes in time
    longest_samples: int = 320_000  # 20 s without one pause is cut where it is quietest; the model hears 30 s at most
    cut_within_samples: int = 32_000  # the last 2 s before that are searched for the quietest place
    cut_frame_samples: int = 320  # in steps of 20 ms
    shortest_samples: int = 1600  # 0.1 s: less is no word
    pad_samples: int = 8000  # 0.5 s before and after: with 0.2 s, a lone "yes" or "okay" was mostly doubted
    partial_samples: int = 19_200  # 1.2 s: a text while speaking, as often as this
    look_back_samples: int = 32_000  # 2 s: how long after its start an onset may still be announced
    kept_samples: int = 640_000  # 40 s a partner at most, whatever comes
    least_confidence: float = 0.5  # of the speech detector: below it, it is hardly speech


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """What a transcriber must have shown before its text counts as heard.

    A word that was never said is worse than one that is missing.
    """

    most_no_speech: float = 0.3  # probability that there is none; above it …
    sure_logprob: float = -0.7  # … the words must be this sure themselves (mean log probability of a token),
    least_logprob: float = -1.0  # and below it this sure
    most_compression: float = 2.4  # a text that packs better repeats itself
    most_repeats: int = 3  # of one word in a row: "yeah yeah yeah" is said, more is mostly invented
    most_phrases: int = 2  # of a phrase of several words in a row
    most_words_per_s: float = 7.0  # fast speech has about 5 in running talk
    allowed_words: int = 2  # however short the utterance
    least_word: float = 0.25  # mean confidence of the words; laughter that was spelt out stays below
    doubted_word: float = 0.5  # a phrase known to be invented on noise counts only from this mean confidence on
