// The conversations that a session knows, kept in step with its events. The same for widget and console.
import { signal } from "@preact/signals";
import type { ConversationView, Me, MessageView, OfferView, ServerFrame, SessionEvent } from "./protocol.ts";

export class Conversations {
  readonly me = signal<Me | undefined>(undefined);
  readonly all = signal<ReadonlyMap<string, ConversationView>>(new Map());
  readonly offers = signal<readonly OfferView[]>([]);
  /** Until when somebody types, by conversation. */
  readonly typing = signal<ReadonlyMap<string, number>>(new Map());
  readonly loaded = signal(false);

  apply(event: SessionEvent) {
    switch (event.kind) {
      case "snapshot":
        this.me.value = event.me;
        this.offers.value = event.offers;
        this.all.value = new Map(event.conversations.map((it) => [it.id, it]));
        this.loaded.value = true;
        break;
      case "me":
        this.me.value = { ...event.me, role: this.me.value?.role ?? event.me.role };
        break;
      case "conversation": {
        const known = this.all.value.get(event.conversation.id);
        const messages = event.conversation.messages?.length ? event.conversation.messages : (known?.messages ?? []);
        this.put({ ...event.conversation, messages });
        break;
      }
      case "conversation_left": {
        const rest = new Map(this.all.value);
        rest.delete(event.conversation);
        this.all.value = rest;
        break;
      }
      case "message":
        this.change(event.conversation, (it) => ({
          ...it,
          messages: insert(it.messages ?? [], event.message),
          last: Math.max(it.last, event.message.seq),
          waiting_since_ms:
            event.message.from.kind === "customer" ? (it.waiting_since_ms ?? event.message.at_ms) : null,
        }));
        this.offers.value = this.offers.value.map((offer) =>
          offer.conversation.id === event.conversation
            ? {
                ...offer,
                conversation: {
                  ...offer.conversation,
                  messages: insert(offer.conversation.messages ?? [], event.message),
                },
              }
            : offer,
        );
        this.stopTyping(event.conversation);
        break;
      case "delivery":
        this.change(event.conversation, (it) => ({
          ...it,
          messages: (it.messages ?? []).map((message) =>
            message.id === event.message && message.delivery === "sent"
              ? { ...message, delivery: event.state }
              : message,
          ),
        }));
        break;
      case "seen":
        this.change(event.conversation, (it) => ({
          ...it,
          messages: (it.messages ?? []).map((message) =>
            message.seq <= event.upto && (message.from.kind === "customer") !== (event.by === "customer")
              ? { ...message, delivery: "seen" as const }
              : message,
          ),
        }));
        break;
      case "offer":
        this.offers.value = [...this.offers.value.filter((it) => it.id !== event.offer.id), event.offer];
        break;
      case "offer_ended":
        this.offers.value = this.offers.value.filter((it) => it.id !== event.offer);
        break;
    }
  }

  notice(frame: ServerFrame) {
    if (frame.type === "typing") {
      const typing = new Map(this.typing.value);
      typing.set(frame.conversation, Date.now() + 6_000);
      this.typing.value = typing;
      setTimeout(() => {
        if ((this.typing.value.get(frame.conversation) ?? 0) <= Date.now()) this.stopTyping(frame.conversation);
      }, 6_050);
    }
    if (frame.type === "place") this.change(frame.conversation, (it) => ({ ...it, place: frame.place }));
  }

  /** Older messages, read on demand. */
  prepend(id: string, older: readonly MessageView[]) {
    this.change(id, (it) => ({ ...it, messages: older.reduce(insert, it.messages ?? []) }));
  }

  private stopTyping(id: string) {
    if (!this.typing.value.has(id)) return;
    const typing = new Map(this.typing.value);
    typing.delete(id);
    this.typing.value = typing;
  }

  private put(conversation: ConversationView) {
    const all = new Map(this.all.value);
    all.set(conversation.id, conversation);
    this.all.value = all;
  }

  private change(id: string, change: (it: ConversationView) => ConversationView) {
    const known = this.all.value.get(id);
    if (known) this.put(change(known));
  }
}

/** Each number once, in order. */
function insert(messages: MessageView[], message: MessageView): MessageView[] {
  const rest = messages.filter((it) => it.seq !== message.seq);
  const at = rest.findIndex((it) => it.seq > message.seq);
  return at < 0 ? [...rest, message] : [...rest.slice(0, at), message, ...rest.slice(at)];
}
