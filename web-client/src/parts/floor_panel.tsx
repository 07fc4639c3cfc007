import type { FloorAct, FloorSide } from "../protocol";
import { floor as words } from "../words";

/** The step that the turn waits for stands out; the way out of the mode is quiet. */
const LOOKS: Partial<Record<FloorAct, string>> = {
  done: "button main",
  reflected: "button main",
  yes: "button main",
  stop: "button quiet",
};

/** Whose turn it is, in this partner's words, and what may be pressed now. */
export function FloorPanel({ side, act }: { side: FloorSide; act: (act: FloorAct) => void }) {
  return (
    <div class="floor-panel">
      <p class="floor-prompt" role="status">
        {side.prompt}
      </p>
      <p class="row">
        {side.acts.map((each) => (
          <button key={each} class={LOOKS[each] ?? "button"} onClick={() => act(each)}>
            {words[each]}
          </button>
        ))}
      </p>
    </div>
  );
}
