// What the console works on: the session, its conversations, the one that is open, drafts.
import { computed, effect, signal } from "@preact/signals";
import { call } from "../api.ts";
import { Conversations } from "../conversations.ts";
import type { ConversationView, TicketBody } from "../protocol.ts";
import { Session } from "../session.ts";
import { load } from "../sign-in.tsx";

export const state = new Conversations();
export const session = signal<Session | undefined>(undefined);
export const selected = signal("");
export const notice = signal("");

export const current = computed(() => state.all.value.get(selected.value));

export interface Group {
  name: string;
  rows: ConversationView[];
}

const oldest = (a: ConversationView, b: ConversationView) => (a.waiting_since_ms ?? 0) - (b.waiting_since_ms ?? 0);

export const groups = computed<Group[]>(() => {
  const all = [...state.all.value.values()];
  const held = all.filter((it) => it.state === "assigned");
  return [
    { name: "Mine, my turn", rows: held.filter((it) => it.waiting_since_ms).sort(oldest) },
    { name: "Mine, their turn", rows: held.filter((it) => !it.waiting_since_ms) },
    { name: "Parked", rows: all.filter((it) => it.state === "parked") },
    { name: "Closed just now", rows: all.filter((it) => it.state === "closed") },
  ];
});

export function start() {
  if (session.value) return;
  session.value = new Session(
    {
      ticket: async () => (await call<TicketBody>("POST", "/tickets", {})).ticket,
      event(event) {
        state.apply(event);
        if (event.kind === "conversation" && event.conversation.state === "assigned" && !selected.value) open(event.conversation.id);
        if (["message", "conversation", "snapshot"].includes(event.kind)) seen();
      },
      notice: (frame) => state.notice(frame),
      refused: (_, detail) => (notice.value = detail),
    },
    "switchboard.console.outbox",
  );
  effect(() => {
    if (session.value?.line.value === "ended") void load();
  });
  document.addEventListener("visibilitychange", seen);
}

export function open(id: string) {
  selected.value = id;
  seen();
}

export function seen() {
  const conversation = current.value;
  if (conversation && !document.hidden && conversation.state === "assigned")
    session.value?.tell({ type: "seen", conversation: conversation.id, upto: conversation.last });
}

/** One request about a conversation. */
export function ask(type: "park" | "unpark" | "close" | "reopen", conversation: string) {
  session.value?.request({ type, conversation } as never);
}

export function answerOffer(type: "accept" | "decline", offer: string) {
  session.value?.request({ type, offer } as never);
}

export function handOver(conversation: string, queue: string) {
  session.value?.request({ type: "transfer", conversation, to: { queue } } as never);
}

const DRAFTS = "switchboard.console.drafts";
const kept = (): Record<string, string> => {
  try {
    return JSON.parse(localStorage.getItem(DRAFTS) ?? "{}") as Record<string, string>;
  } catch {
    return {};
  }
};
export const drafts = signal(kept());

export function draft(conversation: string, text: string) {
  const rest = { ...drafts.value, [conversation]: text };
  if (!text) delete rest[conversation];
  drafts.value = rest;
  try {
    localStorage.setItem(DRAFTS, JSON.stringify(rest));
  } catch {
    // Private mode: drafts live as long as the page.
  }
}
