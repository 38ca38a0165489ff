// The customer's chat: an honest state, a place in line that updates itself, who answers, and a composer that loses
// nothing.

import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import "../tokens.css";
import "../delivery.css";
import "./widget.css";
import { languageName, words } from "../format.ts";
import { Alert, Bot, Check, Clock, Cut, Download, More, Person, Send, X } from "../icons.tsx";
import { kept } from "../live.ts";
import { type Action, Menu } from "../menu.tsx";
import type { ConversationView } from "../protocol.ts";
import { setAccent } from "./accent.ts";
import { Log, transcript } from "./log.tsx";
import { accent, body, current, framed, line, listen, shut, start, text, trouble } from "./visit.ts";
import { close, retry, unavailable } from "./unreached.ts";
import { placeLine, wait, when } from "./waits.ts";

/** After this long without a line it is worth a word. */
const GRACE_MS = 2_500;
const TEXT_MAX = 4_000;
const DRAFT = "switchboard.draft.widget";

function write(words: string): void {
  const trimmed = words.trim();
  // The server finds the open conversation, or opens one.
  if (trimmed) line.value?.session.write(null, trimmed);
}

/** Why this agent, in a few words: what was needed, and is there. */
function because(thread: ConversationView): string[] {
  return (thread.because ?? []).flatMap(({ kind, name }) => {
    if (!name) return [];
    if (kind === "language") return [text("speaks", { language: languageName(name, body.value?.language) })];
    return kind === "skill" ? [text("knows_about", { skill: words(name) })] : [];
  });
}

/** What is true just now, in one line under the name. */
function stateLine(): string {
  const thread = current.value;
  const greeting = body.value;
  if (!greeting) return "";
  const name = thread?.holder?.name ?? greeting.company;
  switch (thread?.state) {
    case "waiting": {
      const served = thread.messages.some((message) => message.from.kind !== "customer");
      const words = served && thread.place?.position !== 1 ? text("handed_over") : text("waiting");
      return thread.place ? placeLine(thread.place) : words;
    }
    case "offered":
      return text("connecting");
    case "assigned":
      return text("answers", { name });
    case "parked":
      return text("parked", { name });
    default:
  }
  if (!greeting.open) return greeting.opens_ms ? text("opens", { when: when(greeting.opens_ms) }) : text("closed");
  return greeting.wait_s ? text("usually", { wait: wait(greeting.wait_s) }) : text("here");
}

function save(): void {
  void transcript().then((words) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", words], { type: "text/plain;charset=utf-8" }));
    link.download = "transcript.txt";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}

function Header({ ask }: { ask(): void }) {
  const thread = current.value;
  const holder = thread?.state === "assigned" || thread?.state === "parked" ? thread.holder : null;
  const actions: Action[] = [];
  if (!holder || holder.kind === "bot") {
    actions.push({
      name: text("a_person_please"),
      icon: <Person />,
      run: () => write(text("a_person_please_text")),
    });
  }
  if (thread) actions.push({ name: text("transcript"), icon: <Download />, run: save });
  if (thread && thread.state !== "closed") actions.push({ name: text("end"), icon: <Check />, run: ask });
  return (
    <header>
      <span class={`avatar${holder?.kind === "bot" ? " bot" : ""}`} aria-hidden="true">
        {holder?.kind === "bot" ? <Bot /> : (holder?.name ?? body.value?.company ?? "").slice(0, 1)}
      </span>
      <div class="titles">
        <h1>
          <bdi>{body.value?.company}</bdi>
        </h1>
        <p class="state number" role="status">
          {stateLine()}
        </p>
      </div>
      <Menu label={text("menu")} actions={actions} class="quiet icon-only target">
        <More />
      </Menu>
      {framed && <Close name={text("close")} />}
    </header>
  );
}

function Close({ name }: { name: string }) {
  return (
    <button type="button" class="quiet icon-only target" aria-label={name} title={name} onClick={shut}>
      <X />
    </button>
  );
}

function LineBanner() {
  const state = line.value?.line.value;
  const [late, setLate] = useState(false);
  const cut = !!state && state.state !== "live";
  useEffect(() => {
    setLate(false);
    if (!cut) return;
    const timer = setTimeout(() => setLate(true), GRACE_MS);
    return () => clearTimeout(timer);
  }, [cut]);
  if (!cut && line.value?.paused.value) {
    return (
      <p class="banner" role="status">
        <Clock /> {text("paused")}
      </p>
    );
  }
  if (!state || !cut || (!late && state.state !== "offline" && state.state !== "refused")) return null;
  const words = {
    offline: text("offline"),
    refused: text("unavailable"),
    cut: text("reconnecting"),
    connecting: text("reconnecting"),
  }[state.state as "offline"];
  return (
    <p class="banner" role="status">
      <Cut /> {words}
    </p>
  );
}

/** Below the state: that it takes longer than was said, or long at all; and, until the first answer, why this agent. */
function Promised() {
  const thread = current.value;
  const silent = !thread?.messages.some((it) => it.from.kind !== "customer" && it.from.agent === thread.holder?.agent);
  const why = thread?.state === "assigned" && silent ? because(thread) : [];
  if (why.length > 0) {
    return (
      <div class="promised" role="status">
        <p>{why.join(" · ")}</p>
      </div>
    );
  }
  const place = thread?.state === "waiting" ? thread.place : null;
  if (!place?.longer && !place?.long) return null;
  return (
    <div class="promised" role="status">
      {place.longer && place.wait_s && <p>{text("longer", { wait: wait(place.wait_s) })}</p>}
      {place.long && <p>{text("long_wait")}</p>}
    </div>
  );
}

function Composer() {
  const [words, setWords] = useState(kept.get(DRAFT) ?? "");
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const focus = () => {
      if (matchMedia("(hover: hover)").matches) field.current?.focus();
    };
    listen(focus);
    focus();
  }, []);
  useEffect(() => {
    const it = field.current;
    if (!it) return;
    it.style.height = "auto";
    it.style.height = `${Math.min(it.scrollHeight + 2, 140)}px`;
  }, [words]);
  const change = (next: string) => {
    setWords(next);
    if (next) kept.set(DRAFT, next);
    else kept.remove(DRAFT);
  };
  const send = () => {
    if (!words.trim()) return;
    write(words);
    change("");
    field.current?.focus();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        rows={1}
        dir="auto"
        maxLength={TEXT_MAX}
        value={words}
        aria-label={text("message")}
        placeholder={text(current.value?.state === "closed" ? "again" : "message")}
        enterkeyhint="send"
        onInput={(event) => {
          change(event.currentTarget.value);
          const thread = current.value;
          if (thread && event.currentTarget.value) line.value?.types(thread.id);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <button type="submit" class="primary send" aria-label={text("send")} title={text("send")} disabled={!words.trim()}>
        <span class="turns">
          <Send />
        </span>
      </button>
    </form>
  );
}

function Ended() {
  const thread = current.value;
  if (thread?.state !== "closed") return null;
  const reopen = () =>
    void line.value?.session.request({ type: "reopen", id: crypto.randomUUID(), conversation: thread.id });
  return (
    <div class="ended" role="status">
      <p>{text("ended")}</p>
      <button type="button" onClick={reopen}>
        {text("reopen")}
      </button>
    </div>
  );
}

function Widget() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => void start(), []);
  if (!body.value) {
    return (
      <main class={`widget${trouble.value ? "" : " loading"}`} aria-busy={!trouble.value}>
        {framed && <Close name={close()} />}
        {trouble.value && (
          <div class="empty" role="alert">
            <Alert />
            <h1>{unavailable()}</h1>
            <button type="button" class="target" onClick={() => void start()}>
              {retry()}
            </button>
          </div>
        )}
      </main>
    );
  }
  const end = () => {
    dialog.current?.close();
    const thread = current.value;
    if (thread) void line.value?.session.request({ type: "close", id: crypto.randomUUID(), conversation: thread.id });
  };
  return (
    <main class="widget">
      <Header ask={() => dialog.current?.showModal()} />
      <LineBanner />
      <Promised />
      <Log />
      <Ended />
      <Composer />
      <dialog ref={dialog} aria-label={text("end")}>
        <p>{text("end_ask")}</p>
        <div class="actions">
          <button type="button" onClick={() => dialog.current?.close()}>
            {text("cancel")}
          </button>
          <button type="button" class="primary" onClick={end}>
            {text("end")}
          </button>
        </div>
      </dialog>
    </main>
  );
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]")) shut();
});
setAccent(document.documentElement, accent);
const root = document.getElementById("page");
if (root) render(<Widget />, root);
