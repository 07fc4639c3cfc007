import type { ToGateway } from "../protocol";
import { repair as words } from "../words";

/** The other one offers to begin again: a question, in the place of whatever else was to be done. */
export function RepairLine({ say }: { say: (message: ToGateway) => void }) {
  return (
    <div class="neutral">
      <p class="neutral-text" role="status">
        {words.asked}
      </p>
      <p class="row">
        <button class="button main" onClick={() => say({ type: "repair", act: "accept" })}>
          {words.yes}
        </button>
        <button class="button" onClick={() => say({ type: "repair", act: "later" })}>
          {words.later}
        </button>
      </p>
    </div>
  );
}
