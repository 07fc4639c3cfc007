import { useRef, useState } from "preact/hooks";
import { renderSVG } from "uqr";
import { invite } from "../words";

const COPIED_MS = 2_500;

/** A link to hand on: its text, a copy button, and where wanted a QR code. */
export function LinkBox({ url, label, main = false }: { url: string; label: string; main?: boolean }) {
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
      <button class={main ? "button main" : "button"} onClick={() => void copy()}>
        {said || invite.copy}
      </button>
      <span class="unseen" role="status">
        {said}
      </span>
    </div>
  );
}

export function QrCode({ url }: { url: string }) {
  // Our own address made into squares: no markup of others can come in this way.
  const svg = renderSVG(url, { border: 2, whiteColor: "#ffffff", blackColor: "#1b1816" });
  return <div class="qr" role="img" aria-label={invite.qr} dangerouslySetInnerHTML={{ __html: svg }} />;
}

export const linkTo = (page: "join" | "watch" | "report", token: string): string =>
  `${location.origin}/${page}#${token}`;
