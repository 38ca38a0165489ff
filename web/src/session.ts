// One session with the server over WebSocket: it connects, resumes after a cut, counts events without gaps, confirms what
// arrived, and sends requests again under the same id until they are answered.

import { askedFor, backoff, STABLE_MS } from "./backoff.ts";
import { Outbox, type Outgoing } from "./outbox.ts";
import { Refused } from "./problem.ts";
import { type ClientFrame, type MailInput, type ServerFrame, type SessionEvent, SUBPROTOCOL, VERSION } from "./protocol.ts";
import type { Store } from "./storage.ts";

/** How the line stands. */
export type Line =
  | { state: "connecting" }
  | { state: "live" }
  | { state: "cut"; retry_at: number }
  | { state: "offline" }
  /** It will not come back by itself: the sign-in has ended, or this page may not connect. */
  | { state: "refused"; status: number; detail: string };

export type Answer = Extract<ServerFrame, { type: "accepted" } | { type: "rejected" }>;
type Request = Extract<ClientFrame, { id: string }>;
export type Told = Exclude<ServerFrame, { type: "event" } | { type: "welcome" } | { type: "pong" }>;

/** The part of a WebSocket that is used here. */
export interface Socket {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((close: { code: number; reason: string }) => void) | null;
}

export interface Parts {
  /** Whose session: part of the names under which things are kept. */
  scope: string;
  /** Gets a one-time ticket. A `Refused` of 401, 403 or 404 ends the session, anything else is tried again. */
  ticket(): Promise<string>;
  connect(protocols: string[]): Socket;
  /** For the session's id: lasts as long as the tab. */
  tab: Store;
  /** For unconfirmed messages: outlasts the tab. */
  kept: Store;
  /** An event, exactly once and in order. `fresh` snapshots replace everything. */
  event(event: SessionEvent): void;
  /** Everything that is not numbered. */
  told(frame: Told): void;
  line(line: Line): void;
  outbox(items: Outgoing[]): void;
  /** Whether arrival is confirmed: a page that nobody answers from does not. */
  confirms: boolean;
  /** Said anew after each connect. */
  greeting?: ClientFrame[];
}

const ACK_EVERY_MS = 1_000;
const ACK_EVERY_EVENTS = 64;
const PONG_WITHIN_MS = 10_000;
const GAP = 4_000;

export class Session {
  readonly #parts: Parts;
  readonly #outbox: Outbox;
  readonly #pending = new Map<string, { frame: Request; answer: (answer: Answer) => void }>();
  #socket: Socket | null = null;
  #live = false;
  #session: string | null;
  /** The last event that this page has; null after a reload, when a snapshot must come first. */
  #seq: number | null = null;
  #acked = 0;
  #tries = 0;
  #held = false;
  #ended = false;
  #attempt = 0;
  #timers: Record<string, ReturnType<typeof setTimeout>> = {};
  /** Server time minus this clock. */
  skew_ms = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#session = parts.tab.get(this.#key());
    this.#outbox = new Outbox(parts.scope, parts.kept, Date.now(), parts.outbox);
  }

  #key(): string {
    return `switchboard.session.${this.#parts.scope}`;
  }

  /** Connects; call again at any time to try at once. */
  async start(): Promise<void> {
    if (this.#ended || this.#socket || this.#live) return;
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#clear("retry");
    this.#parts.line({ state: "connecting" });
    let ticket: string;
    try {
      ticket = await this.#parts.ticket();
    } catch (error) {
      if (attempt !== this.#attempt || this.#ended) return;
      if (error instanceof Refused && [401, 403, 404].includes(error.status)) {
        this.#ended = true;
        this.#parts.line({ state: "refused", status: error.status, detail: error.message });
      } else {
        this.#again(null);
      }
      return;
    }
    if (attempt !== this.#attempt || this.#ended) return;
    const socket = this.#parts.connect([SUBPROTOCOL, `ticket.${ticket}`]);
    this.#socket = socket;
    socket.onopen = () =>
      this.#say({
        type: "hello",
        protocol: VERSION,
        ...(this.#session ? { session: this.#session } : {}),
        ...(this.#session && this.#seq !== null ? { seq: this.#seq } : {}),
      });
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#heard(String(data));
    };
    socket.onclose = ({ code, reason }) => {
      if (socket === this.#socket) this.#closed(code, reason);
    };
  }

  /** Ends it for good. */
  stop(): void {
    this.#ended = true;
    this.#attempt += 1;
    for (const name of Object.keys(this.#timers)) this.#clear(name);
    const socket = this.#socket;
    this.#socket = null;
    this.#live = false;
    socket?.close(1000);
  }

  /** Forgets the session of this tab, for a sign-out. */
  forget(): void {
    this.#session = null;
    this.#seq = null;
    this.#parts.tab.remove(this.#key());
  }

  /** The browser says that the network is back, or the page is looked at again: try at once. */
  wake(): void {
    this.#tries = 0;
    if (this.#live) this.#ping();
    else void this.start();
  }

  /** Writes a message: kept until the server has it. `false` when too many wait already. */
  write(conversation: string | null, text: string, mail?: MailInput, contact_point?: string): boolean {
    const item: Outgoing = { id: crypto.randomUUID(), conversation, text, mail, contact_point, at_ms: Date.now(), state: "queued" };
    const added = this.#outbox.add(item);
    this.#pump();
    return added;
  }

  /** Tries a refused message again. The old id was answered, so it gets a new one. */
  retry(id: string): void {
    const found = this.#outbox.items().find((item) => item.id === id);
    if (!found) return;
    this.#outbox.remove(id);
    this.write(found.conversation, found.text, found.mail, found.contact_point);
  }

  /** Takes a message out of the box: it arrived in the stream, or its writer gave it up. */
  drop(id: string): void {
    this.#outbox.remove(id);
    this.#pump();
  }

  unconfirmed(): Outgoing[] {
    return this.#outbox.items();
  }

  /** Asks for something; the answer comes even if the line is cut in between. */
  request(frame: Request): Promise<Answer> {
    return new Promise((resolve) => {
      this.#pending.set(frame.id, { frame, answer: resolve });
      if (this.#live) this.#say(frame);
    });
  }

  /** Says something that is not answered and not repeated. */
  hint(frame: ClientFrame): void {
    if (this.#live) this.#say(frame);
  }

  get live(): boolean {
    return this.#live;
  }

  #heard(text: string): void {
    let frame: ServerFrame;
    try {
      frame = JSON.parse(text) as ServerFrame;
    } catch {
      return;
    }
    this.#clear("pong");
    switch (frame.type) {
      case "welcome":
        this.#welcomed(frame);
        return;
      case "event":
        if (frame.seq !== (this.#seq ?? 0) + 1) {
          this.#gap();
          return;
        }
        this.#seq = frame.seq;
        this.#parts.event(frame.event);
        this.#settle(frame.event);
        this.#confirm();
        return;
      case "accepted":
      case "rejected":
        this.#answered(frame);
        this.#parts.told(frame);
        return;
      case "pong":
        return;
      default:
        this.#parts.told(frame);
    }
  }

  #welcomed(frame: Extract<ServerFrame, { type: "welcome" }>): void {
    this.skew_ms = frame.now_ms - Date.now();
    this.#session = frame.session;
    this.#parts.tab.set(this.#key(), frame.session);
    if (frame.mode === "resume" && frame.seq !== this.#seq) {
      this.#gap();
      return;
    }
    this.#seq = frame.seq;
    this.#acked = frame.seq;
    this.#live = true;
    this.#held = false;
    this.#after("stable", STABLE_MS, () => {
      this.#tries = 0;
    });
    this.#beat(Math.max(5_000, frame.heartbeat_ms));
    this.#parts.line({ state: "live" });
    for (const greeting of this.#parts.greeting ?? []) this.#say(greeting);
    for (const { frame: request } of this.#pending.values()) this.#say(request);
    this.#pump();
  }

  /** A number is missing: begin again with a snapshot, at once the first time. */
  #gap(): void {
    this.#seq = null;
    const socket = this.#socket;
    this.#lost();
    socket?.close(GAP, "gap");
    this.#again(this.#tries === 0 ? 0 : null);
  }

  #lost(): void {
    this.#socket = null;
    this.#live = false;
    for (const name of ["ack", "stable", "beat", "pong", "pump"]) this.#clear(name);
    for (const item of this.#outbox.items()) {
      if (item.state === "sending") this.#outbox.change(item.id, { state: "queued" });
    }
  }

  #closed(code: number, reason: string): void {
    this.#lost();
    if (this.#ended) return;
    if (code === 4003) {
      this.#ended = true;
      this.#parts.line({ state: "refused", status: 403, detail: "This page's address may not connect here." });
      return;
    }
    // Another page took this session over (a duplicated tab): this one begins its own.
    if (code === 4009) this.forget();
    if (code === 4009 || code === 4001) {
      this.#again(this.#tries === 0 ? 0 : null);
      return;
    }
    this.#again(code === 1012 ? askedFor(reason) : null);
  }

  #again(wait: number | null): void {
    const delay = wait ?? backoff(this.#tries, Math.random());
    this.#tries += 1;
    const offline = typeof navigator !== "undefined" && navigator.onLine === false;
    this.#parts.line(offline ? { state: "offline" } : { state: "cut", retry_at: Date.now() + delay });
    this.#after("retry", delay, () => void this.start());
  }

  #beat(every: number): void {
    this.#after("beat", every, () => {
      this.#ping();
      this.#beat(every);
    });
  }

  #ping(): void {
    this.#say({ type: "ping" });
    this.#after("pong", PONG_WITHIN_MS, () => {
      const socket = this.#socket;
      this.#lost();
      socket?.close(GAP, "silent");
      this.#again(null);
    });
  }

  #confirm(): void {
    if (!this.#parts.confirms || this.#seq === null) return;
    if (this.#seq - this.#acked >= ACK_EVERY_EVENTS) this.#ack();
    else if (!this.#timers.ack) this.#after("ack", this.#seq === this.#acked + 1 ? 20 : ACK_EVERY_MS, () => this.#ack());
  }

  #ack(): void {
    this.#clear("ack");
    if (!this.#live || this.#seq === null || this.#held) return;
    this.#acked = this.#seq;
    this.#say({ type: "ack", seq: this.#seq });
    // No more than one a second: what comes in between is confirmed by the next.
    this.#held = true;
    this.#after("held", ACK_EVERY_MS, () => {
      this.#held = false;
      if (this.#seq !== null && this.#seq > this.#acked) this.#ack();
    });
  }

  #pump(): void {
    const item = this.#outbox.next();
    if (!item || !this.#live || item.state === "sending") return;
    this.#outbox.change(item.id, { state: "sending" });
    const { id, conversation, text, mail, contact_point } = item;
    const to = contact_point ? { contact_point } : {};
    if (mail && conversation) this.#say({ type: "mail", id, conversation, text, mail, ...to });
    else this.#say({ type: "send", id, text, ...(conversation ? { conversation } : {}), ...to });
  }

  #answered(frame: Answer): void {
    const pending = this.#pending.get(frame.id);
    if (pending) {
      this.#pending.delete(frame.id);
      pending.answer(frame);
      return;
    }
    if (!this.#outbox.items().some((item) => item.id === frame.id)) return;
    if (frame.type === "accepted") {
      this.#outbox.change(frame.id, {
        state: "accepted",
        conversation: frame.conversation ?? null,
        seq: frame.seq ?? undefined,
      });
    } else if (frame.retry_ms) {
      // It holds its place at the head, so that the order stays.
      this.#after("pump", frame.retry_ms, () => {
        this.#outbox.change(frame.id, { state: "queued" });
        this.#pump();
      });
      return;
    } else {
      this.#outbox.change(frame.id, { state: "failed", detail: frame.detail });
    }
    this.#pump();
  }

  /** What came back in the stream needs no keeping. */
  #settle(event: SessionEvent): void {
    const messages =
      event.kind === "message"
        ? [event.message]
        : event.kind === "conversation"
          ? (event.conversation.messages ?? [])
          : event.kind === "snapshot"
            ? event.conversations.flatMap((it) => it.messages ?? [])
            : [];
    for (const { client_id } of messages) if (client_id) this.#outbox.remove(client_id);
    if (event.kind === "snapshot") {
      // Accepted before this snapshot was made: it is in there, or older than what a snapshot shows.
      for (const item of this.#outbox.items()) if (item.state === "accepted") this.#outbox.remove(item.id);
    }
    // A message may come back before its answer, which then finds nothing to change: the next one's turn is now.
    this.#pump();
  }

  #say(frame: ClientFrame): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  #after(name: string, wait: number, then: () => void): void {
    this.#clear(name);
    this.#timers[name] = setTimeout(() => {
      delete this.#timers[name];
      then();
    }, wait);
  }

  #clear(name: string): void {
    clearTimeout(this.#timers[name]);
    delete this.#timers[name];
  }
}
