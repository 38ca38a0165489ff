// What events do to what is known: order, repeats, watermarks.

import { expect, test } from "vitest";
import { apply, type Known, merge, NOTHING, placed, seen, withHistory } from "../src/conversations.ts";
import type { ConversationView, OfferView, SessionEvent } from "../src/protocol.ts";
import { conversation, message } from "./views.ts";

const me = { role: "agent", load: 0, capacity: 5 };
const snapshot = (conversations: ConversationView[], offers: OfferView[] = []): SessionEvent => ({
  kind: "snapshot",
  me,
  conversations,
  offers,
});
const after = (known: Known, ...events: SessionEvent[]) => events.reduce(apply, known);
const said = (seq: number, by?: "customer" | "person"): SessionEvent => ({
  kind: "message",
  conversation: "cnv_1",
  message: message(seq, by),
});
const thread = (known: Known) => known.threads.get("cnv_1");

test("messages stand in the order of their numbers, each once, however they come", () => {
  const known = after(NOTHING, snapshot([conversation()]), said(2), said(1), said(3), said(2));
  expect(thread(known)?.messages.map((it) => it.seq)).toEqual([1, 2, 3]);
  expect(thread(known)?.last).toBe(3);
});

test("a snapshot replaces everything", () => {
  const before = after(NOTHING, snapshot([conversation(), conversation({ id: "cnv_2" })]), said(1));
  const known = after(before, snapshot([conversation({ messages: [message(4)] })]));
  expect([...known.threads.keys()]).toEqual(["cnv_1"]);
  expect(thread(known)?.messages.map((it) => it.seq)).toEqual([4]);
});

test("a change of a conversation keeps its messages", () => {
  const known = after(NOTHING, snapshot([conversation({ messages: [message(1)], last: 1 })]), {
    kind: "conversation",
    conversation: conversation({ state: "parked", last: 1 }),
  });
  expect(thread(known)?.state).toBe("parked");
  expect(thread(known)?.messages.length).toBe(1);
});

test("delivery only moves forward", () => {
  const of = (kind: "delivered" | "seen"): SessionEvent => ({ kind, conversation: "cnv_1", by: "customer", upto: 1 });
  const known = after(NOTHING, snapshot([conversation()]), said(1, "person"), of("seen"), of("delivered"));
  expect(thread(known)?.messages[0]?.delivery).toBe("seen");
  expect(merge([message(1, "person", { delivery: "seen" })], [message(1, "person")])[0]?.delivery).toBe("seen");
});

test("what the customer has seen is what the agent's side wrote, up to the mark", () => {
  const all = after(NOTHING, snapshot([conversation()]), said(1), said(2, "person"), said(3, "person"));
  const known = after(all, { kind: "seen", conversation: "cnv_1", by: "customer", upto: 2 });
  expect(thread(known)?.messages.map((it) => it.delivery)).toEqual(["sent", "seen", "sent"]);
  expect(thread(known)?.seen_by_customer).toBe(2);
  expect(thread(seen(known, "cnv_1", "person", 3))?.messages.map((it) => it.delivery)).toEqual(["seen", "seen", "sent"]);
});

test("whose turn it is follows from the newest message", () => {
  const asked = after(NOTHING, snapshot([conversation()]), said(1), said(2));
  expect(thread(asked)?.waiting_since_ms).toBe(1_000);
  expect(thread(after(asked, said(3, "person")))?.waiting_since_ms).toBeNull();
});

test("offers come, grow with what is written meanwhile, and end", () => {
  const offer: OfferView = {
    id: "off_1",
    conversation: conversation({ id: "cnv_9", state: "offered", messages: [message(1)] }),
    why: [],
    waited_ms: 0,
    made_ms: 0,
    until_ms: 10,
  };
  const made = after(NOTHING, snapshot([]), { kind: "offer", offer }, { kind: "message", conversation: "cnv_9", message: message(2) });
  expect(made.offers.get("off_1")?.conversation.messages?.length).toBe(2);
  const ended = after(made, { kind: "offer_ended", offer: "off_1", why: "timed_out" });
  expect(ended.offers.size).toBe(0);
  expect(ended.lost?.offer.id).toBe("off_1");
  expect(after(made, { kind: "offer_ended", offer: "off_1", why: "accepted" }).lost).toBeNull();
});

test("a conversation that left is gone, and its late messages are not kept", () => {
  const known = after(NOTHING, snapshot([conversation()]), { kind: "conversation_left", conversation: "cnv_1" }, said(1));
  expect(known.threads.size).toBe(0);
});

test("history goes in before what is there, a place replaces the last one, a name is learned", () => {
  const known = after(NOTHING, snapshot([conversation({ messages: [message(3)], holder: { kind: "person", agent: "agt_1" } })]));
  expect(thread(withHistory(known, "cnv_1", [message(1), message(2)]))?.messages.map((it) => it.seq)).toEqual([1, 2, 3]);
  expect(thread(placed(known, "cnv_1", { position: 2 }))?.place?.position).toBe(2);
  expect(thread(after(known, { kind: "named", agent: "agt_1", name: "Ada" }))?.holder?.name).toBe("Ada");
});
