import type { Partner, ToGateway } from "../protocol";
import { repair as words } from "../words";

/** An offer to begin again: a question on one screen, a quiet line on the other. */
export function RepairLine({ by, me, say }: { by: Partner; me: Partner; say: (message: ToGateway) => void }) {
  if (by === me)
    return (
      <p class="neutral soft" role="status">
        {words.offered}
      </p>
    );
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
