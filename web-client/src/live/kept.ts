// What this browser keeps: a secret per link, whose a report is, the open invitation, and the choice of chime and touch.
import type { Invitation } from "../protocol";

export interface Choices {
  chime: boolean;
  vibrate: boolean;
}

const INVITATION = "breathmark.invitation";
const CHOICES = "breathmark.choices";
const DEVICE = "breathmark.device.";
const READER = "breathmark.reader.";
const SECRET_BYTES = 16;

/** The secret that makes this device the owner of `token`; made at first use. */
export function deviceSecret(token: string): string {
  const known = read(localStorage, DEVICE + token);
  if (known) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const made = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  write(localStorage, DEVICE + token, made);
  return made;
}

/** Lives as long as the tab, so a reload does not lose the invitation. */
export function keepInvitation(invitation: Invitation | null): void {
  write(sessionStorage, INVITATION, invitation ? JSON.stringify(invitation) : "");
}

export function keptInvitation(): Invitation | null {
  return parse<Invitation>(read(sessionStorage, INVITATION));
}

/** Whose report this is: the address that people show to others never holds a partner's own token. */
export function keepReader(report: string, own: string): void {
  write(localStorage, READER + report, own);
}

/** The token by which this browser reads that report: the partner's own, where one practised here. */
export function readerOf(report: string): string {
  return read(localStorage, READER + report) ?? report;
}

export function keepChoices(choices: Choices): void {
  write(localStorage, CHOICES, JSON.stringify(choices));
}

export function keptChoices(): Choices {
  return { chime: false, vibrate: false, ...parse<Partial<Choices>>(read(localStorage, CHOICES)) };
}

function parse<T>(text: string | null): T | null {
  try {
    return text ? (JSON.parse(text) as T) : null;
  } catch {
    return null;
  }
}

// Private windows may refuse storage: the page then works until it is reloaded.
const unsaved = new Map<string, string>();

function read(store: Storage, key: string): string | null {
  try {
    return store.getItem(key) ?? unsaved.get(key) ?? null;
  } catch {
    return unsaved.get(key) ?? null;
  }
}

function write(store: Storage, key: string, value: string): void {
  unsaved.set(key, value);
  try {
    store.setItem(key, value);
  } catch {
    return;
  }
}
