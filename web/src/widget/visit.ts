// One visit: who the page says the visitor is, the server's greeting with its texts, and the session.

import { computed, effect, signal } from "@preact/signals";
import type { Thread } from "../conversations.ts";
import { kept, type Live, live } from "../live.ts";
import { call } from "../problem.ts";
import type { WidgetSessionBody, WidgetSessionInput } from "../protocol.ts";

const query = new URLSearchParams(location.search);
/** In the fragment, which no server log sees: what the embedding page told of its visitor. */
const told = new URLSearchParams(location.hash.slice(1));
export const framed = window.parent !== window;
export const accent = told.get("accent");
const widget = query.get("key") ?? "";
/** The language that the visitor is thought to read, until the server says in which one it answers. */
export const language = (told.get("language") || navigator.language).toLowerCase();

export const body = signal<WidgetSessionBody | null>(null);
export const line = signal<Live | null>(null);
/** Whether the chat could not start. */
export const trouble = signal(false);
/** Whether the window is open: a closed one reads nothing. */
export const open = signal(true);
const visible = signal(!document.hidden);
document.addEventListener("visibilitychange", () => {
  visible.value = !document.hidden;
});
export const looking = computed(() => open.value && visible.value);

async function greet(): Promise<WidgetSessionBody> {
  const key = `switchboard.visitor.${widget}`;
  const visitor = kept.get(key);
  const topics = (told.get("topics") ?? "").split(",").map((topic) => topic.trim());
  const input: Partial<WidgetSessionInput> = {
    widget,
    language: told.get("language") || navigator.language,
    topics: topics.filter(Boolean).slice(0, 8),
  };
  for (const name of ["identity", "name"] as const) {
    const value = told.get(name);
    if (value) input[name] = value;
  }
  if (visitor) input.visitor = visitor;
  const greeting = await call<WidgetSessionBody>("/widget/sessions", input);
  kept.set(key, greeting.visitor);
  body.value = greeting;
  const root = document.documentElement;
  root.lang = greeting.language;
  root.dir = greeting.direction;
  document.title = text("title", { company: greeting.company });
  return greeting;
}

/** Starts the visit; call again after a failure. */
export async function start(): Promise<void> {
  if (line.value) return;
  trouble.value = false;
  try {
    let first: WidgetSessionBody | null = await greet();
    line.value = live({
      scope: first.customer,
      ticket: async () => {
        const ticket = (first ?? (await greet())).ticket;
        first = null;
        return ticket;
      },
      event: (event) => {
        const mine = event.kind === "message" && event.message.from.kind === "customer";
        if (event.kind === "message" && !mine && !looking.value) unread.value += 1;
      },
    });
  } catch (error) {
    // For who builds the page: a customer could do nothing with it.
    console.warn(error);
    document.documentElement.dir = language.startsWith("ar") ? "rtl" : "ltr";
    trouble.value = true;
  }
}

/** A text in the visitor's language, its places filled. */
export function text(key: string, fill: Record<string, string | number> = {}): string {
  return (body.value?.texts[key] ?? "").replace(/\{(\w+)\}/g, (_, name: string) => String(fill[name] ?? ""));
}

/** The visitor's conversations, oldest first; the newest counts. */
export const threads = computed<Thread[]>(() =>
  [...(line.value?.known.value.threads.values() ?? [])].sort((a, b) => a.opened_ms - b.opened_ms),
);
export const current = computed<Thread | null>(() => threads.value.at(-1) ?? null);

/** Messages that came while nobody looked. */
export const unread = signal(0);

effect(() => {
  const thread = current.value;
  if (!looking.value) return;
  unread.value = 0;
  const newest = thread?.messages.findLast((message) => message.from.kind !== "customer");
  if (thread && newest && newest.seq > thread.seen_by_customer) line.value?.saw(thread.id, newest.seq);
});

effect(() => {
  const count = unread.value;
  if (framed) parent.postMessage({ switchboard: "unread", count }, "*");
});

/** Asks the embedding page to close the window. */
export function shut(): void {
  if (framed) parent.postMessage({ switchboard: "close" }, "*");
}

export function listen(opened: () => void): void {
  addEventListener("message", (event) => {
    const said = event.data as { switchboard?: unknown; open?: unknown } | null;
    if (event.source !== parent || said?.switchboard !== "shown") return;
    open.value = said.open === true;
    if (open.value) opened();
  });
}
