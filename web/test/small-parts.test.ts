// The small pure parts: waits, storage that refuses, the outbox's bounds, finding, contrast, figures.

import { expect, test, vi } from "vitest";
import { askedFor, backoff, LEAST_MS, MOST_MS } from "../src/backoff.ts";
import { find } from "../src/console/search.ts";
import { because } from "../src/console/understood.tsx";
import { path } from "../src/dashboard/figures.tsx";
import { clock, languageName, promise, span } from "../src/format.ts";
import { Outbox } from "../src/outbox.ts";
import { browserStore, memoryStore } from "../src/storage.ts";
import { contrast, parse, readable } from "../src/widget/accent.ts";

test("the wait grows to 30 s, never below 1 s, and is spread", () => {
  expect(backoff(0, 0)).toBe(LEAST_MS);
  expect(backoff(3, 0.5)).toBe(4_000);
  expect(backoff(50, 1)).toBe(MOST_MS);
  expect(askedFor("retry_ms=1500")).toBe(1_500);
  expect(askedFor("retry_ms=9999999")).toBe(MOST_MS);
  expect(askedFor("bye")).toBeNull();
});

test("a browser that refuses to store costs only the reload", () => {
  vi.stubGlobal("localStorage", {
    getItem: () => null,
    setItem() {
      throw new DOMException("full", "QuotaExceededError");
    },
    removeItem() {},
    key: () => null,
    length: 0,
  });
  const store = browserStore("localStorage");
  store.set("a.1", "x");
  expect(store.get("a.1")).toBe("x");
  expect(store.keys("a.")).toEqual(["a.1"]);
  store.remove("a.1");
  expect(store.get("a.1")).toBeNull();
  vi.unstubAllGlobals();
});

test("the outbox forgets what the server no longer knows, skips what is broken, and is bounded", () => {
  const store = memoryStore();
  const day = 24 * 3_600_000;
  store.set("switchboard.out.me.old", JSON.stringify({ id: "old", conversation: null, text: "a", at_ms: 0, state: "queued" }));
  store.set("switchboard.out.me.bad", "{");
  store.set("switchboard.out.me.new", JSON.stringify({ id: "new", conversation: null, text: "b", at_ms: day, state: "sending" }));
  store.set("switchboard.out.you.else", JSON.stringify({ id: "else", conversation: null, text: "c", at_ms: day, state: "queued" }));
  const box = new Outbox("me", store, day + 1, () => undefined);
  expect(box.items().map((item) => [item.id, item.state])).toEqual([["new", "queued"]]);
  expect(store.keys("switchboard.out.me.")).toEqual(["switchboard.out.me.new"]);
  let taken = 0;
  for (let at = 0; at < 300; at += 1) {
    taken += Number(box.add({ id: `i${at}`, conversation: null, text: "x", at_ms: day, state: "queued" }));
  }
  expect(taken).toBe(199);
});

test("what changes in the outbox is handed out as another object, since pages draw anew by that alone", () => {
  const box = new Outbox("me", memoryStore(), 0, () => undefined);
  box.add({ id: "one", conversation: null, text: "x", at_ms: 1, state: "sending" });
  const [before] = box.items();
  box.change("one", { state: "failed", detail: "nothing goes there" });
  const [after] = box.items();
  expect([before?.state, after?.state]).toEqual(["sending", "failed"]);
});

test("a few letters find an entry; beginnings count more", () => {
  const entries = ["Go offline", "Hand over to queue orders", "Close the conversation"].map((name) => ({ name }));
  expect(find("ho", entries)[0]?.name).toBe("Hand over to queue orders");
  expect(find("close", entries).map((it) => it.name)).toEqual(["Close the conversation"]);
  expect(find("xyz", entries)).toEqual([]);
  expect(find("", entries).length).toBe(3);
});

test("any accent becomes readable", () => {
  const white: [number, number, number] = [255, 255, 255];
  for (const colour of ["#ffee00", "#0af", "#123456", "#ffffff"]) {
    const parsed = parse(colour);
    expect(parsed).not.toBeNull();
    if (parsed) expect(contrast(readable(parsed, white, [0, 0, 0], 4.5), white)).toBeGreaterThanOrEqual(4.5);
  }
  expect(parse("red;}")).toBeNull();
});

test("times are said as people say them", () => {
  expect([span(4_000), span(185_000), span(7_500_000), span(-5)]).toEqual(["4 s", "3 min", "2 h 05", "0 s"]);
  expect([clock(42_000), clock(725_000), clock(3_725_000)]).toEqual(["0:42", "12:05", "1:02:05"]);
  expect(languageName("es")).toBe("Spanish");
  expect(languageName("not a tag")).toBe("not a tag");
});

test("a line starts from zero, and a gap is a gap", () => {
  expect(path([0, 4, null, 2], 4)).toBe("M0.0 46.0L80.0 2.0M240.0 24.0");
});

test("a promise with equal ends is one figure", () => {
  expect(promise(null)).toBe("–");
  expect(promise([5, 5])).toBe("5 s");
  expect(promise([5, 40])).toBe("5–40 s");
  expect(promise([70, 220])).toBe("1–4 min");
  expect(promise([95, 118])).toBe("2 min");
});

test("reasons are told in words, the customer's own in quotation marks", () => {
  expect(because({ kind: "words", words: "still broken" })).toBe("“still broken”");
  expect(because({ kind: "contacts", count: 3 })).toBe("contact number 3 in a week");
  expect(because({ kind: "waited", count: 600 })).toBe("has waited 10 min");
  expect(because({ kind: "something_new" })).toBe("something new");
});
