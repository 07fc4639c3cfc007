// A chime and a short vibration, for those who asked for them.
import type { Choices } from "../live/kept";

const PITCH_HZ = 528;
const CHIME_S = 1.6;
const LOUDNESS = 0.08; // soft enough not to start anybody
const VIBRATION_MS = 40;

export function signal(choices: Choices): void {
  if (choices.vibrate && "vibrate" in navigator) navigator.vibrate(VIBRATION_MS);
  if (choices.chime) chime();
}

function chime(): void {
  const context = new AudioContext();
  const tone = context.createOscillator();
  const gain = context.createGain();
  tone.frequency.value = PITCH_HZ;
  gain.gain.setValueAtTime(0, context.currentTime);
  gain.gain.linearRampToValueAtTime(LOUDNESS, context.currentTime + 0.06);
  gain.gain.exponentialRampToValueAtTime(0.0001, context.currentTime + CHIME_S);
  tone.connect(gain).connect(context.destination);
  tone.onended = () => void context.close();
  tone.start();
  tone.stop(context.currentTime + CHIME_S);
}
