// The command palette: everything that a button does, and every conversation, by a few letters.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { words } from "../format.ts";
import { signOut } from "../sign-in.tsx";
import { help } from "./keys.tsx";
import { find } from "./search.ts";
import * as state from "./state.ts";
import { targets } from "./thread.tsx";

export const palette = signal(false);

interface Entry {
  name: string;
  note?: string;
  run(): void;
}

const SHOWN = 12;

function entries(): Entry[] {
  const list: Entry[] = [];
  const offer = state.offer.value ?? state.offers.value[0];
  const thread = state.offer.value ? null : state.thread.value;
  if (offer) {
    const name = state.nameOf(offer.conversation);
    list.push({ name: `Accept ${name}`, note: "a", run: () => void state.accept(offer.id) });
    list.push({ name: `Decline ${name}`, note: "d", run: () => state.decline(offer.id) });
  }
  if (thread?.state === "assigned") {
    const { id } = thread;
    list.push({ name: "Answer", note: "r", run: () => { state.focusComposer.value += 1; } });
    list.push({ name: "Close as solved", note: "e", run: () => state.close(id) });
    list.push({ name: "Close, not solved", note: "E", run: () => state.close(id, false) });
    list.push({ name: "Park until the customer writes", note: "p", run: () => state.park(id) });
    for (const target of targets(thread)) list.push({ name: `Hand over to ${target.name}`, run: target.run });
  }
  if (thread?.state === "parked") list.push({ name: "Take up again", note: "p", run: () => state.unpark(thread.id) });
  if (thread?.state === "closed") list.push({ name: "Open again", run: () => state.reopen(thread.id) });
  for (const group of state.groups.value) {
    for (const it of group.threads) {
      const last = it.messages.at(-1)?.text ?? "";
      list.push({
        name: `Go to ${state.nameOf(it)}: ${last.slice(0, 60)}`,
        note: group.name.toLowerCase(),
        run: () => { state.selected.value = it.id; },
      });
    }
  }
  for (const wish of ["online", "away", "offline"] as const) {
    if (state.me.value?.state !== wish) list.push({ name: `Go ${wish}`, run: () => state.presence(wish) });
  }
  const paused = state.me.value?.paused ?? [];
  for (const channel of state.me.value?.channels ?? []) {
    list.push({ name: `${paused.includes(channel) ? "Take up" : "Pause"} ${words(channel)}`, run: () => state.pause(channel) });
  }
  if (state.me.value?.wrapping?.length) list.push({ name: "Writing up is done", run: state.written });
  list.push({ name: "Show or fold the context", run: () => { state.context.value = !state.context.value; } });
  list.push({ name: "Keys", note: "?", run: () => { help.value = true; } });
  list.push({ name: "Dashboard", run: () => location.assign("/dashboard/") });
  if (state.me.value?.role === "admin") list.push({ name: "Chat on your pages", run: () => location.assign("/setup/") });
  list.push({ name: "Sign out", run: () => void signOut() });
  return list;
}

export function Palette() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const shown = palette.value;
  useEffect(() => {
    if (shown) {
      setTyped("");
      setAt(0);
      dialog.current?.showModal();
    } else {
      dialog.current?.close();
    }
  }, [shown]);
  const found = shown ? find(typed, entries()).slice(0, SHOWN) : [];
  const run = (entry: Entry | undefined) => {
    palette.value = false;
    // After the dialog has given the focus back.
    setTimeout(() => entry?.run());
  };
  return (
    <dialog
      ref={dialog}
      class="palette"
      aria-label="Find or do"
      onClose={() => {
        palette.value = false;
      }}
    >
      <input
        role="combobox"
        aria-label="Find or do"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found[at] ? `palette-${at}` : undefined}
        aria-autocomplete="list"
        autocomplete="off"
        placeholder="Find or do"
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
          if (by) setAt((found.length + at + by) % Math.max(1, found.length));
          else if (event.key === "Enter") run(found[at]);
          else return;
          event.preventDefault();
        }}
      />
      <ul role="listbox" id="palette-list" aria-label="Results">
        {found.map((entry, index) => (
          <li
            key={entry.name}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === at}
            onClick={() => run(entry)}
            onMouseMove={() => setAt(index)}
          >
            <span dir="auto">{entry.name}</span>
            {entry.note && (entry.note.length === 1 ? <kbd>{entry.note}</kbd> : <span class="muted">{entry.note}</span>)}
          </li>
        ))}
      </ul>
      {found.length === 0 && shown && <p class="muted nothing">Nothing fits “{typed}”.</p>}
    </dialog>
  );
}
