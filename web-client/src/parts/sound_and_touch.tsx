import { useState } from "preact/hooks";
import { keepChoices, keptChoices } from "../live/kept";
import { join as words } from "../words";
import { Toggle } from "./toggle";

/** What this device does with a cue beside showing it. It is nobody else's business, and kept on this device alone. */
export function SoundAndTouch() {
  const [choices, setChoices] = useState(keptChoices);
  const choose = (changed: Partial<typeof choices>) => {
    setChoices({ ...choices, ...changed });
    keepChoices({ ...choices, ...changed });
  };
  return (
    <details class="fold">
      <summary>{words.more}</summary>
      <Toggle label={words.chime} on={choices.chime} change={(chime) => choose({ chime })} />
      <Toggle label={words.vibrate} on={choices.vibrate} change={(vibrate) => choose({ vibrate })} />
    </details>
  );
}
