// The session client against a server made of hand: resume, gaps, confirmation, the outbox over cuts and reloads.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Outgoing } from "../src/outbox.ts";
import { Refused } from "../src/problem.ts";
import type { ClientFrame, ServerFrame, SessionEvent } from "../src/protocol.ts";
import { type Line, Session, type Socket, type Told } from "../src/session.ts";
import { memoryStore } from "../src/storage.ts";
import { conversation, message } from "./views.ts";

class Wire implements Socket {
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  sent: ClientFrame[] = [];
  closed: number | undefined;
  send(text: string) {
    this.sent.push(JSON.parse(text) as ClientFrame);
  }
  close(code?: number) {
    this.closed = code;
  }
  says(frame: ServerFrame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  welcomes(mode: "live" | "resume" | "snapshot", seq = 0) {
    this.says({
      type: "welcome",
      session: "ses_1",
      mode,
      seq,
      heartbeat_ms: 20_000,
      max_bytes: 65_536,
      level: "disk",
      now_ms: Date.now(),
    });
  }
  tells(seq: number, event: SessionEvent) {
    this.says({ type: "event", seq, event });
  }
  of<T extends ClientFrame["type"]>(type: T) {
    return this.sent.filter((frame): frame is Extract<ClientFrame, { type: T }> => frame.type === type);
  }
}

const SNAPSHOT: SessionEvent = {
  kind: "snapshot",
  me: { role: "customer", load: 0, capacity: 0 },
  conversations: [conversation()],
  offers: [],
};
const said = (seq: number, client_id?: string): SessionEvent => ({
  kind: "message",
  conversation: "cnv_1",
  message: message(seq, "customer", client_id ? { client_id } : {}),
});

function world() {
  const wires: Wire[] = [];
  const events: SessionEvent[] = [];
  const told: Told[] = [];
  const lines: Line[] = [];
  let outbox: Outgoing[] = [];
  const tab = memoryStore();
  const kept = memoryStore();
  const ticket = vi.fn(async () => "ticket");
  const page = () =>
    new Session({
      scope: "me",
      ticket,
      connect: () => {
        const wire = new Wire();
        wires.push(wire);
        return wire;
      },
      tab,
      kept,
      confirms: true,
      event: (event) => events.push(event),
      told: (frame) => told.push(frame),
      line: (line) => lines.push(line),
      outbox: (items) => {
        outbox = items.map((item) => ({ ...item }));
      },
    });
  return {
    wires,
    events,
    told,
    lines,
    ticket,
    tab,
    page,
    outbox: () => outbox,
    wire: () => wires.at(-1) as Wire,
    async open(session: Session, mode: "live" | "resume" | "snapshot" = "live", seq = 0) {
      await session.start();
      const wire = wires.at(-1) as Wire;
      wire.onopen?.();
      wire.welcomes(mode, seq);
      if (mode !== "resume") wire.tells(seq + 1, SNAPSHOT);
      return wire;
    },
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("a first hello names no session; after a cut it resumes with the last number", async () => {
  const it = world();
  const session = it.page();
  const first = await it.open(session);
  expect(first.sent[0]).toEqual({ type: "hello", protocol: 1 });
  first.tells(2, said(1));
  first.onclose?.({ code: 1006, reason: "" });
  await vi.advanceTimersByTimeAsync(1_000);
  const second = it.wire();
  second.onopen?.();
  expect(second.sent[0]).toEqual({ type: "hello", protocol: 1, session: "ses_1", seq: 2 });
  second.welcomes("resume", 2);
  second.tells(3, said(2));
  expect(it.events.map((event) => event.kind)).toEqual(["snapshot", "message", "message"]);
});

test("after a reload the session goes on with a snapshot, for the page has nothing", async () => {
  const it = world();
  await it.open(it.page());
  const session = it.page();
  await session.start();
  it.wire().onopen?.();
  expect(it.wire().sent[0]).toEqual({ type: "hello", protocol: 1, session: "ses_1" });
  expect(it.tab.keys("")).toEqual(["switchboard.session.me"]);
});

test.each([3, 1])("a number out of turn (%i) is never applied: it begins again with a snapshot", async (seq) => {
  const it = world();
  const session = it.page();
  const first = await it.open(session);
  first.tells(seq, said(1));
  await vi.advanceTimersByTimeAsync(0);
  expect(it.events.length).toBe(1);
  expect(first.closed).toBe(4_000);
  it.wire().onopen?.();
  expect(it.wire()).not.toBe(first);
  expect(it.wire().sent[0]).toEqual({ type: "hello", protocol: 1, session: "ses_1" });
});

test("arrival is confirmed soon, then at most once a second, or after 64 events", async () => {
  const it = world();
  const wire = await it.open(it.page());
  await vi.advanceTimersByTimeAsync(50);
  expect(wire.of("ack")).toEqual([{ type: "ack", seq: 1 }]);
  for (let seq = 2; seq <= 10; seq += 1) wire.tells(seq, said(seq));
  await vi.advanceTimersByTimeAsync(100);
  expect(wire.of("ack").length).toBe(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(wire.of("ack").at(-1)).toEqual({ type: "ack", seq: 10 });
  expect(wire.of("ack").length).toBe(2);
});

test("messages go one at a time, in order, and leave the box when they come back", async () => {
  const it = world();
  const session = it.page();
  const wire = await it.open(session);
  session.write(null, "one");
  session.write(null, "two");
  expect(wire.of("send").map((frame) => frame.text)).toEqual(["one"]);
  const [one] = it.outbox();
  wire.says({ type: "accepted", id: one?.id ?? "", conversation: "cnv_1", message: "msg_1", seq: 1, level: "disk" });
  expect(wire.of("send").map((frame) => frame.text)).toEqual(["one", "two"]);
  expect(it.outbox().map((item) => item.state)).toEqual(["accepted", "sending"]);
  wire.tells(2, said(1, one?.id));
  expect(it.outbox().map((item) => item.text)).toEqual(["two"]);
});

test("a message names the contact point that was chosen, also when it is tried again", async () => {
  const it = world();
  const session = it.page();
  const wire = await it.open(session);
  session.write("cnv_1", "one", undefined, "cpt_chat");
  const [one] = it.outbox();
  wire.says({ type: "rejected", id: one?.id ?? "", code: "invalid", detail: "no" });
  session.retry(one?.id ?? "");
  expect(wire.of("send").map((frame) => frame.contact_point)).toEqual(["cpt_chat", "cpt_chat"]);
  wire.says({ type: "rejected", id: it.outbox()[0]?.id ?? "", code: "invalid", detail: "no" });
  session.write("cnv_1", "two", { subject: "Two" }, "cpt_home");
  session.write("cnv_1", "three");
  expect(wire.of("mail").map((frame) => frame.contact_point)).toEqual(["cpt_home"]);
  wire.says({ type: "accepted", id: it.outbox()[1]?.id ?? "", conversation: "cnv_1", message: "msg_1", seq: 1, level: "disk" });
  expect(wire.of("send").at(-1)).not.toHaveProperty("contact_point");
});

test("a message that comes back before its answer makes room for the next", async () => {
  const it = world();
  const session = it.page();
  const wire = await it.open(session);
  session.write("cnv_1", "one");
  session.write("cnv_1", "two");
  const id = wire.of("send")[0]?.id ?? "";
  wire.tells(2, said(1, id));
  wire.says({ type: "accepted", id, conversation: "cnv_1", message: "msg_1", seq: 1, level: "disk" });
  expect(wire.of("send").map((frame) => frame.text)).toEqual(["one", "two"]);
});

test("a server that skips numbers again and again is not asked in a tight circle", async () => {
  const it = world();
  (await it.open(it.page())).tells(9, said(1));
  await vi.advanceTimersByTimeAsync(0);
  expect(it.wires.length).toBe(2);
  it.wire().onopen?.();
  it.wire().welcomes("snapshot", 0);
  it.wire().tells(9, said(1));
  await vi.advanceTimersByTimeAsync(999);
  expect(it.wires.length).toBe(2);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(it.wires.length).toBe(3);
});

test("an unanswered message is sent again under the same id: after a cut, and after a reload", async () => {
  const it = world();
  const session = it.page();
  const first = await it.open(session);
  session.write("cnv_1", "keep me");
  const id = first.of("send")[0]?.id;
  first.onclose?.({ code: 1006, reason: "" });
  await vi.advanceTimersByTimeAsync(1_000);
  it.wire().onopen?.();
  it.wire().welcomes("resume", 1);
  expect(it.wire().of("send")).toEqual([{ type: "send", id, conversation: "cnv_1", text: "keep me" }]);
  session.stop();
  const again = await it.open(it.page(), "snapshot", 1);
  expect(again.of("send")[0]?.id).toBe(id);
  again.says({ type: "accepted", id: id ?? "", conversation: "cnv_1", message: "msg_1", seq: 1, level: "disk" });
  again.tells(3, said(1, id));
  expect(it.outbox()).toEqual([]);
});

test("a message that came back in the snapshot is not sent again", async () => {
  const it = world();
  const session = it.page();
  const first = await it.open(session);
  session.write(null, "once");
  const id = first.of("send")[0]?.id ?? "";
  session.stop();
  const next = it.page();
  await next.start();
  it.wire().onopen?.();
  it.wire().welcomes("snapshot", 4);
  it.wire().tells(5, { ...SNAPSHOT, conversations: [conversation({ messages: [message(1, "customer", { client_id: id })] })] } as SessionEvent);
  expect(it.outbox()).toEqual([]);
});

test("too fast: the message waits at the head and goes again under its id", async () => {
  const it = world();
  const session = it.page();
  const wire = await it.open(session);
  session.write(null, "one");
  session.write(null, "two");
  const id = wire.of("send")[0]?.id ?? "";
  wire.says({ type: "rejected", id, code: "too_fast", detail: "wait", retry_ms: 700 });
  expect(wire.of("send").length).toBe(1);
  await vi.advanceTimersByTimeAsync(700);
  expect(wire.of("send").map((frame) => frame.id)).toEqual([id, id]);
});

test("a refused message stays with its reason; another try is a new request", async () => {
  const it = world();
  const session = it.page();
  const wire = await it.open(session);
  session.write(null, "bad");
  const id = wire.of("send")[0]?.id ?? "";
  wire.says({ type: "rejected", id, code: "conflict", detail: "it was closed" });
  expect(it.outbox()[0]).toMatchObject({ state: "failed", detail: "it was closed" });
  session.retry(id);
  expect(wire.of("send")[1]).toMatchObject({ text: "bad" });
  expect(wire.of("send")[1]?.id).not.toBe(id);
});

test("a request is answered even over a cut", async () => {
  const it = world();
  const session = it.page();
  const first = await it.open(session);
  const answer = session.request({ type: "accept", id: "r1", offer: "off_1" });
  first.onclose?.({ code: 1006, reason: "" });
  await vi.advanceTimersByTimeAsync(1_000);
  it.wire().onopen?.();
  it.wire().welcomes("resume", 1);
  expect(it.wire().of("accept").length).toBe(1);
  it.wire().says({ type: "accepted", id: "r1", level: "disk" });
  await expect(answer).resolves.toMatchObject({ type: "accepted" });
});

test("a restarting server says when to come back", async () => {
  const it = world();
  const wire = await it.open(it.page());
  wire.onclose?.({ code: 1012, reason: "retry_ms=4200" });
  await vi.advanceTimersByTimeAsync(4_100);
  expect(it.wires.length).toBe(1);
  await vi.advanceTimersByTimeAsync(200);
  expect(it.wires.length).toBe(2);
});

test("another page took the session: this one begins its own", async () => {
  const it = world();
  const wire = await it.open(it.page());
  wire.onclose?.({ code: 4009, reason: "" });
  await vi.advanceTimersByTimeAsync(10);
  it.wire().onopen?.();
  expect(it.wire().sent[0]).toEqual({ type: "hello", protocol: 1 });
});

test("a sign-in that has ended is told and not hammered", async () => {
  const it = world();
  it.ticket.mockRejectedValue(new Refused(401, "Sign in again"));
  await it.page().start();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(it.ticket).toHaveBeenCalledTimes(1);
  expect(it.lines.at(-1)).toMatchObject({ state: "refused", status: 401 });
});

test("a server that is away is tried again, ever more seldom", async () => {
  const it = world();
  it.ticket.mockRejectedValue(new Refused(0, "no answer"));
  await it.page().start();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(it.ticket.mock.calls.length).toBeGreaterThan(4);
  expect(it.ticket.mock.calls.length).toBeLessThan(12);
});

test("a line that answers no ping is cut from here", async () => {
  const it = world();
  const wire = await it.open(it.page());
  await vi.advanceTimersByTimeAsync(20_000);
  expect(wire.of("ping").length).toBe(1);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(wire.closed).toBe(4_000);
  expect(it.lines.at(-1)?.state).toBe("cut");
});
