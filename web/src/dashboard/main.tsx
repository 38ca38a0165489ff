// The operations board: six figures, queues, agents, conversations, and the decision behind each.

import { render } from "preact";
import { useEffect } from "preact/hooks";
import "../tokens.css";
import "../bar.css";
import "../menu.css";
import "./dashboard.css";
import "./alarms.css";
import "./try.css";
import { exactly, span } from "../format.ts";
import { Board as BoardIcon, Console, Cut, Mail as MailIcon, MessageCircle, SignOut } from "../icons.tsx";
import { Menu } from "../menu.tsx";
import { Door, signOut, who } from "../sign-in.tsx";
import { shown as mailShown } from "./aside.ts";
import { Detail } from "./detail.tsx";
import { Figures } from "./figures.tsx";
import { Mail } from "./mail.tsx";
import { age, board, connect, line, STALE_MS, wall } from "./state.ts";
import { Alarms } from "./alarms.tsx";
import { Agents, Conversations, Promises, Queues } from "./tables.tsx";
import { Try } from "./try.tsx";

function Top() {
  const stale = age.value > STALE_MS;
  const at = board.value?.at_ms;
  return (
    <header class="top">
      <a href="/" class="mark" aria-label="Switchboard">
        <BoardIcon />
      </a>
      <h1>Operations</h1>
      <span class="fill" />
      {at && (
        <span class={`tag number ${stale ? "waiting" : "good"}`} role="status" title={exactly(at)}>
          {stale ? <Cut /> : <i class="dot online" aria-hidden="true" />}
          {stale ? `${span(age.value)} old` : "Live"}
        </span>
      )}
      {!wall && (
        <Menu
          label={who.value?.name ?? "Me"}
          actions={[
            { name: "Agent console", icon: <Console />, run: () => location.assign("/console/") },
            { name: "Mail put aside", icon: <MailIcon />, run: () => location.assign("#mail") },
            ...(who.value?.role === "admin"
              ? [{ name: "Chat on your pages", icon: <MessageCircle />, run: () => location.assign("/setup/") }]
              : []),
            { name: "Wall board", icon: <BoardIcon />, run: () => location.assign("/dashboard/?wall=1") },
            { name: "Sign out", icon: <SignOut />, run: () => void signOut() },
          ]}
        >
          <span class="avatar" aria-hidden="true">
            {(who.value?.name ?? "?").slice(0, 1)}
          </span>
        </Menu>
      )}
    </header>
  );
}

function Stale() {
  if (!board.value || age.value <= STALE_MS) return null;
  return (
    <div class="banner" role="status">
      <Cut />
      <span class="number">
        These figures are {span(age.value)} old: the line to the server is cut. Routing goes on without this page.
      </span>
      <span class="fill" />
      <button type="button" class="link" onClick={() => line.value?.session.wake()}>
        Try now
      </button>
    </div>
  );
}

function Page() {
  useEffect(connect, []);
  const it = board.value;
  return (
    <div class={`dashboard${wall ? " wall" : ""}`}>
      <Top />
      <Stale />
      {mailShown.value ? (
        <Mail />
      ) : it ? (
        <main>
          <Alarms board={it} />
          <Figures board={it} />
          <Queues board={it} />
          <Promises board={it} />
          <div class="halves">
            <Conversations board={it} />
            <Agents board={it} />
          </div>
          {!wall && <Try />}
        </main>
      ) : (
        <main class="skeletons" aria-busy="true">
          <i />
          <i />
          <i />
        </main>
      )}
      <Detail />
    </div>
  );
}

document.title = "Operations · Switchboard";
const root = document.getElementById("page");
if (root) render(<Door page="Operations dashboard">{() => <Page />}</Door>, root);
