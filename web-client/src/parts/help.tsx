import { safety } from "../words";

/** Discreet: folded, in the same plain type as everything else, and nothing of it is sent. */
export function QuietHelp() {
  return (
    <details class="fold">
      <summary>{safety.ask}</summary>
      <HelpText />
    </details>
  );
}

export function HelpText() {
  return (
    <>
      <p>{safety.body}</p>
      <p>{safety.help}</p>
      <p class="row">
        <a class="button" href={safety.tel}>
          {safety.call}
        </a>
        <button class="button" onClick={() => location.replace("about:blank")}>
          {safety.leave}
        </button>
      </p>
      <p class="soft small">
        {safety.private} {safety.history}
      </p>
    </>
  );
}
