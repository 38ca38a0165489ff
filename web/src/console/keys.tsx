// The keys. Single letters can be switched off, and never act while something is being typed.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { kept } from "../live.ts";
import { palette } from "./palette.tsx";
import * as state from "./state.ts";

export const help = signal(false);
const SINGLE = "switchboard.keys.single";
export const single = signal(kept.get(SINGLE) !== "off");

const mac = navigator.platform.startsWith("Mac");
const LIST: [string[], string][] = [
  [["j"], "Next conversation"],
  [["k"], "Previous conversation"],
  [["a"], "Accept the offer"],
  [["d"], "Decline the offer"],
  [["r"], "Answer"],
  [["e"], "Close as solved"],
  [["E"], "Close, not solved"],
  [["p"], "Park, or take up again"],
  [["?"], "This list"],
  [["Esc"], "Leave the answer, then the conversation"],
  [[mac ? "⌘" : "Ctrl", "Enter"], "Send the answer"],
  [[mac ? "⌘" : "Ctrl", "K"], "Find or do"],
];

function act(key: string): boolean {
  const open = state.offer.value ? null : state.thread.value;
  const offer = state.offer.value ?? state.offers.value[0];
  switch (key) {
    case "j":
      state.move(1);
      return true;
    case "k":
      state.move(-1);
      return true;
    case "a":
      if (offer) void state.accept(offer.id);
      return true;
    case "d":
      if (offer) state.decline(offer.id);
      return true;
    case "r":
      if (open?.state === "assigned") state.focusComposer.value += 1;
      return true;
    case "e":
      if (open?.state === "assigned") state.close(open.id);
      return true;
    case "E":
      if (open?.state === "assigned") state.close(open.id, false);
      return true;
    case "p":
      if (open?.state === "assigned") state.park(open.id);
      else if (open?.state === "parked") state.unpark(open.id);
      return true;
    case "?":
      help.value = true;
      return true;
    default:
      return false;
  }
}

function pressed(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    palette.value = !palette.value;
    return;
  }
  const target = event.target as HTMLElement;
  // For a frame after a dialog has closed, the focus may still be on a field inside it.
  const typing = target.matches("input, textarea, select, [contenteditable]") && target.checkVisibility();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    if (!event.defaultPrevented) state.selected.value = null;
    return;
  }
  if (single.value && act(event.key)) event.preventDefault();
}

/** Listens until the returned function is called. */
export function listenToKeys(): () => void {
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const shown = help.value;
  useEffect(() => {
    if (shown) dialog.current?.showModal();
    else dialog.current?.close();
  }, [shown]);
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-label="Keys"
      onClose={() => {
        help.value = false;
      }}
    >
      <h2>Keys</h2>
      <dl>
        {LIST.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <label class="switch">
        <input
          type="checkbox"
          checked={single.value}
          onChange={(event) => {
            single.value = event.currentTarget.checked;
            kept.set(SINGLE, single.value ? "on" : "off");
          }}
        />
        Single letters act
      </label>
      <div class="actions">
        <button
          type="button"
          class="primary"
          onClick={() => {
            help.value = false;
          }}
        >
          Done
        </button>
      </div>
    </dialog>
  );
}
