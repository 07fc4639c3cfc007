import { details, paused as words } from "../words";
import type { PartnerScreen } from "./partner_screen";

/** Ending for today, and taking back the yes, are one tap away in every pause. */
export function LeaveRow({ practice }: Pick<PartnerScreen, "practice">) {
  return (
    <p class="row">
      <button class="button quiet" onClick={() => practice.session.send({ type: "end" })}>
        {words.end}
      </button>
      <button class="button quiet" onClick={() => practice.withdraw()}>
        {details.withdraw}
      </button>
    </p>
  );
}
