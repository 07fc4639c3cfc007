// The gateway's HTTP side. What it refuses is thrown as a RefusedError, with its way out.
import { deviceSecret } from "./live/kept";
import type { Act, Again, Card, Choice, Invitation, Refusal } from "./protocol";
import type { Report } from "./report/types";
import { trouble } from "./words";

class RefusedError extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.message);
  }
}

const UNREACHABLE: Refusal = { code: "unreachable", message: trouble.unreachable, way_out: trouble.waitAndReload };

async function fetched(method: "GET" | "POST", path: string, token?: string, sent?: unknown): Promise<Response> {
  // What is one partner's own is shown to the device that owns the link, not to whoever has seen it.
  const own = token && { Authorization: `Bearer ${token}`, "Breathmark-Device": deviceSecret(token) };
  const headers: Record<string, string> = own || {};
  const body = sent === undefined ? null : JSON.stringify(sent);
  if (body !== null) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body }).catch(() => {
    throw new RefusedError(UNREACHABLE);
  });
  if (answer.ok) return answer;
  const told: unknown = await answer.json().catch(() => null);
  throw new RefusedError({ ...UNREACHABLE, ...(told as Partial<Refusal> | null) });
}

async function ask<T>(method: "GET" | "POST", path: string, token?: string, sent?: unknown): Promise<T> {
  const answer = await fetched(method, path, token, sent);
  const body: unknown = await answer.json().catch(() => null);
  if (body) return body as T;
  throw new RefusedError(UNREACHABLE);
}

export const startPractice = (choice: Choice | null) => ask<Invitation>("POST", "/api/sessions", undefined, choice ?? {});
export const readCards = () => ask<{ cards: Card[] }>("GET", "/api/cards");
export const sayHowItWent = (token: string, act: Act) => ask<{ said: string }>("POST", "/api/practised", token, { act });

/** The next practice of the two, from a partner's own link on their own device. */
export const practiseAgain = (token: string) =>
  ask<Again>("POST", "/api/again", token, { device: deviceSecret(token) });
export const forgetLearnt = (token: string) =>
  ask<{ learnt: boolean }>("POST", "/api/forget", token, { device: deviceSecret(token) });

/** A calendar file that reminds of the card at `date` (2026-11-25) and `time` (19:30), in local time. */
export async function readReminder(token: string, date: string, time: string): Promise<Blob> {
  const query = new URLSearchParams({ date, time });
  return (await fetched("GET", `/api/reminder?${query.toString()}`, token)).blob();
}

export const answerReaching = (token: string, words: string, yes: boolean) =>
  ask<{ yes: boolean }>("POST", "/api/reaching", token, { words, yes });

/** Exactly what would be sent to the practice's own language model, and the name of exactly that. */
export const shownSummary = (token: string) => ask<{ to: string; text: string; digest: string }>("GET", "/api/summary", token);
export const askSummary = (token: string, digest: string) => ask<{ summary: string }>("POST", "/api/summary", token, { digest });

export const startDemo = () => ask<{ token: string; report: string }>("POST", "/api/demo");
export const readReport = (token: string) => ask<Report>("GET", "/api/report", token);

export const refusalOf = (error: unknown): Refusal => (error instanceof RefusedError ? error.refusal : UNREACHABLE);
