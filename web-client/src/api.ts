// The gateway's HTTP side. What it refuses is thrown as a RefusedError, with its way out.
import type { Invitation, Refusal } from "./protocol";
import type { Report } from "./report/types";
import { trouble } from "./words";

class RefusedError extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.message);
  }
}

const UNREACHABLE: Refusal = { code: "unreachable", message: trouble.unreachable, way_out: trouble.waitAndReload };

async function ask<T>(method: "GET" | "POST", path: string, token?: string): Promise<T> {
  const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch(path, { method, headers }).catch(() => {
    throw new RefusedError(UNREACHABLE);
  });
  const body: unknown = await answer.json().catch(() => null);
  if (answer.ok && body) return body as T;
  throw new RefusedError({ ...UNREACHABLE, ...(body as Partial<Refusal> | null) });
}

export const startPractice = () => ask<Invitation>("POST", "/api/sessions");
export const startDemo = () => ask<{ token: string; report: string }>("POST", "/api/demo");
export const readReport = (token: string) => ask<Report>("GET", "/api/report", token);

export const refusalOf = (error: unknown): Refusal => (error instanceof RefusedError ? error.refusal : UNREACHABLE);
