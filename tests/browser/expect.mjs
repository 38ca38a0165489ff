// Says what was wanted and what was found, and waits for what comes a little later.
import { isDeepStrictEqual } from "node:util";
import { PATIENCE_MS } from "./world.mjs";

export function expect(found, wanted, what) {
  if (!isDeepStrictEqual(found, wanted))
    throw new Error(`${what}: wanted ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}`);
}

export function ensure(holds, what) {
  if (!holds) throw new Error(what);
}

/** Asks again until it holds. */
export async function until(what, holds, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  for (;;) {
    if (await holds()) return;
    if (Date.now() > end) throw new Error(`not within ${patience} ms: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
