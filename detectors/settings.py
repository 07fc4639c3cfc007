"""Every number of the voice detectors, with its unit and why it is so."""

from __future__ import annotations

from dataclasses import dataclass, field

from detectors.turn_settings import TurnSettings

FRAME_SAMPLES = 512  # 32 ms: the only window that the silero model knows
CONTEXT_SAMPLES = 64  # the model's input begins with the end of the window before
SUB_SAMPLES = 64  # 4 ms: resolution at which energy refines a boundary
SUBS = FRAME_SAMPLES // SUB_SAMPLES


@dataclass(frozen=True, slots=True)
class VadSettings:
    """Hysteresis on silero's probability, and the energy that refines its boundaries."""

    on: float = 0.5  # probability from which a silent partner may have begun
    sure: float = 0.8  # one frame this sure announces speech; otherwise two frames of ``on``
    off: float = 0.3  # below it a speaking partner may have stopped
    hang_samples: int = 1536  # 96 ms under ``off`` end activity; shorter dips are closures within words
    ipu_gap_samples: int = 3200  # 200 ms: the definition of an inter-pausal unit
    feed_delay_samples: int = 2048  # 128 ms: how far back a boundary may still be moved before it is judged
    onset_lookback_samples: int = 1536  # 96 ms: silero answers one or two frames after the voice began
    rise_db: float = 9.0  # energy over the noise floor that counts as voice at a boundary
    range_share: float = 0.3  # or this share of the way from floor to speech level, whichever is more
    hold_samples: int = 1536  # 96 ms: loss up to this length inside speech changes nothing
    reset_samples: int = 8000  # 0.5 s of missing audio: what the model remembers no longer matters
    floor_rise_db: float = 0.03  # a frame: the noise floor may climb about 1 dB a second
    floor_fall: float = 0.2  # a frame: share of the way down to a quieter frame
    level_share: float = 0.05  # a frame: how fast the speech level follows


@dataclass(frozen=True, slots=True)
class PitchSettings:
    """Pitch by autocorrelation."""

    min_hz: float = 65.0  # below the lowest speaking voices
    max_hz: float = 520.0  # shouted, high voices
    octave_cost: float = 0.05  # an octave: of two equal peaks the shorter period is the true one
    voiced: float = 0.55  # periodicity from which a window has a pitch


@dataclass(frozen=True, slots=True)
class ProsodySettings:
    """What is measured of each half second of own speech."""

    point_samples: int = 8000  # 500 ms of own speech make a point (EVENTS)
    forget_samples: int = 32_000  # 2 s: a half-filled point older than this is dropped, not mixed with new speech
    least_voiced: int = 5  # windows (16 ms apart) with a pitch, or the point says nothing of the voice
    loud_db: float = 25.0  # windows further below the loudest of the point are closures and breath
    pitch: PitchSettings = field(default_factory=PitchSettings)


@dataclass(frozen=True, slots=True)
class ArousalSettings:
    """Own baseline, level, and the hysteresis of a rise."""

    trust_points: int = 16  # 8 s of own speech: before them confidence is low and nothing rises
    full_points: int = 60  # 30 s: from then on the baseline counts as learnt
    prior_points: float = 6.0  # weight of the usual spread of voices in the estimate of own spread
    adapt_points: float = 240.0  # 2 min of calm speech move the baseline by about two thirds
    calm_z: float = 1.0  # points above it do not teach the baseline, once learnt
    smooth_points: float = 3.0  # the level follows the last second and a half of own speech
    level_z: float = 2.0  # z at which the level is 0.73
    rise_z: float = 1.6  # smoothed z at which a rise is one
    rise_points: int = 3  # 1.5 s of own speech that it has to last
    begin_z: float = 0.8  # the rise began where z last stood below this
    settle_z: float = 0.8
    settle_points: int = 5  # 2.5 s of own speech below settle_z
    least_confidence: float = 0.5  # a rise needs points that can be trusted


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
    trust_gain_control: float = 0.8
    trust_bleed: float = 0.6


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """All detectors of a session."""

    prosody: ProsodySettings = field(default_factory=ProsodySettings)
    arousal: ArousalSettings = field(default_factory=ArousalSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    vad: VadSettings = field(default_factory=VadSettings)
    turns: TurnSettings = field(default_factory=TurnSettings)
