// The list: what is offered with its countdown and reason, then my conversations by whose turn it is.

import { useEffect, useRef } from "preact/hooks";
import type { Thread } from "../conversations.ts";
import { clock, languageName, span } from "../format.ts";
import { Bot, Clock, Done, Park, Queue } from "../icons.tsx";
import { now } from "../live.ts";
import type { OfferView } from "../protocol.ts";
import { accept, decline, groups, line, me, myTurn, nameOf, offer as chosen, offers, selected, unseen, whyLine } from "./state.ts";

const WAITING_MS = 60_000;
const LATE_MS = 180_000;

/** The age of the open turn: a word beside the colour. */
function Age({ thread }: { thread: Thread }) {
  if (thread.state === "closed" || thread.waiting_since_ms == null) return null;
  const age = now.value - thread.waiting_since_ms;
  const tone = age > LATE_MS ? "late" : age > WAITING_MS ? "waiting" : "";
  return (
    <span class={`tag number ${tone}`} title={`Waits since ${new Date(thread.waiting_since_ms).toLocaleTimeString()}`}>
      {tone && <Clock />}
      {tone === "late" ? `late ${span(age)}` : span(age)}
    </span>
  );
}

function lastLine(thread: Thread): string {
  const last = thread.messages.at(-1);
  if (!last) return "";
  const by = last.from.kind === "customer" ? "" : last.from.kind === "bot" ? "Bot: " : "You: ";
  return by + (last.text ?? "erased");
}

function Row({ thread }: { thread: Thread }) {
  const row = useRef<HTMLButtonElement>(null);
  const current = selected.value === thread.id;
  const fresh = unseen(thread);
  const typing = line.value?.typing.value.get(thread.id) === "customer";
  useEffect(() => {
    if (current) row.current?.scrollIntoView({ block: "nearest" });
  }, [current]);
  return (
    <li>
      <button
        type="button"
        ref={row}
        class="row"
        aria-current={current}
        onClick={() => {
          selected.value = thread.id;
        }}
      >
        <span class="avatar" aria-hidden="true">
          {nameOf(thread).slice(0, 1)}
        </span>
        <span class="row-main">
          <span class="row-top">
            <span class="row-name" dir="auto">
              {nameOf(thread)}
            </span>
            {thread.language && <span class="language">{languageName(thread.language)}</span>}
            {thread.state === "parked" && <Park />}
            {thread.state === "closed" && <Done />}
            <Age thread={thread} />
          </span>
          <span class="row-last" dir="auto">
            {typing ? <em>is typing</em> : lastLine(thread)}
          </span>
        </span>
        {fresh > 0 && myTurn(thread) && (
          <span class="unseen number">
            {fresh}
            <span class="hidden-text"> new</span>
          </span>
        )}
      </button>
    </li>
  );
}

/** One offer; `keys` where the keys act on it. */
function Offer({ offer, keys }: { offer: OfferView; keys: boolean }) {
  const view = offer.conversation;
  const left = Math.max(0, offer.until_ms - now.value);
  const whole = Math.max(1, offer.until_ms - offer.made_ms);
  const said = (view.messages ?? []).findLast((message) => message.from.kind === "customer");
  const bar = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    bar.current?.style.setProperty("inline-size", `${Math.min(100, (left / whole) * 100)}%`);
  }, [left, whole]);
  return (
    <li class="offer" aria-current={selected.value === view.id}>
      <button
        type="button"
        class="offer-open"
        onClick={() => {
          selected.value = view.id;
        }}
      >
        <span class="row-top">
          <span class="row-name" dir="auto">
            {nameOf(view)}
          </span>
          <span class={`tag number ${left < 8_000 ? "late" : "waiting"}`}>
            <Clock /> {clock(left)}
            <span class="hidden-text"> left to accept</span>
          </span>
        </span>
        <span class="why">{whyLine(offer.why, offer.waited_ms)}</span>
        {said?.text && (
          <span class="row-last" dir="auto">
            {said.text}
          </span>
        )}
      </button>
      <span class="countdown" aria-hidden="true">
        <span ref={bar} />
      </span>
      <span class="offer-actions">
        <button type="button" class="primary" onClick={() => void accept(offer.id)}>
          Accept {keys && <kbd aria-hidden="true">a</kbd>}
        </button>
        <button type="button" onClick={() => decline(offer.id)}>
          Decline {keys && <kbd aria-hidden="true">d</kbd>}
        </button>
      </span>
    </li>
  );
}

export function List() {
  const known = line.value?.known.value;
  const state = me.value?.state;
  const meant = chosen.value ?? offers.value[0];
  const nothing = offers.value.length === 0 && groups.value.every((group) => group.threads.length === 0);
  return (
    <nav class="list" aria-label="Conversations">
      <section aria-live="assertive" aria-label="Offered to me" class="offers">
        {offers.value.length > 0 && (
          <>
            <h2>
              Offered to me <span class="number">{offers.value.length}</span>
            </h2>
            <ul>
              {offers.value.map((offer) => (
                <Offer key={offer.id} offer={offer} keys={offer === meant} />
              ))}
            </ul>
          </>
        )}
      </section>
      {groups.value
        .filter((group) => group.threads.length > 0)
        .map((group) => (
          <section key={group.name} aria-label={group.name}>
            <h2>
              {group.name} <span class="number">{group.threads.length}</span>
            </h2>
            <ul>
              {group.threads.map((thread) => (
                <Row key={thread.id} thread={thread} />
              ))}
            </ul>
          </section>
        ))}
      {nothing && known?.me && (
        <div class="empty">
          {state === "online" ? <Queue /> : <Bot />}
          <strong>{state === "online" ? "Nothing to do just now" : "You take no offers"}</strong>
          <p>
            {state === "online"
              ? "The next conversation that fits you is offered here."
              : "Go online, and conversations that fit you are offered here."}
          </p>
        </div>
      )}
      {!known?.me && (
        <div class="skeletons" aria-busy="true">
          <i />
          <i />
          <i />
        </div>
      )}
    </nav>
  );
}
