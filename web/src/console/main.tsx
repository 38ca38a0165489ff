// The agent's console: what is offered, what is in hand, the thread, and why it came here.

import { render } from "preact";
import { useEffect } from "preact/hooks";
import "../tokens.css";
import "../bar.css";
import "../delivery.css";
import "./list.css";
import "./floating.css";
import "./console.css";
import "./thread.css";
import "./mail.css";
import { Door } from "../sign-in.tsx";
import { Context } from "./context.tsx";
import { Help, listenToKeys } from "./keys.tsx";
import { List } from "./list.tsx";
import { Palette } from "./palette.tsx";
import { connect, context, selected, thread } from "./state.ts";
import { Thread } from "./thread.tsx";
import { Note, Stale, Top } from "./top.tsx";

function Page() {
  useEffect(connect, []);
  useEffect(listenToKeys, []);
  const open = selected.value !== null && thread.value !== null;
  return (
    <div class={`console${open ? " open" : ""}${context.value && open ? " with-context" : ""}`}>
      <Top />
      <Stale />
      <div class="columns">
        <List />
        <Thread />
        <Context />
      </div>
      <Note />
      <Palette />
      <Help />
    </div>
  );
}

document.title = "Console · Switchboard";
const root = document.getElementById("page");
if (root) render(<Door page="Agent console">{() => <Page />}</Door>, root);
