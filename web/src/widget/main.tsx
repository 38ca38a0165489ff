// The customer's chat: honest about the wait, clear about who answers, and it loses nothing on the way.
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { signal } from "@preact/signals";
import "../style.css";
import { call } from "../api.ts";
import { Conversations } from "../conversations.ts";
import type { MessageView, WidgetSessionBody } from "../protocol.ts";
import { Session } from "../session.ts";
import { clock } from "../times.ts";

const query = new URLSearchParams(location.search);
const key = query.get("key") ?? "";
const store = `switchboard.${key}`;
const body = signal<WidgetSessionBody | undefined>(undefined);
const fault = signal("");
const state = new Conversations();

function remembered(): string | null {
  try {
    return localStorage.getItem(`${store}.visitor`);
  } catch {
    return null;
  }
}

let visitor = remembered();

async function ticket(): Promise<string> {
  const topics = query.get("topics");
  try {
    const started = await call<WidgetSessionBody>("POST", "/widget/sessions", {
      widget: key,
      ...(visitor ? { visitor } : {}),
      ...(query.get("identity") ? { identity: query.get("identity") } : {}),
      ...(query.get("name") ? { name: query.get("name") } : {}),
      language: query.get("language") || navigator.language,
      ...(topics ? { topics: topics.split(",").map((it) => it.trim()) } : {}),
    });
    visitor = started.visitor;
    body.value = started;
    fault.value = "";
    document.documentElement.lang = started.language;
    document.documentElement.dir = started.direction;
    try {
      localStorage.setItem(`${store}.visitor`, started.visitor);
    } catch {
      // Private mode: the visit lasts as long as the page.
    }
    return started.ticket;
  } catch (error) {
    fault.value = error instanceof Error ? error.message : String(error);
    throw error;
  }
}

const session = new Session(
  {
    ticket,
    event(event) {
      state.apply(event);
      if (event.kind === "message" && event.message.from.kind !== "customer") {
        if (document.hidden) parent.postMessage("switchboard:unread", "*");
        else seen();
      }
    },
    notice: (frame) => state.notice(frame),
  },
  `${store}.outbox`,
);

function latest() {
  return [...state.all.value.values()].sort((a, b) => b.opened_ms - a.opened_ms)[0];
}

function seen() {
  const conversation = latest();
  if (conversation && !document.hidden) session.tell({ type: "seen", conversation: conversation.id, upto: conversation.last });
}

document.addEventListener("visibilitychange", seen);

/** A text of the catalogue, its holes filled. */
function text(name: string, holes: Record<string, string | number> = {}): string {
  const found = body.value?.texts[name] ?? "";
  return found.replace(/\{(\w+)\}/g, (_, hole: string) => String(holes[hole] ?? ""));
}

function minutes(seconds: number): string {
  const language = body.value?.language;
  const [unit, value] = seconds < 60 ? (["second", seconds] as const) : (["minute", Math.round(seconds / 60)] as const);
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(value);
}

function range(wait: readonly [number, number] | null | undefined): string {
  return wait ? text("range", { low: minutes(wait[0]), high: minutes(wait[1]) }) : "";
}

function Header() {
  const conversation = latest();
  const holder = conversation?.holder;
  const language = body.value?.language;
  let line = text("greeting");
  if (holder) line = text(holder.kind === "bot" ? "with_bot" : "with_person", { name: holder.name ?? "" });
  else if (body.value && !body.value.open && body.value.opens_ms)
    line = text("opens", { time: new Intl.DateTimeFormat(language, { weekday: "long", hour: "2-digit", minute: "2-digit" }).format(body.value.opens_ms) });
  else if (!conversation && body.value?.wait_s) line = text("usually", { time: minutes(body.value.wait_s[0]) });
  return (
    <header>
      <div>
        <h1>{body.value?.company ?? ""}</h1>
        <p class="state">{session.line.value === "waiting" ? text("reconnecting") : line}</p>
      </div>
      <Menu />
      <button class="quiet" aria-label={text("close")} onClick={() => parent.postMessage("switchboard:close", "*")}>
        ✕
      </button>
    </header>
  );
}

function Menu() {
  const [open, setOpen] = useState(false);
  const conversation = latest();
  const act = (run: () => void) => () => {
    setOpen(false);
    run();
  };
  const transcript = () => {
    const lines = (conversation?.messages ?? []).map(
      (it) => `${new Date(it.at_ms).toISOString()} ${it.from.name ?? it.from.kind}: ${it.text ?? ""}`,
    );
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines.join("\n")], { type: "text/plain" }));
    link.download = "transcript.txt";
    link.click();
  };
  return (
    <div class="menu" onKeyDown={(event) => event.key === "Escape" && setOpen(false)}>
      <button class="quiet" aria-expanded={open} aria-haspopup="true" aria-label={text("menu")} onClick={() => setOpen(!open)}>
        ⋯
      </button>
      {open && (
        <ul>
          <li><button onClick={act(() => write(text("a_person_please")))}>{text("a_person_please")}</button></li>
          <li><button onClick={act(transcript)}>{text("transcript")}</button></li>
          {conversation && conversation.state !== "closed" && (
            <li><button onClick={act(() => session.request({ type: "close", conversation: conversation.id } as never))}>{text("end")}</button></li>
          )}
        </ul>
      )}
    </div>
  );
}

function Place() {
  const conversation = latest();
  const place = conversation?.place;
  if (!conversation || conversation.holder || !place || !["waiting", "offered"].includes(conversation.state)) return null;
  const opens = place.opens_ms;
  const line = opens
    ? text("opens", { time: new Intl.DateTimeFormat(body.value?.language, { weekday: "long", hour: "2-digit", minute: "2-digit" }).format(opens) })
    : `${text("place", { position: place.position })} ${range(place.wait_s)}`;
  return <p class="place num" role="status">{line}</p>;
}

function Message({ message }: { message: MessageView }) {
  const own = message.from.kind === "customer";
  const mark = message.from.kind === "bot" ? text("bot") : "";
  return (
    <div class={own ? "msg own" : "msg"}>
      {!own && <span class="meta">{message.from.name} {mark && <span class="tag">{mark}</span>}</span>}
      <span class="bubble" dir="auto">{message.text ?? text("erased")}</span>
      <span class="meta">
        <time>{clock(message.at_ms, body.value?.language)}</time>
        {own && <span>{text(message.delivery)}</span>}
      </span>
    </div>
  );
}

function write(words: string) {
  const conversation = latest();
  const open = conversation && conversation.state !== "closed" ? { conversation: conversation.id } : {};
  session.request({ type: "send", text: words, ...open } as never);
}

function Chat() {
  const conversation = latest();
  const messages = conversation?.messages ?? [];
  const known = new Set(messages.map((it) => it.client_id));
  const unsent = session.outbox.value.filter((it) => it.frame.type === "send" && !known.has(it.frame.id));
  const end = useRef<HTMLDivElement>(null);
  const count = messages.length + unsent.length;
  useEffect(() => end.current?.scrollIntoView({ block: "end" }), [count]);
  useEffect(seen, [count]);
  const typing = conversation && state.typing.value.has(conversation.id);
  return (
    <div class="chat">
      <Header />
      <Place />
      {fault.value && !body.value && <p class="banner">{fault.value}</p>}
      <div class="log" role="log" aria-live="polite" aria-label={body.value?.company ?? "Chat"} tabIndex={0}>
        {messages.map((it) => <Message key={it.seq} message={it} />)}
        {unsent.map((it) => (
          <div class="msg own" key={it.frame.id}>
            <span class="bubble" dir="auto">{it.frame.type === "send" ? it.frame.text : ""}</span>
            <span class="meta">
              {it.state === "failed" ? (
                <button class="link" onClick={() => session.retry(it.frame.id)}>{text("failed")} · {text("retry")}</button>
              ) : (
                text("sending")
              )}
            </span>
          </div>
        ))}
        {conversation?.state === "closed" && <p class="event">{text("ended")}</p>}
        <div ref={end} />
      </div>
      <p class="typing" aria-live="polite">{typing ? text("typing") : ""}</p>
      <Composer />
    </div>
  );
}

function Composer() {
  const [words, setWords] = useState("");
  const told = useRef(0);
  const send = () => {
    if (!words.trim()) return;
    write(words);
    setWords("");
  };
  const typed = (value: string) => {
    setWords(value);
    const conversation = latest();
    if (conversation && Date.now() - told.current > 3_000) {
      told.current = Date.now();
      session.tell({ type: "typing", conversation: conversation.id });
    }
  };
  return (
    <form onSubmit={(event) => { event.preventDefault(); send(); }}>
      <textarea
        rows={1}
        value={words}
        maxLength={8000}
        aria-label={text("message_placeholder") || "Message"}
        placeholder={text("message_placeholder")}
        onInput={(event) => typed(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            send();
          }
          if (event.key === "Escape") parent.postMessage("switchboard:close", "*");
        }}
      />
      <button class="primary" type="submit" aria-label={text("send") || "Send"}>{text("send") || "Send"}</button>
    </form>
  );
}

render(<main class="chat"><Chat /></main>, document.getElementById("app")!);
