// When to try again after a cut line: full jitter between 1 and 30 seconds, so that many clients do not return at once.

export const LEAST_MS = 1_000;
export const MOST_MS = 30_000;
/** A line that held so long was a good one: the next cut starts from the shortest wait again. */
export const STABLE_MS = 30_000;

/** The wait before try number `tries` (0 is the first). */
export function backoff(tries: number, random: number): number {
  const cap = Math.min(MOST_MS, LEAST_MS * 2 ** Math.min(tries, 10));
  return Math.round(Math.max(LEAST_MS, cap * random));
}

/** The wait that a restarting server asks for in its close reason, such as `retry_ms=1500`. */
export function askedFor(reason: string): number | null {
  const found = /retry_ms=(\d{1,7})/.exec(reason);
  return found ? Math.min(MOST_MS, Number(found[1])) : null;
}
