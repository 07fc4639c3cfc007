// The frame of every page, and the one-step screen that every waiting, refused or broken state has.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { NOT_A_DIAGNOSIS, start } from "../words";

/** What the tab and the phone's list of open pages say. */
export function useTitle(title?: string): void {
  useEffect(() => {
    document.title = title ? `${title} · ${start.name}` : start.name;
  }, [title]);
}

export function Page(props: { children: ComponentChildren; wide?: boolean; title?: string; foot?: boolean }) {
  useTitle(props.title);
  return (
    <div class={props.wide ? "page wide" : "page"}>
      <header class="top">
        <a href="/" class="mark-link">
          <Mark />
          {start.name}
        </a>
      </header>
      <main>{props.children}</main>
      {props.foot !== false && <footer class="foot">{NOT_A_DIAGNOSIS}</footer>}
    </div>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 24 28" width="20" height="23" aria-hidden="true" class="mark">
      <path d="M10 1a7.500 7.500 0 1 0 2.100 14.700C11.200 20.500 8 24 3.800 26.200l1.800 1.800C13 25 18.500 18.500 18.500 9.500 18.500 4 15 1 10 1z" />
    </svg>
  );
}

/** A heading that takes the focus when its screen appears, so that it is read out, and is seen however far one had scrolled. */
export function Heading({ children, unseen = false }: { children: ComponentChildren; unseen?: boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    scrollTo(0, 0);
    heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <h1 tabIndex={-1} ref={heading} class={unseen ? "unseen" : ""}>
      {children}
    </h1>
  );
}

export interface Step {
  label: string;
  href?: string;
  press?: () => void;
}

/** A title, a sentence or two, one clear next step. */
export function Screen(props: {
  title: string;
  body?: string;
  step?: Step;
  children?: ComponentChildren;
  below?: ComponentChildren; // what may wait until after that step
}) {
  return (
    <Page title={props.title}>
      <section class="screen">
        <Heading>{props.title}</Heading>
        {props.body && <p>{props.body}</p>}
        {props.children}
        {props.step && <StepButton step={props.step} />}
        {props.below}
      </section>
    </Page>
  );
}

function StepButton({ step }: { step: Step }) {
  return step.href ? (
    <a class="button main" href={step.href}>
      {step.label}
    </a>
  ) : (
    <button class="button main" onClick={step.press}>
      {step.label}
    </button>
  );
}
