"""Every number of the voice detectors, with its unit and why it is so."""

from __future__ import annotations

from dataclasses import dataclass, field

from detectors.turn_settings import TurnSettings

FRAME_SAMPLES = 512  # 32 ms: the only window that the silero model knows
CONTEXT_SAMPLES = 64  # the model's input begins with the end of the window before
SUB_SAMPLES = 64  # 4 ms: resolution at which energy refines a boundary
SUBS = FRAME_SAMPLES // SUB_SAMPLES


@dataclass(frozen=True, slots=True)
class PitchSettings:
    """Pitch by autocorrelation."""

    min_hz: float = 65.0  # below the lowest speaking voices
    max_hz: float = 520.0  # shouted, high voices
    octave_cost: float = 0.03  # an octave: of two equal peaks the shorter period is the true one
    jump_cost: float = 0.2  # an octave away from the half second's median
    voiced: float = 0.5  # periodicity from which a window has a pitch


@dataclass(frozen=True, slots=True)
class VoicingSettings:
    """When a sound that the model half takes for speech is doubted."""

    min_hz: float = 65.0
    max_hz: float = 560.0  # a cry's pitch is to be seen as high, not as half of it
    octave_cost: float = 0.03  # an octave: of two equal peaks the shorter period is the true one
    periodic: float = 0.6  # from here on a frame has a pitch
    least_periodicity: float = 0.54  # mean of a unit; 1 in 25 syllables has less, and nearly every stroke of keys
    voiceless_doubt: float = 16.0  # more evidence than usual: whisper gets there in a third of a second
    stranger_top_octaves: float = 1.93  # 380 Hz, over 100 Hz: adults' speech is rarely above
    least_top_octaves: float = 1.58  # 300 Hz: below it nobody's pitch is too high
    reach_octaves: float = 0.75  # over the usual: further than most rise in a question or in anger
    high_doubt: float = 10.0  # likewise, where most of the pitch lies above
    clear: float = 0.7  # from here on a frame's pitch speaks for a voice
    adult_periodicity: float = 0.6  # mean of a unit, from which it may be a voice that was never heard before
    adult_frames: int = 4  # with a pitch below the top: a cough or a laugh has two or three
    adult_share: float = 0.75  # of those that have a pitch
    known_units: int = 4  # utterances: a voice is known
    usual_memory: float = 0.1  # an utterance, of what is usual


@dataclass(frozen=True, slots=True)
class VadSettings:
    """Hysteresis on silero's probability, and the energy that refines its boundaries."""

    on: float = 0.45  # probability from which a silent partner may have begun, or goes on after a pause
    clear: float = 0.55  # frames less sure say little of the voice itself
    sure: float = 0.8  # frames this sure teach the level of speech
    doubt: float = 0.5  # log odds; where a voice is known, evidence gathers from p 0.62
    stranger_doubt: float = 1.5  # where none is, from p 0.82: cries rarely pass it for long
    voiced_doubt: float = 0.0  # of a frame with an adult's clear pitch: far and mumbled talk stays near p 0.6
    voiced_stranger_doubt: float = 1.0  # likewise, where no voice is known
    most_evidence: float = 3.0  # of one frame, either way
    announce: float = 0.8  # one frame of p 0.79 where a voice is known, 0.91 where none is; or several of less
    proof: float = 4.0  # of a known voice: its listening sounds, which the model half doubts, mostly reach it
    # 96 ms at the surest; most cries stay below, the least sure line of a voice reached 12. A short word does not get
    # there, so what is pitched as adults speak needs no more than a known voice.
    stranger_proof: float = 8.0
    known_frames: int = 62  # 2 s of sure speech: a voice is known
    far_db: float = 15.0  # this far below a known voice it takes a stranger's proof
    off: float = 0.4  # below it a speaking partner may have stopped
    hang_samples: int = 1536  # 96 ms under ``off`` end activity; shorter dips are closures within words
    ipu_gap_samples: int = 3200  # 200 ms: the definition of an inter-pausal unit
    # 192 ms: how far back a boundary may still be moved before turns are judged by it. Over a telephone, where voices
    # take longer to be sure of, 128 ms cost 0.025 of interruption F1; overlaps are announced that much later.
    feed_delay_samples: int = 3072
    onset_lookback_samples: int = 1536  # 96 ms: silero answers one or two frames after the voice began
    rise_db: float = 9.0  # energy over the noise floor that counts as voice at a boundary
    range_share: float = 0.4  # or this share of the way from floor to speech level, whichever is more
    hush_db: float = -72.0  # a frame with no 4 ms over it holds no voice that anyone could follow
    hush_samples: int = 3072  # 192 ms of it, and the model is not asked until it is louder
    hold_samples: int = 1536  # 96 ms: loss up to this length inside speech changes nothing
    bridge_samples: int = 6400  # 400 ms: speech on either side of a hole like this is one unit 98 times in 100
    reset_samples: int = 8000  # 0.5 s of missing audio: what the model remembers no longer matters
    floor_rise_db: float = 0.03  # a frame: the noise floor may climb about 1 dB a second
    floor_fall: float = 0.2  # a frame: share of the way down to a quieter frame
    level_share: float = 0.05  # a frame: how fast the speech level follows
    end_lookback_frames: int = 4  # 128 ms: the model goes on that long after a voice
    voicing: VoicingSettings = field(default_factory=VoicingSettings)


@dataclass(frozen=True, slots=True)
class ProsodySettings:
    """What is measured of each half second of own speech."""

    point_samples: int = 8000  # 500 ms of own speech make a point (EVENTS)
    forget_samples: int = 32_000  # 2 s: a half-filled point older than this is dropped, not mixed with new speech
    least_voiced: int = 3  # windows (16 ms apart) with a pitch, or the point says nothing; rough shouting has few
    loud_db: float = 12.0  # windows further below the loudest of the point say more of the room than of the voice
    noise_left: float = 0.02  # of a bin's power is kept whatever the noise was
    room_after_frames: int = 4  # 128 ms without speech: what rings on is over
    room_every_frames: int = 4  # one frame in four tells enough of the room
    room_share: float = 0.1  # of each such frame
    pitch: PitchSettings = field(default_factory=PitchSettings)


@dataclass(frozen=True, slots=True)
class ArousalModel:
    """In the order of prosody's FEATURES: a calm speaker's usual ``spreads``, and ``weights`` that sum to one."""

    spreads: tuple[float, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ArousalSettings:
    """Own baseline, level, and the evidence for a rise. A point is half a second of own speech."""

    first_points: int = 4  # 2 s: before them there is nothing to compare with
    trust_points: int = 16  # 8 s: from then on a rise may be called one; 20 s of short lines hold little more
    full_points: int = 60  # 30 s: from then on the baseline counts as learnt
    prior_points: float = 100.0  # weight of voices' usual spread in own: 20 s of speech tell little of a spread
    usual_score: float = 0.8  # usual spread of the weighted sum within a calm speaker
    most_off: float = 0.3  # spreads by which the sum itself may be off in calm speech; the rest is the features' part
    adapt_points: float = 240.0  # 2 min of calm speech move a learnt baseline by about two thirds
    carried_points: float = 60.0  # a baseline from another day counts for 30 s: voices differ a little by the day
    steady_points: int = 8  # 4 s: from then on a point may be unusual
    calm_z: float = 1.0  # what lies further up teaches less
    unusual_z: float = 2.5  # and from here on hardly
    unusual_share: float = 0.1  # of what a usual point teaches
    most_spreads: float = 4.0  # a feature further up is a mistake as often as a change: a doubled period, a hiss
    least_spreads: float = 2.0  # further down it says only that the half second was mostly consonants
    usual_level_db: float = 4.0  # usual spread of a calm voice's level, a half second at a time
    level_weight: float = 0.3  # of one such spread, in spreads of the weighted sum: as much as the slope's
    level_alone: float = 0.4  # spreads that level may add where the voice itself shows nothing; 12 dB of gain no more
    floor_apart_db: float = 4.0  # a noise floor further than this from where the level was learnt: another gain or room
    floor_moved_points: int = 6  # 3 s of it, and the level is learnt anew
    most_z: float = 6.0  # a point's level is cut here
    evidence_z: float = 3.5  # and counts for no more than this as evidence of a rise
    full_voiced: float = 6.0  # windows (0.1 s); a point with fewer counts for less
    smooth_share: float = 0.7  # the level follows the last second of own speech
    level_z: float = 1.5  # z at which the level is 0.73
    rise_drift_z: float = 1.0  # evidence of a rise gathers above this
    rise_sum_z: float = 7.5  # z times points: 1.5 s at the most, 4 s at z 2
    half_life_samples: int = 160_000  # 10 s without own speech halve the evidence: what was before belongs to before
    settle_drift_z: float = 1.2  # evidence of settling gathers below this
    settle_sum_z: float = 4.5  # 2 s at the baseline
    least_trust: float = 0.4  # audio worse than this teaches nothing
    least_confidence: float = 0.3  # and calls nothing a rise
    model: ArousalModel | None = None  # None: the one that is shipped; a benchmark holds speakers out of its own


@dataclass(frozen=True, slots=True)
class QualitySettings:
    """When audio is bad enough to say so, and what it costs in confidence."""

    block_frames: int = 16  # 0.5 s: conditions are judged once a block
    clip_level: float = 0.985  # of full scale
    clip_share: float = 0.002  # of the samples of a block
    noisy_db: float = 12.0  # speech less than this over the noise floor
    narrow_db: float = -38.0  # energy of 4 to 7 kHz against 0.3 to 3.4 kHz; 8 kHz audio lies below -50
    muted_db: float = -85.0  # quieter than any open microphone
    muted_blocks: int = 20  # 10 s of it
    start_blocks: int = 3  # a condition that lasts 1.5 s is one
    end_blocks: int = 10  # and is over after 5 s without it
    trust_clipping: float = 0.5
    trust_noisy: float = 0.5
    trust_narrow_band: float = 0.9
    trust_bleed: float = 0.6
    trust_gain_control: float = 0.9  # level is left out then; the rest is hardly touched


@dataclass(frozen=True, slots=True)
class GainSettings:
    """When a microphone's gain follows the voice. Spreads are standard deviations over phrases."""

    voice_p: float = 0.5  # frames of a phrase that count, by the model's probability
    room_p: float = 0.3  # frames of a pause that count
    least_frames: int = 16  # 0.5 s of voice make a phrase
    most_frames: int = 400  # 13 s of one phrase, or of a pause, tell enough
    ring_frames: int = 4  # 128 ms after a phrase the room still rings
    least_room_frames: int = 3
    least_room_db: float = -72.0  # fainter is no room: digital silence, a noise gate, what a codec makes of either
    phrases: int = 12  # half a minute or so
    least_phrases: int = 6
    least_spread_db: float = 2.5  # of speech over the room; whoever speaks more evenly gives a control nothing to do
    evened_share: float = 0.5  # of it that is left in the level; steady rooms leave 0.8 and more, kitchens 0.6
    evened_db: float = 1.8  # and no more than this: controls leave 0.6 to 1.5, voices themselves vary by 2.6 to 5
    same_peak_db: float = 0.5  # peaks of natural phrases differ by 2 to 3 dB
    same_peak_share: float = 0.8  # of phrases


@dataclass(frozen=True, slots=True)
class BleedSettings:
    """When one microphone only hears the other partner."""

    seems_speech: float = 0.3  # of the model, from both microphones: below it there is nothing to guard
    onset_frames: int = 4  # 128 ms: a correlation over less is mostly chance
    p_fade: float = 0.8  # a frame: a voice that has just stopped may still ring in the other microphone
    listen_frames: int = 16  # 0.5 s: where one speaks and no bleed was heard yet, it need not be looked for more often
    faintest_db: float = 40.0  # under the other's voice: bleed that far down is not heard as speech
    every_frames: int = 2  # a comparison costs about as much as two questions to the model
    latest_samples: int = 1280  # 80 ms: further away than any table, with streams placed a little apart
    same_time_samples: int = 6  # 0.4 ms
    peak_samples: int = 32  # 2 ms: a peak's own width
    peak_share: float = 0.5  # how fast peaks follow
    least_peak: float = 0.13  # two rooms: 0.10 at the 90th centile; a reverberant room at -6 dB: 0.16 in the median
    dominance: float = 1.7  # over the other side's peak: one voice, not two
    weaker_db: float = 2.0  # where time cannot tell, level must
    gain_frames: float = 15.0  # 0.5 s of bleed tell how strong it is
    chance_share: float = 0.1  # of a frame is forgotten with each that is none: in two rooms 1 in 100 seems bleed
    gain_memory_frames: float = 100.0
    over_bleed_db: float = 8.0  # this far above the usual bleed is own voice
    beside_memory: float = 0.5  # a frame: a voice of one's own that sets in slows the learning within two
    way_lasts: float = 0.998  # a frame, of what was learnt: 16 s, in which somebody may have moved a phone
    echo_frames: int = 31  # 1 s of bleed teach enough of it
    known_left_db: float = -5.0  # and then it is believed where this is what it usually leaves of bleed
    useless_left_db: float = -1.0  # in two rooms it stays at 0
    usual_left_share: float = 0.05  # a frame
    left_memory: float = 0.5  # a frame: a sixteenth of a second is told apart together
    left_frames: float = 3.0  # of a loudness like this one's at the most
    bleed_left_db: float = -4.0  # less is left over: it is learnt on. Own voice over it leaves -0.2 in the median
    left_share: float = 0.5  # in dB: half way between what bleed usually leaves and all
    least_left_db: float = -7.0  # and at most this far
    most_left_db: float = -1.0  # 1 in 100 frames of bleed leaves more, and nearly all of a voice alone
    most_over_db: float = 3.0  # own voice over bleed: 10 dB and more in the median; 1 in 50 frames of bleed is there
    ring_fall: float = 0.5  # a frame: 60 dB in 0.64 s, as furnished rooms do
    noise_times: float = 2.0  # of the noise, which is learnt from its fainter frames
    noise_fall: float = 0.05  # a frame of bleed
    noise_rise: float = 0.005  # likewise: most of what bleed leaves is not noise
    noise_most: float = 10.0  # and louder than that none of it
    cover_frames: int = 3  # 96 ms of bleed, and the model hears silence: less may be a mistake within own speech
    rest_frames: int = 8  # a quarter second later it is another sound


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """All detectors of a session."""

    prosody: ProsodySettings = field(default_factory=ProsodySettings)
    bleed: BleedSettings = field(default_factory=BleedSettings)
    gain: GainSettings = field(default_factory=GainSettings)
    arousal: ArousalSettings = field(default_factory=ArousalSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    vad: VadSettings = field(default_factory=VadSettings)
    turns: TurnSettings = field(default_factory=TurnSettings)
