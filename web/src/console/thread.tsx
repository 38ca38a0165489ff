// The open conversation: one timeline, and the composer that keeps its draft.
import { useEffect, useRef } from "preact/hooks";
import { call } from "../api.ts";
import type { HistoryBody, MessageView } from "../protocol.ts";
import { clock } from "../times.ts";
import { nameOf } from "./list.tsx";
import { ask, current, draft, drafts, handOver, notice, selected, session, state } from "./state.ts";

const STATES: Record<string, string> = { sent: "Sent", delivered: "Delivered", seen: "Seen", failed: "Failed" };

function Message({ message }: { message: MessageView }) {
  const own = message.from.kind !== "customer";
  return (
    <div class={own ? "msg own" : "msg"}>
      {own && message.from.kind === "bot" && <span class="meta">{message.from.name} <span class="tag">bot</span></span>}
      <span class="bubble" dir="auto">{message.text ?? "Erased at the customer's wish"}</span>
      <span class="meta">
        <time title={new Date(message.at_ms).toLocaleString()}>{clock(message.at_ms)}</time>
        {own && <span>{STATES[message.delivery]}</span>}
      </span>
    </div>
  );
}

function Actions() {
  const conversation = current.value;
  if (!conversation) return null;
  const queues = (state.me.value?.queues ?? []).filter((it) => it !== conversation.queue);
  return (
    <div class="actions">
      {conversation.state === "assigned" && (
        <>
          <select
            aria-label="Hand over to a queue"
            value=""
            onChange={(event) => {
              handOver(conversation.id, event.currentTarget.value);
              event.currentTarget.value = "";
            }}
          >
            <option value="">Hand over to …</option>
            {queues.map((it) => <option key={it}>{it}</option>)}
          </select>
          <button onClick={() => ask("park", conversation.id)}>Park</button>
          <button onClick={() => ask("close", conversation.id)}>Close</button>
        </>
      )}
      {conversation.state === "parked" && <button class="primary" onClick={() => ask("unpark", conversation.id)}>Take up again</button>}
      {conversation.state === "closed" && <button onClick={() => ask("reopen", conversation.id)}>Open again</button>}
    </div>
  );
}

function Composer() {
  const conversation = current.value!;
  const told = useRef(0);
  const words = drafts.value[conversation.id] ?? "";
  const send = () => {
    if (!words.trim()) return;
    session.value?.request({ type: "send", conversation: conversation.id, text: words } as never);
    draft(conversation.id, "");
  };
  return (
    <form class="composer" onSubmit={(event) => { event.preventDefault(); send(); }}>
      <textarea
        id="composer"
        aria-label={`Answer ${nameOf(conversation)}`}
        placeholder={`Answer ${nameOf(conversation)}`}
        value={words}
        onInput={(event) => {
          draft(conversation.id, event.currentTarget.value);
          if (Date.now() - told.current > 3_000) {
            told.current = Date.now();
            session.value?.tell({ type: "typing", conversation: conversation.id });
          }
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            send();
          }
        }}
      />
      <div class="foot">
        <span class="grow">Goes by web chat. <kbd>Ctrl Enter</kbd> sends.</span>
        <button class="primary" type="submit">Send</button>
      </div>
    </form>
  );
}

export function Thread() {
  const conversation = current.value;
  const log = useRef<HTMLDivElement>(null);
  const messages = conversation?.messages ?? [];
  const known = new Set(messages.map((it) => it.client_id));
  const unsent = (session.value?.outbox.value ?? []).filter(
    (it) => it.frame.type === "send" && it.frame.conversation === conversation?.id && !known.has(it.frame.id),
  );
  useEffect(() => log.current?.scrollTo({ top: log.current.scrollHeight }), [conversation?.id, messages.length, unsent.length]);
  if (!conversation)
    return <section class="thread"><div class="empty"><h2>No conversation open</h2><p>Choose one from the list, or press <kbd>?</kbd> for the keys.</p></div></section>;
  const first = messages[0]?.seq ?? 1;
  const older = async () => {
    const page = await call<HistoryBody>("GET", `/conversations/${conversation.id}/messages?before=${first}&limit=50`);
    state.prepend(conversation.id, page.messages);
  };
  return (
    <section class="thread" aria-label={`Conversation with ${nameOf(conversation)}`}>
      <header>
        <button class="back quiet" onClick={() => (selected.value = "")}>Back</button>
        <h2 class="grow">{nameOf(conversation)}</h2>
        <Actions />
      </header>
      {notice.value && <p class="banner" role="alert">{notice.value} <button class="link" onClick={() => (notice.value = "")}>Dismiss</button></p>}
      <div class="log" ref={log} role="log" aria-live="polite" aria-label="Messages" tabIndex={0}>
        {first > 1 && <button class="event" onClick={() => void older()}>Show older messages</button>}
        {messages.map((it) => <Message key={it.seq} message={it} />)}
        {unsent.map((it) => (
          <div class="msg own" key={it.frame.id}>
            <span class="bubble" dir="auto">{it.frame.type === "send" ? it.frame.text : ""}</span>
            <span class="meta">
              {it.state === "failed" ? <button class="link failed" onClick={() => session.value?.retry(it.frame.id)}>{it.detail} Try again</button> : "On its way"}
            </span>
          </div>
        ))}
        {conversation.state === "closed" && <p class="event">Closed</p>}
      </div>
      <p class="typing" aria-live="polite">{state.typing.value.has(conversation.id) ? `${nameOf(conversation)} is typing …` : ""}</p>
      {conversation.state === "assigned" && <Composer />}
    </section>
  );
}
