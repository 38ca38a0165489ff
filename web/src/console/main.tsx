// The agent's console: list, thread, context; everything by keyboard; nothing lost.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import "../style.css";
import { now } from "../times.ts";
import { SignIn, load, me, ready, signOut } from "../sign-in.tsx";
import { Context } from "./context.tsx";
import { keys, Palette, Shortcuts } from "./keys.tsx";
import { List } from "./list.tsx";
import { selected, session, start, state } from "./state.ts";
import { Thread } from "./thread.tsx";

function Top() {
  const mine = state.me.value;
  const line = session.value?.line.value;
  const online = mine?.state === "online";
  return (
    <header class="top">
      <h1>Switchboard</h1>
      <span class={`tag ${online ? "good" : "waiting"}`}>{online ? "Online" : mine?.state === "away" ? "Away" : "Offline"}</span>
      <select
        aria-label="My state"
        value={mine?.state ?? "offline"}
        onChange={(event) => session.value?.request({ type: "presence", state: event.currentTarget.value } as never)}
      >
        <option value="online">Online</option>
        <option value="away">Away</option>
        <option value="offline">Offline</option>
      </select>
      <span class="num hide">{mine ? `${mine.load} of ${mine.capacity}` : ""}</span>
      <span class="grow" />
      {line !== "live" && <span class="tag late">{line === "waiting" ? "Reconnecting" : "Connecting"}</span>}
      <button class="quiet hide" onClick={() => (keys.palette.value = true)}>Find or do <kbd>Ctrl K</kbd></button>
      <span class="muted hide">{me.value?.name}</span>
      <button class="quiet" onClick={() => void signOut()}>Sign out</button>
    </header>
  );
}

function Stale() {
  const current = session.value;
  if (!current || current.line.value === "live") return <span />;
  const age = Math.round((now.value - current.heard.value) / 1000);
  if (age < 3) return <span />;
  return <p class="banner num" role="status">No line to the server for {age} s. What you write is kept and sent when it is back.</p>;
}

function Console() {
  useEffect(start, []);
  useEffect(() => keys.listen(), []);
  const waiting = state.offers.value.length + [...state.all.value.values()].filter((it) => it.waiting_since_ms && it.state === "assigned").length;
  document.title = `${waiting ? `(${waiting}) ` : ""}Console · Switchboard`;
  return (
    <div class="console">
      <Top />
      <Stale />
      <main class={selected.value ? "columns open" : "columns"}>
        <List />
        <Thread />
        <Context />
      </main>
      <Palette />
      <Shortcuts />
    </div>
  );
}

function Page() {
  if (!ready.value) return null;
  return me.value ? <Console /> : <SignIn title="Agent console" />;
}

void load();
render(<Page />, document.getElementById("app")!);
