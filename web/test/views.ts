// Messages and conversations to test with.

import type { ConversationView, MessageView } from "../src/protocol.ts";

export function message(seq: number, by: "customer" | "person" = "customer", more: Partial<MessageView> = {}): MessageView {
  return {
    id: `msg_${seq}`,
    seq,
    from: { kind: by },
    text: `text ${seq}`,
    contact_point: "cpt_1",
    channel: "web_chat",
    at_ms: 1_000 * seq,
    delivery: "sent",
    ...more,
  };
}

export function conversation(more: Partial<ConversationView> = {}): ConversationView {
  return {
    id: "cnv_1",
    state: "assigned",
    queue: "orders",
    channel: "web_chat",
    topics: [],
    fence: 1,
    opened_ms: 0,
    last: 0,
    seen_by_agent: 0,
    seen_by_customer: 0,
    ...more,
  };
}
