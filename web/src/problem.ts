// Calls to the HTTP API. What goes wrong is a `Refused` with the server's own words, or a `Refused` of status 0 where
// there was no answer.

import type { Problem } from "./protocol.ts";

export class Refused extends Error {
  readonly status: number;
  /** The kind of problem, such as `held-back`; empty where there was no answer that names one. */
  readonly kind: string;
  /** Each thing that is wrong, where the answer names them. */
  readonly faults: string[];
  constructor(status: number, detail: string, kind = "", faults: string[] = []) {
    super(detail);
    this.status = status;
    this.kind = kind;
    this.faults = faults;
  }
}

/** GET, or POST with a JSON body. */
export async function call<T>(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const response = await ask(path, {
    method: body === undefined ? "GET" : "POST",
    headers: body === undefined ? headers : { "Content-Type": "application/json", ...headers },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return (await response.json()) as T;
}

/** A request as it stands, answered as it comes. */
export async function ask(path: string, request: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, request);
  } catch {
    throw new Refused(0, "There was no answer. Nothing was changed: check the connection and try again.");
  }
  if (response.ok) return response;
  let detail = `The server answered ${response.status}. Nothing was changed: try again in a moment.`;
  let kind = "";
  let faults: string[] = [];
  try {
    const problem = (await response.json()) as Partial<Problem>;
    if (problem.detail) detail = problem.detail.charAt(0).toUpperCase() + problem.detail.slice(1);
    kind = problem.type?.replace("/problems/", "") ?? "";
    faults = problem.errors?.map((fault) => fault.detail) ?? [];
    const places = problem.errors?.map((fault) => `${fault.pointer.slice(1)}: ${fault.detail}`) ?? [];
    if (places.length > 0) detail = `${detail}\n${places.join("\n")}`;
  } catch {
    // An answer without a problem body: the sentence above has to do.
  }
  throw new Refused(response.status, detail, kind, faults);
}
