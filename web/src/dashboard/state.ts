// What the dashboard knows: the newest board, how old it is, and the conversation that is open.

import { computed, effect, signal } from "@preact/signals";
import { type Live, live, now } from "../live.ts";
import { call, Refused } from "../problem.ts";
import type { BoardView, ConversationBody, TicketBody } from "../protocol.ts";
import { who } from "../sign-in.tsx";

/** Older than this, the figures are no longer live. */
export const STALE_MS = 5_000;

export const wall = new URLSearchParams(location.search).get("wall") === "1";
export const line = signal<Live | null>(null);
const first = signal<BoardView | null>(null);
export const board = computed(() => line.value?.board.value ?? first.value);
export const age = computed(() => (board.value ? Math.max(0, now.value - board.value.at_ms) : 0));

export const opened = signal<string | null>(null);
export const detail = signal<ConversationBody | null>(null);
export const trouble = signal("");

export function connect(): () => void {
  line.value = live({
    scope: `board.${who.value?.agent ?? ""}`,
    ticket: async () => (await call<TicketBody>("/tickets", {})).ticket,
    // Nobody answers from here, so nothing counts as arrived.
    confirms: false,
    greeting: [{ type: "watch", board: true }],
  });
  call<BoardView>("/board").then(
    (body) => {
      first.value = body;
    },
    () => undefined,
  );
  const ends = [
    effect(() => {
      if (line.value?.line.value.state === "refused") who.value = null;
    }),
    effect(() => {
      const id = opened.value;
      // Read anew when the board says that it changed.
      const row = board.value?.conversations.find((it) => it.id === id);
      const key = row ? `${row.state} ${row.last} ${row.fence}` : "";
      if (id) void read(id, key);
    }),
  ];
  return () => {
    for (const end of ends) end();
    line.value?.stop();
    line.value = null;
  };
}

let newest = "";

async function read(id: string, key: string): Promise<void> {
  const asked = `${id} ${key}`;
  if (asked === newest && detail.peek()) return;
  newest = asked;
  try {
    const body = await call<ConversationBody>(`/conversations/${id}`);
    if (newest === asked) {
      detail.value = body;
      trouble.value = "";
    }
  } catch (error) {
    if (newest !== asked) return;
    trouble.value = error instanceof Refused ? error.message : String(error);
  }
}

export function open(id: string): void {
  detail.value = null;
  trouble.value = "";
  newest = "";
  opened.value = id;
}

export function shut(): void {
  opened.value = null;
}
