// The keyboard: single keys outside of fields, and a palette for everything that a button does.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { nameOf } from "./list.tsx";
import { answerOffer, ask, current, groups, open, selected, session, state } from "./state.ts";

const rows = () => groups.value.flatMap((group) => group.rows);

function step(by: number) {
  const all = rows();
  const at = all.findIndex((it) => it.id === selected.value);
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  if (next) open(next.id);
}

interface Action {
  key: string;
  name: string;
  run(): void;
  when(): boolean;
}

const held = () => current.value?.state === "assigned";
const actions: Action[] = [
  { key: "j", name: "Next conversation", run: () => step(1), when: () => rows().length > 0 },
  { key: "k", name: "Previous conversation", run: () => step(-1), when: () => rows().length > 0 },
  {
    key: "a",
    name: "Accept the offer",
    run() {
      const offer = state.offers.value[0];
      if (offer) {
        answerOffer("accept", offer.id);
        open(offer.conversation.id);
      }
    },
    when: () => state.offers.value.length > 0,
  },
  { key: "d", name: "Decline the offer", run: () => state.offers.value[0] && answerOffer("decline", state.offers.value[0].id), when: () => state.offers.value.length > 0 },
  { key: "r", name: "Write an answer", run: () => document.getElementById("composer")?.focus(), when: held },
  { key: "p", name: "Park", run: () => current.value && ask("park", current.value.id), when: held },
  { key: "u", name: "Take up again", run: () => current.value && ask("unpark", current.value.id), when: () => current.value?.state === "parked" },
  { key: "e", name: "Close the conversation", run: () => current.value && ask("close", current.value.id), when: held },
  { key: "o", name: "Go online", run: () => session.value?.request({ type: "presence", state: "online" } as never), when: () => state.me.value?.state !== "online" },
  { key: "w", name: "Go away for a moment", run: () => session.value?.request({ type: "presence", state: "away" } as never), when: () => state.me.value?.state === "online" },
  { key: "?", name: "Show the keys", run: () => (keys.help.value = true), when: () => true },
];

export const keys = {
  palette: signal(false),
  help: signal(false),
  listen() {
    const pressed = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        keys.palette.value = true;
        return;
      }
      const field = event.target instanceof HTMLElement && event.target.closest("input, textarea, select, dialog");
      if (field) {
        if (event.key === "Escape" && event.target instanceof HTMLElement) event.target.blur();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const action = actions.find((it) => it.key === event.key && it.when());
      if (action) {
        event.preventDefault();
        action.run();
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  },
};

function useDialog(shown: boolean) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (shown && !dialog.current?.open) dialog.current?.showModal();
    if (!shown) dialog.current?.close();
  }, [shown]);
  return dialog;
}

export function Shortcuts() {
  const dialog = useDialog(keys.help.value);
  return (
    <dialog ref={dialog} aria-label="Keys" onClose={() => (keys.help.value = false)}>
      <div class="inner">
        <h2>Keys</h2>
        <table>
          <tbody>
            {actions.map((it) => <tr key={it.key}><td><kbd>{it.key}</kbd></td><td>{it.name}</td></tr>)}
            <tr><td><kbd>Ctrl Enter</kbd></td><td>Send</td></tr>
            <tr><td><kbd>Ctrl K</kbd></td><td>Find or do anything</td></tr>
          </tbody>
        </table>
        <button onClick={() => (keys.help.value = false)}>Done</button>
      </div>
    </dialog>
  );
}

export function Palette() {
  const dialog = useDialog(keys.palette.value);
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const all = [
    ...actions.filter((it) => it.when() && it.key !== "?").map((it) => ({ name: it.name, run: it.run })),
    ...rows().map((it) => ({ name: `Open ${nameOf(it)}`, run: () => open(it.id) })),
  ];
  const letters = words.toLowerCase();
  const found = all.filter((it) => {
    let from = 0;
    return [...letters].every((letter) => (from = it.name.toLowerCase().indexOf(letter, from) + 1) > 0);
  });
  const run = (index: number) => {
    keys.palette.value = false;
    setWords("");
    setAt(0);
    found[index]?.run();
  };
  return (
    <dialog ref={dialog} aria-label="Find or do" onClose={() => (keys.palette.value = false)}>
      <div class="inner palette">
        <input
          aria-label="Find or do"
          placeholder="Find or do …"
          value={words}
          onInput={(event) => { setWords(event.currentTarget.value); setAt(0); }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") setAt(Math.min(at + 1, found.length - 1));
            if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
            if (event.key === "Enter") { event.preventDefault(); run(at); }
          }}
        />
        <ul role="listbox" aria-label="Results">
          {found.slice(0, 12).map((it, index) => (
            <li key={it.name} role="option" aria-selected={index === at}><button tabIndex={-1} onClick={() => run(index)}>{it.name}</button></li>
          ))}
        </ul>
      </div>
    </dialog>
  );
}
