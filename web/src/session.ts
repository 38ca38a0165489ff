// One session with the server: connect by ticket, resume after a cut, number what comes, keep what goes until it is
// accepted. Pages see one state and a list of events; they never see the socket.
import { signal } from "@preact/signals";
import type { ClientFrame, ServerFrame, SessionEvent } from "./protocol.ts";

export type Line = "connecting" | "live" | "waiting" | "ended";

/** A request that has not been answered. */
export interface Pending {
  frame: ClientFrame & { id: string };
  state: "queued" | "sent" | "failed";
  detail?: string;
  at: number;
}

export interface Handlers {
  /** Gets a ticket; throws when the sign-in has ended. */
  ticket(): Promise<string>;
  event(event: SessionEvent): void;
  notice?(frame: ServerFrame): void;
  /** A request was refused for good. */
  refused?(pending: Pending, detail: string): void;
}

const ACK_EVERY = 64;

export class Session {
  readonly line = signal<Line>("connecting");
  /** When something last came from the server. */
  readonly heard = signal(Date.now());
  readonly outbox = signal<Pending[]>([]);
  private socket: WebSocket | undefined;
  private id: string | undefined;
  private seq = 0;
  private acked = 0;
  private attempts = 0;
  private timer: number | undefined;
  private stable: number | undefined;
  private stopped = false;

  constructor(
    private readonly handlers: Handlers,
    /** Where unanswered sends are kept across a reload. */
    private readonly store?: string,
  ) {
    this.outbox.value = this.restore();
    addEventListener("online", () => this.line.value === "waiting" && this.connect());
    setInterval(() => this.ack(), 1_000);
    setInterval(() => this.line.value === "live" && this.write({ type: "ping" }), 20_000);
    void this.connect();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.socket?.close(1000);
    this.line.value = "ended";
  }

  /** Sends a request; it is repeated with the same id until the server answers. */
  request(frame: Omit<ClientFrame & { id: string }, "id">): string {
    const id = crypto.randomUUID();
    const whole = { ...frame, id } as ClientFrame & { id: string };
    this.keep([...this.outbox.value, { frame: whole, state: "queued", at: Date.now() }]);
    this.flush();
    return id;
  }

  /** Sends what needs no answer, if there is a line. */
  tell(frame: ClientFrame) {
    if (this.line.value === "live") this.write(frame);
  }

  retry(id: string) {
    this.keep(this.outbox.value.map((it) => (it.frame.id === id ? { ...it, state: "queued", at: Date.now() } : it)));
    this.flush();
  }

  private async connect() {
    clearTimeout(this.timer);
    if (this.stopped || (this.socket && this.socket.readyState <= WebSocket.OPEN)) return;
    if (this.line.value !== "live") this.line.value = "connecting";
    try {
      const ticket = await this.handlers.ticket();
      const scheme = location.protocol === "https:" ? "wss" : "ws";
      const socket = new WebSocket(`${scheme}://${location.host}/api/v1/socket`, ["switchboard.v1", `ticket.${ticket}`]);
      this.socket = socket;
      socket.onopen = () =>
        this.write({ type: "hello", protocol: 1, ...(this.id ? { session: this.id, seq: this.seq } : {}) });
      socket.onmessage = (message) => this.receive(JSON.parse(String(message.data)) as ServerFrame);
      socket.onclose = (event) => this.closed(event.code, event.reason);
    } catch (error) {
      if (error instanceof Error && "status" in error && error.status === 401) this.stop();
      else this.again(undefined);
    }
  }

  private receive(frame: ServerFrame) {
    this.heard.value = Date.now();
    switch (frame.type) {
      case "welcome":
        this.id = frame.session;
        if (frame.mode !== "resume") this.seq = this.acked = frame.seq;
        this.line.value = "live";
        this.stable = window.setTimeout(() => (this.attempts = 0), 30_000);
        this.keep(this.outbox.value.map((it) => (it.state === "sent" ? { ...it, state: "queued" } : it)));
        this.flush();
        return;
      case "event":
        if (frame.seq !== this.seq + 1) {
          // A gap means that something was lost on the way: take the stream up again from what is here.
          if (frame.seq > this.seq) this.socket?.close(4000);
          return;
        }
        this.seq = frame.seq;
        if (this.seq - this.acked >= ACK_EVERY) this.ack();
        this.handlers.event(frame.event);
        return;
      case "accepted":
        this.keep(this.outbox.value.filter((it) => it.frame.id !== frame.id));
        this.handlers.notice?.(frame);
        return;
      case "rejected":
        this.rejected(frame);
        return;
      default:
        this.handlers.notice?.(frame);
    }
  }

  private rejected(frame: ServerFrame & { type: "rejected" }) {
    const pending = this.outbox.value.find((it) => it.frame.id === frame.id);
    if (!pending) return;
    if (frame.retry_ms && frame.code !== "invalid") {
      setTimeout(() => this.retry(frame.id), frame.retry_ms);
      return;
    }
    const failed: Pending = { ...pending, state: "failed", detail: frame.detail };
    const keep = pending.frame.type === "send" && frame.code !== "conflict";
    this.keep(this.outbox.value.flatMap((it) => (it.frame.id !== frame.id ? [it] : keep ? [failed] : [])));
    this.handlers.refused?.(pending, frame.detail);
  }

  private closed(code: number, reason: string) {
    clearTimeout(this.stable);
    this.socket = undefined;
    if (this.stopped) return;
    if (code === 4009) return this.stop();
    const retry = /retry_ms=(\d+)/.exec(reason)?.[1];
    this.again(retry ? Number(retry) : code === 4000 ? 0 : undefined);
  }

  private again(after: number | undefined) {
    this.line.value = "waiting";
    this.attempts += 1;
    // Full jitter: all clients of a restarted server must not come at once.
    const wait = after ?? Math.random() * Math.min(30_000, 1_000 * 2 ** Math.min(this.attempts, 5));
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.connect(), wait);
  }

  private ack() {
    if (this.line.value === "live" && this.seq > this.acked) {
      this.acked = this.seq;
      this.write({ type: "ack", seq: this.seq });
    }
  }

  private flush() {
    if (this.line.value !== "live") return;
    const queued = this.outbox.value.filter((it) => it.state === "queued");
    if (!queued.length) return;
    this.keep(this.outbox.value.map((it) => (it.state === "queued" ? { ...it, state: "sent" } : it)));
    queued.forEach((it) => this.write(it.frame));
  }

  private write(frame: ClientFrame) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  private keep(outbox: Pending[]) {
    this.outbox.value = outbox;
    if (!this.store) return;
    try {
      localStorage.setItem(this.store, JSON.stringify(outbox.filter((it) => it.frame.type === "send").slice(-50)));
    } catch {
      // Private mode: what is unsent lives as long as the page.
    }
  }

  private restore(): Pending[] {
    try {
      const kept = JSON.parse((this.store && localStorage.getItem(this.store)) || "[]") as Pending[];
      return kept.map((it) => (it.state === "failed" ? it : { ...it, state: "queued" }));
    } catch {
      return [];
    }
  }
}
