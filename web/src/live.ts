// A session in the browser: the real socket, the real storage, and the signals that the views read.

import { batch, type Signal, signal } from "@preact/signals";
import { apply, type Known, NOTHING, placed, seen } from "./conversations.ts";
import type { Outgoing } from "./outbox.ts";
import type { AuthorKind, BoardView, ClientFrame, SessionEvent } from "./protocol.ts";
import { type Line, Session, type Socket, type Told } from "./session.ts";
import { browserStore } from "./storage.ts";

const TYPING_SHOWN_MS = 6_000;
const TYPING_EVERY_MS = 3_000;

export const kept = browserStore("localStorage");
const tab = browserStore("sessionStorage");

/** The time, a tick a second, by the server's clock. */
export const now = signal(Date.now());

export interface Live {
  session: Session;
  known: Signal<Known>;
  line: Signal<Line>;
  /** When something was last heard while the line was good. */
  heard: Signal<number>;
  outbox: Signal<Outgoing[]>;
  typing: Signal<ReadonlyMap<string, AuthorKind>>;
  board: Signal<BoardView | null>;
  /** Whether the server takes nothing just now. */
  paused: Signal<boolean>;
  /** Tells the other side that this one types, seldom enough. */
  types(conversation: string): void;
  /** Tells that everything up to a number was seen, once. */
  saw(conversation: string, upto: number): void;
  stop(): void;
}

export interface Wishes {
  scope: string;
  ticket(): Promise<string>;
  event?(event: SessionEvent): void;
  confirms?: boolean;
  greeting?: ClientFrame[];
}

export function live(wishes: Wishes): Live {
  const known = signal<Known>(NOTHING);
  const line = signal<Line>({ state: "connecting" });
  const heard = signal(Date.now());
  const outbox = signal<Outgoing[]>([]);
  const typing = signal<ReadonlyMap<string, AuthorKind>>(new Map());
  const board = signal<BoardView | null>(null);
  const paused = signal(false);
  const typed = new Map<string, number>();
  const sawUpto = new Map<string, number>();
  const ends = new Map<string, ReturnType<typeof setTimeout>>();

  const stopsTyping = (conversation: string) => {
    clearTimeout(ends.get(conversation));
    ends.delete(conversation);
    if (!typing.value.has(conversation)) return;
    const rest = new Map(typing.value);
    rest.delete(conversation);
    typing.value = rest;
  };

  const told = (frame: Told) => {
    heard.value = Date.now();
    if (frame.type === "place") known.value = placed(known.value, frame.conversation, frame.place);
    else if (frame.type === "board") board.value = frame.board;
    else if (frame.type === "paused") paused.value = frame.paused;
    else if (frame.type === "typing") {
      stopsTyping(frame.conversation);
      typing.value = new Map(typing.value).set(frame.conversation, frame.by);
      ends.set(
        frame.conversation,
        setTimeout(() => stopsTyping(frame.conversation), TYPING_SHOWN_MS),
      );
    } else if (frame.type === "accepted" && frame.seq && frame.conversation) {
      // Its event came before the answer, or is older than what this page shows: nothing more will come.
      const found = known.value.threads.get(frame.conversation);
      if (found && frame.seq <= found.last) session.drop(frame.id);
    }
  };

  const session = new Session({
    scope: wishes.scope,
    ticket: wishes.ticket,
    connect(protocols) {
      const url = new URL("/api/v1/socket", location.href);
      url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
      return new WebSocket(url, protocols) as unknown as Socket;
    },
    tab,
    kept,
    confirms: wishes.confirms ?? true,
    greeting: wishes.greeting ?? [],
    line: (next) => {
      line.value = next;
      if (next.state !== "live") return;
      heard.value = Date.now();
      // It is said anew where it is still so.
      paused.value = false;
    },
    outbox: (items) => {
      outbox.value = items;
    },
    told,
    event(event) {
      batch(() => {
        heard.value = Date.now();
        known.value = apply(known.value, event);
        if (event.kind === "snapshot") sawUpto.clear();
        if (event.kind === "message" && event.message.from.kind === typing.value.get(event.conversation)) {
          stopsTyping(event.conversation);
        }
        wishes.event?.(event);
      });
    },
  });

  const tick = setInterval(() => {
    now.value = Date.now() + session.skew_ms;
  }, 1_000);
  const wake = () => session.wake();
  const shown = () => {
    if (!document.hidden) session.wake();
  };
  const offline = () => {
    if (!session.live) line.value = { state: "offline" };
  };
  addEventListener("online", wake);
  addEventListener("offline", offline);
  document.addEventListener("visibilitychange", shown);
  void session.start();

  return {
    session,
    known,
    line,
    heard,
    outbox,
    typing,
    board,
    paused,
    types(conversation) {
      const last = typed.get(conversation) ?? 0;
      if (Date.now() - last < TYPING_EVERY_MS) return;
      typed.set(conversation, Date.now());
      session.hint({ type: "typing", conversation });
    },
    saw(conversation, upto) {
      if (!session.live || (sawUpto.get(conversation) ?? 0) >= upto) return;
      sawUpto.set(conversation, upto);
      session.hint({ type: "seen", conversation, upto });
      // Nobody tells the reader what the reader has seen.
      const by = known.value.me?.role === "customer" ? "customer" : "person";
      known.value = seen(known.value, conversation, by, upto);
    },
    stop() {
      clearInterval(tick);
      removeEventListener("online", wake);
      removeEventListener("offline", offline);
      document.removeEventListener("visibilitychange", shown);
      session.stop();
    },
  };
}
