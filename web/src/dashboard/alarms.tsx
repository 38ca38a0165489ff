// What is wrong with those who wait, above everything else: who, since when, and what would help.

import { languageName, number, span, words } from "../format.ts";
import { Alert } from "../icons.tsx";
import { now } from "../live.ts";
import type { AlarmKind, AlarmRow, BoardView } from "../protocol.ts";

const SAID: Record<AlarmKind, { what: (row: AlarmRow) => string; help: string }> = {
  unstaffed: {
    what: (row) => `nobody who is online can take ${people(row)}`,
    help: "Bring somebody online who can, or give the queue a step that asks for less.",
  },
  overdue: {
    what: (row) => `${people(row)} waited past the bound, everybody able is busy`,
    help: "More people are needed here; no rule can help.",
  },
  starved: {
    what: (row) => `${people(row)} waited past the bound although somebody able has room`,
    help: "Look at the shares and limits of those agents.",
  },
};

/** What is needed: a language by its tag, or a skill. */
const need = (name: string) => (/^[a-z]{2}(-|$)/.test(name) ? languageName(name) : words(name));

function people(row: AlarmRow): string {
  const needs = row.needs?.length ? ` (${row.needs.map(need).join(", ")})` : "";
  return `${number(row.conversations)} ${row.conversations === 1 ? "conversation" : "conversations"}${needs}`;
}

export function Alarms({ board }: { board: BoardView }) {
  const rows = board.alarms ?? [];
  return (
    <section class="alarms" aria-label="Alarms" aria-live="polite">
      {rows.map((row) => (
        <p key={`${row.kind} ${row.queue}`} class={`alarm ${row.kind === "starved" ? "wrong" : "late"}`}>
          <Alert />
          <span>
            <strong>{words(row.queue)}</strong>: {SAID[row.kind].what(row)}, the oldest for{" "}
            <span class="number">{span(now.value - row.oldest_ms)}</span>. {SAID[row.kind].help}
          </span>
        </p>
      ))}
    </section>
  );
}
