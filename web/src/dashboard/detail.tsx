// One conversation, opened from the board: where it stands, every decision behind it, and its newest messages.

import { useEffect, useRef } from "preact/hooks";
import { exactly, languageName, span, timeOfDay, words } from "../format.ts";
import { X } from "../icons.tsx";
import { now } from "../live.ts";
import type { ConversationBody } from "../protocol.ts";
import { Record } from "../record.tsx";
import { detail, opened, shut, trouble } from "./state.ts";
import { STATE_WORDS } from "./tables.tsx";

function Body({ body }: { body: ConversationBody }) {
  const view = body.conversation;
  const [word, tone] = STATE_WORDS[view.state];
  const messages = view.messages ?? [];
  return (
    <>
      <dl>
        <dt>Stands</dt>
        <dd>
          <span class={`tag ${tone}`}>{word}</span> {view.holder && `with ${view.holder.name}`}
        </dd>
        <dt>Queue</dt>
        <dd>{words(view.queue)}</dd>
        {view.topics.length > 0 && (
          <>
            <dt>Needs</dt>
            <dd>{view.topics.map(words).join(", ")}</dd>
          </>
        )}
        {view.language && (
          <>
            <dt>Language</dt>
            <dd>{languageName(view.language)}</dd>
          </>
        )}
        <dt>Opened</dt>
        <dd class="number" title={exactly(view.opened_ms)}>
          {span(now.value - view.opened_ms)} ago
        </dd>
        {view.place && (
          <>
            <dt>Place</dt>
            <dd class="number">{view.place.position}</dd>
          </>
        )}
      </dl>
      <h3>Why it went where it went</h3>
      {body.decisions.length === 0 && (
        <p class="muted">
          No decision yet: nobody who may take it is free. It is decided the moment somebody is.
        </p>
      )}
      {body.decisions.map((decision, at) => (
        <details key={decision.at_ms} open={at === 0}>
          <summary>
            <span>To {decision.winner.name}</span>
            <time class="number muted">{timeOfDay(decision.at_ms)}</time>
          </summary>
          <Record decision={decision} />
        </details>
      ))}
      {messages.length > 0 && <h3>Newest messages</h3>}
      <ol class="said">
        {messages.map((message) => (
          <li key={message.id}>
            <span class="muted">
              <strong dir="auto">{message.from.name || (message.from.kind === "customer" ? "Visitor" : "Agent")}</strong>{" "}
              <time class="number">{timeOfDay(message.at_ms)}</time>
            </span>
            <p dir="auto">{message.text ?? <em>erased</em>}</p>
          </li>
        ))}
      </ol>
    </>
  );
}

export function Detail() {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = opened.value;
  const body = detail.value;
  useEffect(() => {
    if (id && !dialog.current?.open) dialog.current?.showModal();
    if (!id) dialog.current?.close();
  }, [id]);
  return (
    <dialog ref={dialog} class="detail" aria-labelledby="detail-name" onClose={shut}>
      <header>
        <h2 id="detail-name" dir="auto">
          {body ? body.conversation.customer_name || "Visitor" : "Conversation"}
        </h2>
        <button type="button" class="quiet icon-only" aria-label="Close" onClick={shut}>
          <X />
        </button>
      </header>
      {body && <Body body={body} />}
      {trouble.value && (
        <p class="banner wrong" role="alert">
          {trouble.value}
        </p>
      )}
    </dialog>
  );
}
