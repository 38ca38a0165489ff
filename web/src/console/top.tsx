// The top bar: my state and room, the line, and the way to everything else.

import { useEffect } from "preact/hooks";
import { clock, span, timeOfDay, words } from "../format.ts";
import { Alert, Board, Clock, Console, Cut, Done, Keyboard, MessageCircle, Park, Search, SignOut, TakeUp, X } from "../icons.tsx";
import { now } from "../live.ts";
import { Menu } from "../menu.tsx";
import type { AgentState } from "../protocol.ts";
import { signOut } from "../sign-in.tsx";
import { help } from "./keys.tsx";
import { palette } from "./palette.tsx";
import { line, me, note, pause, presence, written } from "./state.ts";

const NOTE_MS = 7_000;
const GRACE_MS = 3_000;
const STATES: Record<AgentState, string> = { online: "Online", away: "Away", offline: "Offline" };
const MEANING: Record<AgentState, string> = {
  online: "takes offers",
  away: "keeps what is in hand, takes no offers",
  offline: "what is in hand goes back to its queue",
};

/** What a planned break means now. */
function Break() {
  const it = me.value?.on_break;
  if (!it) return null;
  if (it.begun) return <span class="muted words">, on a break until {timeOfDay(it.until_ms)}</span>;
  return <span class="muted words">, break at {timeOfDay(it.from_ms)}: nothing new until then</span>;
}

function Presence() {
  const state = me.value?.state ?? "offline";
  const paused = me.value?.paused ?? [];
  return (
    <Menu
      label={`My state: ${STATES[state]}`}
      class={`presence ${state}`}
      actions={[
        ...(Object.keys(STATES) as AgentState[]).map((wish) => ({
          name: STATES[wish],
          icon: <i class={`dot ${wish}`} aria-hidden="true" />,
          note: MEANING[wish],
          on: state === wish,
          run: () => presence(wish),
        })),
        ...(me.value?.channels ?? []).map((channel, at) => ({
          name: `${paused.includes(channel) ? "Take up" : "Pause"} ${words(channel)}`,
          icon: paused.includes(channel) ? <TakeUp /> : <Park />,
          note: paused.includes(channel) ? "is paused: nothing of it is offered" : "offers nothing of it, keeps what is in hand",
          apart: at === 0,
          run: () => pause(channel),
        })),
      ]}
    >
      <i class={`dot ${state}`} aria-hidden="true" />
      <span>
        {STATES[state]}
        {paused.length > 0 && <span class="muted words">, not {paused.map(words).join(", ")}</span>}
        <Break />
      </span>
      {paused.length > 0 && <Park />}
    </Menu>
  );
}

function Room() {
  const mine = me.value;
  if (!mine?.capacity) return null;
  const free = Math.max(0, mine.capacity - mine.load);
  const beside = mine.interruptible_load ? `, and ${mine.interruptible_load} by work that is put down for other work` : "";
  return (
    <span class="room number" title={`${mine.load} of ${mine.capacity} effort points taken${beside}`}>
      {mine.load} of {mine.capacity}
      <span class="room-words"> taken, {free === 0 ? "no room" : `room for ${free}`}</span>
    </span>
  );
}

/** The room of what was just closed stays taken until what is to be kept is written up. */
function WritingUp() {
  const until = (me.value?.wrapping ?? []).map((it) => it.until_ms);
  if (until.length === 0) return null;
  const left = clock(Math.max(0, Math.min(...until) - now.value));
  return (
    <button type="button" class="wrapping" title="Free the room of what was just closed" onClick={written}>
      <Done />
      <span class="hide-narrow">Done writing up</span>
      <span class="number muted">
        {left} <span class="hidden-text">left</span>
      </span>
    </button>
  );
}

export function Top() {
  const state = line.value?.line.value.state;
  return (
    <header class="top">
      <a href="/" class="mark" aria-label="Switchboard">
        <Console />
      </a>
      <h1 class="hidden-text">Agent console</h1>
      <Presence />
      <Room />
      <WritingUp />
      <span class="fill" />
      <button
        type="button"
        class="finder"
        onClick={() => {
          palette.value = true;
        }}
      >
        <Search /> <span>Find or do</span>{" "}
        <kbd class="words" aria-hidden="true">{navigator.platform.startsWith("Mac") ? "⌘K" : "Ctrl K"}</kbd>
      </button>
      <span class="fill" />
      <span class={`line-state tag ${state === "live" ? "good" : "waiting"}`} role="status">
        {state === "live" ? <i class="dot online" aria-hidden="true" /> : <Cut />}
        <span>{state === "live" ? "Live" : state === "connecting" ? "Connecting" : state === "offline" ? "Offline" : "Reconnecting"}</span>
      </span>
      <Menu
        label={me.value?.name ?? "Me"}
        actions={[
          { name: "Keys", icon: <Keyboard />, run: () => { help.value = true; } },
          { name: "Dashboard", icon: <Board />, run: () => location.assign("/dashboard/") },
          ...(me.value?.role === "admin"
            ? [{ name: "Chat on your pages", icon: <MessageCircle />, run: () => location.assign("/setup/") }]
            : []),
          { name: "Sign out", icon: <SignOut />, run: () => void signOut() },
        ]}
      >
        <span class="avatar" aria-hidden="true">
          {(me.value?.name ?? "?").slice(0, 1)}
        </span>
      </Menu>
    </header>
  );
}

/** Says how old what one sees is, and what still works. */
export function Stale() {
  const it = line.value;
  const state = it?.line.value;
  if (it?.paused.value && state?.state === "live") {
    return (
      <div class="banner" role="status">
        <Clock />
        <span>Nothing can be stored just now. What you write is kept, and is sent by itself as soon as it can be.</span>
      </div>
    );
  }
  if (!it || !state || state.state === "live" || state.state === "refused") return null;
  const skew = it.session.skew_ms;
  const age = now.value - (it.heard.value + skew);
  if (age < GRACE_MS) return null;
  return (
    <div class="banner" role="status">
      <Cut />
      <span class="number">
        No line to the server for {span(age)}. You see what was true at {timeOfDay(it.heard.value)}. What you write is kept
        and sent when the line is back.
      </span>
      <span class="fill" />
      <button type="button" class="link" onClick={() => it.session.wake()}>
        Try now
      </button>
    </div>
  );
}

export function Note() {
  const said = note.value;
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => {
      note.value = null;
    }, NOTE_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const away = () => {
    note.value = null;
  };
  return (
    <div class="notes" role={said?.wrong ? "alert" : "status"}>
      {said && (
        <div class={`note${said.wrong ? " wrong" : ""}`}>
          {said.wrong && <Alert />}
          <span>{said.text}</span>
          {said.undo && (
            <button
              type="button"
              class="link"
              onClick={() => {
                said.undo?.run();
                away();
              }}
            >
              {said.undo.name}
            </button>
          )}
          <button type="button" class="quiet icon-only" aria-label="Dismiss" onClick={away}>
            <X />
          </button>
        </div>
      )}
    </div>
  );
}
