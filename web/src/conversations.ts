// What the client knows, and how each event of a session changes it. Pure: the same events give the same state, and an
// event that comes twice changes nothing the second time.

import type {
  AuthorKind,
  ConversationView,
  DeliveryState,
  Me,
  MessageView,
  OfferView,
  PlaceView,
  SessionEvent,
} from "./protocol.ts";

/** A conversation with all messages that this page has, in order, each number once. */
export type Thread = Omit<ConversationView, "messages"> & { messages: MessageView[] };

export interface Known {
  me: Me | null;
  threads: ReadonlyMap<string, Thread>;
  offers: ReadonlyMap<string, OfferView>;
  /** Why the newest offer that was lost ended, for a line to the agent. */
  lost: { offer: OfferView; why: string } | null;
}

export const NOTHING: Known = { me: null, threads: new Map(), offers: new Map(), lost: null };

const RANK: Record<DeliveryState, number> = { sent: 0, delivered: 1, seen: 2, failed: 3 };

/** Puts messages into their order by number; of two with one number the newer copy counts, its delivery never backwards; a
 *  mail that failed may be sent again. */
export function merge(have: readonly MessageView[], more: readonly MessageView[]): MessageView[] {
  const bySeq = new Map(have.map((message) => [message.seq, message]));
  for (const message of more) {
    const old = bySeq.get(message.seq);
    const delivery = old && !message.mail && RANK[old.delivery] > RANK[message.delivery] ? old.delivery : message.delivery;
    bySeq.set(message.seq, { ...message, delivery });
  }
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

function thread(view: ConversationView, before: Thread | undefined): Thread {
  const messages = merge(before?.messages ?? [], view.messages ?? []);
  return { ...view, last: Math.max(view.last, messages.at(-1)?.seq ?? 0), messages };
}

function byId<T extends { id: string }>(list: readonly T[]): Map<string, T> {
  return new Map(list.map((item) => [item.id, item]));
}

/** Whether these two kinds of author are on the same side. */
export function sameSide(a: AuthorKind, b: AuthorKind): boolean {
  return (a === "customer") === (b === "customer");
}

/** The state after an event. */
export function apply(known: Known, event: SessionEvent): Known {
  switch (event.kind) {
    case "snapshot":
      return {
        me: event.me,
        threads: byId(event.conversations.map((view) => thread(view, undefined))),
        offers: byId(event.offers),
        lost: null,
      };
    case "me":
      return { ...known, me: event.me };
    case "conversation": {
      const { conversation } = event;
      return withThread(known, thread(conversation, known.threads.get(conversation.id)));
    }
    case "conversation_left": {
      const threads = new Map(known.threads);
      threads.delete(event.conversation);
      return { ...known, threads };
    }
    case "message": {
      const { message } = event;
      const offers = offered(known.offers, event.conversation, message);
      const found = known.threads.get(event.conversation);
      if (!found) return offers === known.offers ? known : { ...known, offers };
      const last = Math.max(found.last, message.seq);
      const waiting = message.from.kind === "customer" ? (found.waiting_since_ms ?? message.at_ms) : null;
      const changed = {
        ...found,
        last,
        waiting_since_ms: message.seq === last ? waiting : found.waiting_since_ms,
        messages: merge(found.messages, [message]),
      };
      return withThread({ ...known, offers }, changed);
    }
    case "delivered":
      return changeThread(known, event.conversation, (found) => ({
        ...found,
        messages: arrived(found.messages, event.by, event.upto, "delivered"),
      }));
    case "seen":
      return seen(known, event.conversation, event.by, event.upto);
    case "offer":
      return { ...known, offers: new Map(known.offers).set(event.offer.id, event.offer) };
    case "offer_ended": {
      const offers = new Map(known.offers);
      const offer = offers.get(event.offer);
      offers.delete(event.offer);
      const lost = offer && (event.why === "timed_out" || event.why === "withdrawn") ? { offer, why: event.why } : null;
      return { ...known, offers, lost: lost ?? known.lost };
    }
    case "named":
      return {
        ...known,
        threads: new Map(
          [...known.threads].map(([id, it]) => [
            id,
            it.holder?.agent === event.agent ? { ...it, holder: { ...it.holder, name: event.name } } : it,
          ]),
        ),
      };
  }
}

/** Somebody has seen everything up to a number: what the other side wrote is seen. */
export function seen(known: Known, conversation: string, by: AuthorKind, upto: number): Known {
  return changeThread(known, conversation, (found) => ({
    ...found,
    seen_by_agent: by === "customer" ? found.seen_by_agent : Math.max(found.seen_by_agent, upto),
    seen_by_customer: by === "customer" ? Math.max(found.seen_by_customer, upto) : found.seen_by_customer,
    messages: arrived(found.messages, by, upto, "seen"),
  }));
}

/** What the other side wrote, up to a number, got so far; never backwards. */
function arrived(messages: MessageView[], by: AuthorKind, upto: number, delivery: DeliveryState): MessageView[] {
  return messages.map((message) =>
    message.seq <= upto && !sameSide(message.from.kind, by) && RANK[message.delivery] < RANK[delivery]
      ? { ...message, delivery }
      : message,
  );
}

/** A waiting customer's newest place. */
export function placed(known: Known, conversation: string, place: PlaceView): Known {
  return changeThread(known, conversation, (found) => ({ ...found, place }));
}

/** Adds what the history had. */
export function withHistory(known: Known, conversation: string, messages: readonly MessageView[]): Known {
  return changeThread(known, conversation, (found) => ({ ...found, messages: merge(found.messages, messages) }));
}

function offered(offers: ReadonlyMap<string, OfferView>, conversation: string, message: MessageView) {
  for (const [id, offer] of offers) {
    if (offer.conversation.id !== conversation) continue;
    const view = offer.conversation;
    const changed = { ...view, last: Math.max(view.last, message.seq), messages: merge(view.messages ?? [], [message]) };
    return new Map(offers).set(id, { ...offer, conversation: changed });
  }
  return offers;
}

function withThread(known: Known, changed: Thread): Known {
  return { ...known, threads: new Map(known.threads).set(changed.id, changed) };
}

function changeThread(known: Known, id: string, change: (found: Thread) => Thread): Known {
  const found = known.threads.get(id);
  return found ? withThread(known, change(found)) : known;
}
