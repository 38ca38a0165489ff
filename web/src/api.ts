// Requests to the HTTP API. An error is what the server says in words.
import type { Problem } from "./protocol.ts";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

export async function call<T>(method: string, path: string, body?: unknown, authorization?: string): Promise<T> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["content-type"] = "application/json";
  if (authorization) headers["authorization"] = authorization;
  const answer = await fetch(`/api/v1${path}`, {
    method,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
    credentials: "same-origin",
  });
  const text = await answer.text();
  const parsed: unknown = text ? JSON.parse(text) : undefined;
  if (!answer.ok) throw new ApiError(answer.status, (parsed as Problem | undefined)?.detail ?? answer.statusText);
  return parsed as T;
}
