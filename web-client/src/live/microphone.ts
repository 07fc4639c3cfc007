// The microphone, its constraints chosen on purpose, and its faults in kinds that the page has words for.
export type MicrophoneFault = "refused" | "missing" | "busy" | "insecure";

export class MicrophoneError extends Error {
  constructor(readonly fault: MicrophoneFault) {
    super(`microphone ${fault}`);
  }
}

/**
 * Gain control would flatten the loudness that arousal is read from; noise suppression eats quiet
 * listening sounds. Echo cancellation is needed on loudspeakers, and only when apart: in one room
 * it would suppress whoever speaks nearer while both talk.
 */
export function constraints(sameRoom: boolean): MediaStreamConstraints {
  return {
    video: false,
    audio: {
      channelCount: 1,
      autoGainControl: false,
      noiseSuppression: false,
      echoCancellation: !sameRoom,
    },
  };
}

/** Calls back when another microphone may be there. */
export function whenPluggedIn(then: () => void): () => void {
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  const changed = async () => {
    if ((await devices?.enumerateDevices())?.some((device) => device.kind === "audioinput")) then();
  };
  devices?.addEventListener("devicechange", changed);
  return () => devices?.removeEventListener("devicechange", changed);
}

export async function openMicrophone(sameRoom: boolean): Promise<MediaStream> {
  const devices = navigator.mediaDevices as MediaDevices | undefined; // absent on plain http
  if (!devices) throw new MicrophoneError("insecure");
  try {
    return await devices.getUserMedia(constraints(sameRoom));
  } catch (error) {
    throw new MicrophoneError(faultOf(error));
  }
}

export function faultOf(error: unknown): MicrophoneFault {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  return "busy";
}
