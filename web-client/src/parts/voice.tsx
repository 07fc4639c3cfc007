import { useEffect, useRef, useState } from "preact/hooks";
import { practise } from "../words";

/** The other partner's voice. A browser may hold it back until somebody presses something. */
export function Voice({ stream }: { stream: MediaStream | null }) {
  const audio = useRef<HTMLAudioElement>(null);
  const [blocked, setBlocked] = useState(false);
  const play = () => {
    const sounding = audio.current?.play();
    sounding?.then(
      () => setBlocked(false),
      (error: unknown) => setBlocked(error instanceof DOMException && error.name === "NotAllowedError"),
    );
  };
  useEffect(() => {
    if (!audio.current) return;
    audio.current.srcObject = stream;
    if (stream) play();
  }, [stream]);
  return (
    <>
      <audio ref={audio} autoplay />
      {blocked && stream && (
        <button class="button main voice" onClick={play}>
          {practise.sound}
        </button>
      )}
    </>
  );
}
