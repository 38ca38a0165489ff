// A button that opens a small list of actions: arrow keys move, Escape closes, focus comes back to the button.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Check } from "./icons.tsx";
import "./menu.css";

export interface Action {
  name: string;
  icon?: ComponentChildren;
  /** Under the name: what it means. */
  note?: string;
  /** What holds now: a radio among its kind. */
  on?: boolean;
  /** A line stands above it. */
  apart?: boolean;
  run(): void;
}

interface Props {
  label: string;
  actions: Action[];
  /** What the button shows; its label is read where this is an icon. */
  children: ComponentChildren;
  class?: string;
  disabled?: boolean;
}

export function Menu({ label, actions, children, class: name = "quiet icon-only", disabled }: Props) {
  const [open, setOpen] = useState(false);
  const list = useRef<HTMLUListElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  useEffect(() => {
    if (open) list.current?.querySelector<HTMLElement>("[role^=menuitem]")?.focus();
  }, [open]);
  const close = (back: boolean) => {
    setOpen(false);
    if (back) button.current?.focus();
  };
  const key = (event: KeyboardEvent) => {
    const items = [...(list.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items.at(to % items.length)?.focus();
    else if (event.key === "Escape") close(true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      class="menu"
      onFocusOut={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOpen(false);
      }}
    >
      <button
        type="button"
        ref={button}
        class={name}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        disabled={disabled}
        title={label}
        onClick={() => setOpen(!open)}
      >
        {children}
      </button>
      {open && (
        <ul role="menu" id={id} aria-label={label} ref={list} onKeyDown={key}>
          {actions.map((action) => (
            <li role="none" key={action.name} class={action.apart ? "apart" : ""}>
              <button
                type="button"
                role={action.on === undefined ? "menuitem" : "menuitemradio"}
                aria-checked={action.on}
                tabIndex={-1}
                onClick={() => {
                  close(true);
                  action.run();
                }}
              >
                {action.icon}
                <span>
                  {action.name}
                  {action.note && <small>{action.note}</small>}
                </span>
                {action.on && <Check />}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
