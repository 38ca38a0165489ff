// What the console knows and does: the session, the selection, the drafts, and every action that a button or a key takes.

import { computed, effect, signal } from "@preact/signals";
import type { Thread } from "../conversations.ts";
import { clock, languageName, span, words } from "../format.ts";
import { kept, type Live, live } from "../live.ts";
import { call } from "../problem.ts";
import type {
  AgentBody,
  ConversationView,
  DecisionView,
  ConversationBody,
  OfferView,
  PresenceWish,
  Reason,
  TicketBody,
  TransferTarget,
} from "../protocol.ts";
import { who } from "../sign-in.tsx";

export const line = signal<Live | null>(null);
/** The conversation that is open, by id: one in hand, or one that is offered. */
export const selected = signal<string | null>(null);
const wide = matchMedia("(min-width: 1100px)");
/** Whether the context column shows; it folds away, and lies over the thread on a small screen. */
export const context = signal(wide.matches);
export const visible = signal(!document.hidden);
/** Why conversations went where they went, by conversation. */
export const decisions = signal<ReadonlyMap<string, DecisionView[]>>(new Map());
export const colleagues = signal<AgentBody[]>([]);
/** A line that goes by itself, with one thing to do about it. */
export const note = signal<{ text: string; wrong?: boolean; undo?: { name: string; run(): void } } | null>(null);
/** Grows to ask the composer for the focus. */
export const focusComposer = signal(0);

/** Where the next answer of a conversation goes, where somebody chose; counted, since one may choose the same again. */
export const towards = signal<ReadonlyMap<string, { point: string; times: number }>>(new Map());

/** What a piece of the list holds. */
export interface Group {
  name: string;
  threads: Thread[];
}

const known = computed(() => line.value?.known.value);
export const me = computed(() => known.value?.me ?? who.value ?? null);
export const offers = computed<OfferView[]>(() =>
  [...(known.value?.offers.values() ?? [])].sort((a, b) => a.until_ms - b.until_ms),
);

/** Whether the customer waits for our word. */
export function myTurn(thread: ConversationView): boolean {
  return thread.waiting_since_ms != null;
}

export const groups = computed<Group[]>(() => {
  const all = [...(known.value?.threads.values() ?? [])];
  const oldest = (a: Thread, b: Thread) =>
    (a.waiting_since_ms ?? a.opened_ms) - (b.waiting_since_ms ?? b.opened_ms) || (a.id < b.id ? -1 : 1);
  const newest = (a: Thread, b: Thread) => latest(b) - latest(a);
  const held = all.filter((thread) => thread.state === "assigned");
  return [
    { name: "Mine, my turn", threads: held.filter(myTurn).sort(oldest) },
    { name: "Mine, their turn", threads: held.filter((thread) => !myTurn(thread)).sort(newest) },
    { name: "Parked", threads: all.filter((thread) => thread.state === "parked").sort(newest) },
    { name: "Ended just now", threads: all.filter((thread) => thread.state === "closed").sort(newest) },
  ];
});

/** Conversation ids in the order of the list. */
export const order = computed(() => [
  ...offers.value.map((offer) => offer.conversation.id),
  ...groups.value.flatMap((group) => group.threads.map((thread) => thread.id)),
]);

export const offer = computed(() => offers.value.find((it) => it.conversation.id === selected.value) ?? null);
export const thread = computed<Thread | null>(() => {
  const found = known.value?.threads.get(selected.value ?? "");
  const view = offer.value?.conversation;
  return found ?? (view ? { ...view, messages: view.messages ?? [] } : null);
});

function latest(thread: Thread): number {
  return thread.messages.at(-1)?.at_ms ?? thread.opened_ms;
}

/** What a customer is called here. */
export function nameOf(view: ConversationView): string {
  return view.customer_name || "Visitor";
}

/** Messages that this agent has not seen. */
export function unseen(thread: Thread): number {
  return thread.messages.filter((it) => it.from.kind === "customer" && it.seq > thread.seen_by_agent).length;
}

/** The reason of an offer in a line: "Spanish + refunds, waited 0:42". */
export function whyLine(why: Reason[], waited_ms: number): string {
  const said: Record<string, string> = {
    same_agent: "knows you",
    longest_idle: "you were free longest",
    least_time: "quickest with you",
    priority: "urgent",
    passed_over: "waited past the bound",
    transfer: "handed over",
  };
  const parts = why.map((reason) => {
    if (reason.kind === "language") return languageName(reason.name ?? "");
    if (reason.kind === "skill") return words(reason.name ?? "");
    return said[reason.kind] ?? words(reason.kind);
  });
  return `${parts.join(" + ") || "you were free"}, waited ${clock(waited_ms)}`;
}

/** Connects as who is signed in. */
export function connect(): () => void {
  const agent = who.value?.agent ?? "agent";
  line.value = live({
    scope: agent,
    ticket: async () => (await call<TicketBody>("/tickets", {})).ticket,
  });
  call<AgentBody[]>("/agents").then(
    (list) => {
      colleagues.value = list.filter((it) => it.id !== agent);
    },
    () => undefined,
  );
  // Told once, not again with whatever else changes.
  let told = known.peek()?.lost;
  const ends = [
    effect(() => {
      if (line.value?.line.value.state === "refused") who.value = null;
    }),
    effect(() => {
      const calls = offers.value.length + (groups.value[0]?.threads.length ?? 0);
      document.title = `${calls ? `(${calls}) ` : ""}Console · Switchboard`;
    }),
    effect(() => {
      const open = thread.value;
      if (!open || !visible.value || offer.value || open.state !== "assigned") return;
      const newest = open.messages.findLast((message) => message.from.kind === "customer");
      if (newest && newest.seq > open.seen_by_agent) line.value?.saw(open.id, newest.seq);
    }),
    effect(() => {
      const id = selected.value;
      // Read anew with each change of holder: a new decision may stand behind it.
      const fence = thread.value?.fence;
      if (id && fence !== undefined) void explain(id);
    }),
    effect(() => {
      const lost = known.value?.lost;
      if (!lost || lost === told) return;
      told = lost;
      const name = nameOf(lost.offer.conversation);
      const timeUp = lost.why === "timed_out";
      note.value = { text: timeUp ? `The time was up: ${name} went on to somebody else.` : `${name} is no longer offered to you.` };
    }),
  ];
  const looked = () => {
    visible.value = !document.hidden;
  };
  // A screen that becomes narrow keeps the thread in sight.
  const resized = () => {
    context.value = wide.matches;
  };
  document.addEventListener("visibilitychange", looked);
  wide.addEventListener("change", resized);
  return () => {
    document.removeEventListener("visibilitychange", looked);
    wide.removeEventListener("change", resized);
    for (const end of ends) end();
    line.value?.stop();
    line.value = null;
  };
}

async function explain(id: string): Promise<void> {
  const body = await call<ConversationBody>(`/conversations/${id}`).catch(() => null);
  if (body) decisions.value = new Map(decisions.value).set(id, body.decisions);
}

const fresh = () => crypto.randomUUID();

async function ask(frame: Parameters<Live["session"]["request"]>[0], done?: string, undo?: () => void): Promise<boolean> {
  const answer = await line.value?.session.request(frame);
  if (answer?.type === "rejected") {
    const detail = answer.detail.charAt(0).toUpperCase() + answer.detail.slice(1);
    note.value = { text: `${detail}. Nothing has changed.`, wrong: true };
    return false;
  }
  if (done) note.value = { text: done, ...(undo ? { undo: { name: "Undo", run: undo } } : {}) };
  return answer !== undefined;
}

export async function accept(id: string): Promise<void> {
  const wanted = offers.value.find((it) => it.id === id);
  if (!wanted) return;
  selected.value = wanted.conversation.id;
  if (await ask({ type: "accept", id: fresh(), offer: id })) focusComposer.value += 1;
}

export function decline(id: string): void {
  void ask({ type: "decline", id: fresh(), offer: id }, "Declined: it goes on to somebody else.");
}

export function handOver(conversation: string, to: TransferTarget, name: string): void {
  void ask({ type: "transfer", id: fresh(), conversation, to }, `Handed over to ${name}.`);
}

export function park(conversation: string, until_ms?: number): void {
  const till = until_ms ? ` for ${span(until_ms - Date.now())}` : " until the customer writes";
  void ask(
    { type: "park", id: fresh(), conversation, ...(until_ms ? { until_ms } : {}) },
    `Parked${till}. It comes back to you.`,
    () => unpark(conversation),
  );
}

export function unpark(conversation: string): void {
  void ask({ type: "unpark", id: fresh(), conversation });
}

/** Ends it; whether it was solved teaches the router who is good at what. */
export function close(conversation: string, solved = true): void {
  const said = solved ? "Closed as solved." : "Closed, not solved.";
  void ask({ type: "close", id: fresh(), conversation, solved }, said, () => reopen(conversation));
}

export function reopen(conversation: string): void {
  void ask({ type: "reopen", id: fresh(), conversation }, "Opened again: it comes back as an offer.");
}

export function presence(state: PresenceWish): void {
  void ask({ type: "presence", id: fresh(), state });
}

/** Takes nothing more on this channel, or takes it up again. */
export function pause(channel: string): void {
  const paused = new Set(me.value?.paused ?? []);
  if (!paused.delete(channel)) paused.add(channel);
  void ask({ type: "pause", id: fresh(), channels: [...paused] });
}

/** What is to be kept of closed conversations is written up: their room is free again. */
export function written(): void {
  for (const { conversation } of me.value?.wrapping ?? []) void ask({ type: "wrap_up", id: fresh(), conversation });
}

/** Moves the selection through the list. */
export function move(by: number): void {
  const ids = order.value;
  if (ids.length === 0) return;
  const at = ids.indexOf(selected.value ?? "");
  selected.value = ids[at < 0 ? (by > 0 ? 0 : ids.length - 1) : Math.min(ids.length - 1, Math.max(0, at + by))] ?? null;
}

const draftKey = (id: string) => `switchboard.draft.${who.value?.agent ?? ""}.${id}`;
export const drafts = {
  get: (id: string) => kept.get(draftKey(id)) ?? "",
  set(id: string, text: string) {
    if (text) kept.set(draftKey(id), text);
    else kept.remove(draftKey(id));
  },
};

/** The next answer goes to this contact point; it begins with this text where there is no draft yet. */
export function writeTo(conversation: string, point: string, text = ""): void {
  if (text && !drafts.get(conversation)) drafts.set(conversation, text);
  const times = (towards.value.get(conversation)?.times ?? 0) + 1;
  towards.value = new Map(towards.value).set(conversation, { point, times });
  focusComposer.value += 1;
}

/** It was written: what comes next goes where this went. */
export function wroteTo(conversation: string): void {
  const left = new Map(towards.value);
  if (!left.delete(conversation)) return;
  towards.value = left;
  focusComposer.value += 1;
}
