// The list: what is offered, then what is mine, by whose turn it is.
import type { ConversationView, OfferView, Reason } from "../protocol.ts";
import { languageName, now, span } from "../times.ts";
import { answerOffer, groups, open, selected, state } from "./state.ts";

export const nameOf = (it: ConversationView) => it.customer_name ?? "Visitor";

/** "Spanish + refunds, waited 0:42" */
export function why(offer: OfferView): string {
  const words = (it: Reason) => {
    if (it.kind === "language") return languageName(it.name ?? "");
    if (it.kind === "skill") return it.name ?? "";
    const plain: Record<string, string> = {
      same_agent: "knows you",
      longest_idle: "you had the longest rest",
      passed_over: "waited too long",
      transfer: "handed over to you",
    };
    return plain[it.kind] ?? it.kind;
  };
  const parts = offer.why.map(words).filter(Boolean).join(" + ");
  return `${parts ? `${parts}, ` : ""}waited ${span(offer.waited_ms)}`;
}

function Offer({ offer }: { offer: OfferView }) {
  const left = Math.max(0, offer.until_ms - now.value);
  const last = offer.conversation.messages?.at(-1)?.text ?? "";
  return (
    <section class="offer" aria-label={`Offer from ${nameOf(offer.conversation)}`}>
      <div class="first row-head">
        <strong>{nameOf(offer.conversation)}</strong> <span class={`tag num ${left < 6000 ? "late" : "waiting"}`}>{span(left)} left</span>
      </div>
      <p class="why">{why(offer)}</p>
      <p class="muted">{last}</p>
      <div class="actions">
        <button class="primary" onClick={() => { answerOffer("accept", offer.id); open(offer.conversation.id); }}>Accept</button>
        <button onClick={() => answerOffer("decline", offer.id)}>Decline</button>
      </div>
    </section>
  );
}

function Row({ conversation }: { conversation: ConversationView }) {
  const since = conversation.waiting_since_ms;
  const age = since ? now.value - since : 0;
  const last = conversation.messages?.at(-1);
  const unread = conversation.seen_by_agent < conversation.last && last?.from.kind === "customer" && selected.value !== conversation.id;
  return (
    <button class="row" aria-current={selected.value === conversation.id} onClick={() => open(conversation.id)}>
      <span class="first">
        {unread && <span class="dot"><span class="sr">unread</span></span>}
        <span class="name">{nameOf(conversation)}</span>
        {since && conversation.state === "assigned" && <span class={`tag num ${age > 120_000 ? "late" : "waiting"}`}>{span(age)}</span>}
      </span>
      <span class="last">{last ? `${last.from.kind === "customer" ? "" : "You: "}${last.text ?? ""}` : "No message yet"}</span>
    </button>
  );
}

export function List() {
  const offers = state.offers.value;
  const filled = groups.value.filter((group) => group.rows.length);
  return (
    <nav class="list" aria-label="Conversations">
      {offers.length > 0 && <h2>Offered to me</h2>}
      {offers.map((offer) => <Offer key={offer.id} offer={offer} />)}
      {filled.map((group) => (
        <div key={group.name}>
          <h2>{group.name} <span class="num">{group.rows.length}</span></h2>
          {group.rows.map((it) => <Row key={it.id} conversation={it} />)}
        </div>
      ))}
      {!offers.length && !filled.length && state.loaded.value && (
        <div class="empty">
          <h2>Nothing in hand</h2>
          <p>{state.me.value?.state === "online" ? "The next conversation is offered to you here." : "Go online to be offered conversations."}</p>
        </div>
      )}
    </nav>
  );
}
