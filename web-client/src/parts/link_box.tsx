import { useRef, useState } from "preact/hooks";
import { encode } from "uqr";
import { invite } from "../words";

const COPIED_MS = 2_500;
const QUIET_ZONE = 3; // squares of white around the code, so that cameras find it

/** A link to hand on: its text, a copy button, and on phones the way to whatever one sends messages with. */
export function LinkBox({ url, label }: { url: string; label: string }) {
  const field = useRef<HTMLInputElement>(null);
  const [said, setSaid] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(url);
      setSaid(invite.copied);
      setTimeout(() => setSaid(""), COPIED_MS);
    } catch {
      field.current?.select(); // plain http has no clipboard
      setSaid(invite.copyByHand);
    }
  };
  return (
    <div class="link-box">
      <input ref={field} readOnly value={url} aria-label={label} onFocus={(event) => event.currentTarget.select()} />
      <p class="row">
        {"share" in navigator && (
          <button class="button" onClick={() => void navigator.share({ url }).catch(() => undefined)}>
            {invite.send}
          </button>
        )}
        <button class="button" onClick={() => void copy()}>
          {said || invite.copy}
        </button>
      </p>
      <span class="unseen" role="status">
        {said}
      </span>
    </div>
  );
}

export function QrCode({ url }: { url: string }) {
  const { data, size } = encode(url, { border: QUIET_ZONE });
  const squares = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : [])));
  return (
    <svg class="qr" role="img" aria-label={invite.qr} viewBox={`0 0 ${size} ${size}`} shape-rendering="crispEdges">
      <path d={squares.join("")} />
    </svg>
  );
}

export const linkTo = (page: "join" | "watch" | "report", token: string): string =>
  `${location.origin}/${page}#${token}`;
