// Messages that the server has not confirmed. Each is kept under its own key until it is, so that a reload, a crash or a
// cut line loses none, and two pages of the same person do not overwrite each other's.

import type { MailInput } from "./protocol.ts";
import type { Store } from "./storage.ts";

/** How far an unconfirmed message got: waiting for the line, under way, accepted but not yet seen in the stream, refused. */
export type Unconfirmed = "queued" | "sending" | "accepted" | "failed";

export interface Outgoing {
  /** The client's id of the request: the same on every try, so that the server takes it once. */
  id: string;
  conversation: string | null;
  text: string;
  /** What a mail has beside its text, where it goes by email. */
  mail?: MailInput | undefined;
  /** To which contact point, where that was chosen. */
  contact_point?: string | undefined;
  at_ms: number;
  state: Unconfirmed;
  /** Why it was refused. */
  detail?: string | undefined;
  /** The number it got, once accepted. */
  seq?: number | undefined;
}

const KEPT_MS = 24 * 3_600_000;
/** More than this is not kept; the oldest refused ones go first. */
const MOST = 200;

export class Outbox {
  readonly #prefix: string;
  readonly #store: Store;
  readonly #changed: (items: Outgoing[]) => void;
  #items: Outgoing[] = [];

  constructor(scope: string, store: Store, now: number, changed: (items: Outgoing[]) => void) {
    this.#prefix = `switchboard.out.${scope}.`;
    this.#store = store;
    this.#changed = changed;
    for (const key of store.keys(this.#prefix)) {
      const item = read(store.get(key));
      // After 24 hours the server no longer knows the id, and a repeat would be a second message.
      if (item && now - item.at_ms < KEPT_MS) {
        this.#items.push({ ...item, state: item.state === "failed" ? "failed" : "queued" });
      } else {
        store.remove(key);
      }
    }
    this.#items.sort((a, b) => a.at_ms - b.at_ms || (a.id < b.id ? -1 : 1));
    if (this.#items.length > 0) changed(this.items());
  }

  items(): Outgoing[] {
    return [...this.#items];
  }

  /** Adds a message; `false` when too many are waiting already. */
  add(item: Outgoing): boolean {
    if (this.#items.length >= MOST) {
      const refused = this.#items.find((it) => it.state === "failed");
      if (!refused) return false;
      this.remove(refused.id);
    }
    const last = this.#items.at(-1)?.at_ms ?? 0;
    const kept = { ...item, at_ms: Math.max(item.at_ms, last + 1) };
    this.#items.push(kept);
    this.#write(kept);
    this.#changed(this.items());
    return true;
  }

  change(id: string, change: Partial<Outgoing>): void {
    const at = this.#items.findIndex((item) => item.id === id);
    const found = this.#items[at];
    if (!found) return;
    // A new object: a page draws what it was handed again only where that is another one.
    const changed = { ...found, ...change };
    this.#items[at] = changed;
    this.#write(changed);
    this.#changed(this.items());
  }

  remove(id: string): void {
    const before = this.#items.length;
    this.#items = this.#items.filter((item) => item.id !== id);
    if (this.#items.length === before) return;
    this.#store.remove(this.#prefix + id);
    this.#changed(this.items());
  }

  /** The next message to send: one at a time, so that they arrive in the order they were written. */
  next(): Outgoing | null {
    return this.#items.find((item) => item.state === "queued" || item.state === "sending") ?? null;
  }

  #write(item: Outgoing): void {
    this.#store.set(this.#prefix + item.id, JSON.stringify(item));
  }
}

function read(text: string | null): Outgoing | null {
  try {
    const item = JSON.parse(text ?? "null") as Outgoing | null;
    return item && typeof item.id === "string" && typeof item.text === "string" && Number.isFinite(item.at_ms)
      ? item
      : null;
  } catch {
    return null;
  }
}
