// Where an answer goes, and where else it may go.

import { expect, test } from "vitest";
import { others, placeOf, pointOf } from "../src/console/points.ts";
import type { ContactPointView } from "../src/protocol.ts";
import { message } from "./views.ts";

const shop: ContactPointView = { id: "cpt_shop", channel: "email", address: "Ann@shop.test" };
const home: ContactPointView = { id: "cpt_home", channel: "email", address: "ann@home.test" };
const chat: ContactPointView = { id: "cpt_chat", channel: "web_chat" };
const ids = (points: ContactPointView[]) => points.map((it) => it.id);

test("an answer goes where the newest message came from, or where it was chosen to go", () => {
  const thread = { contact_points: [shop, chat, home], messages: [message(1, "customer", { contact_point: "cpt_chat" })] };
  expect(pointOf(thread)?.id).toBe("cpt_chat");
  expect(pointOf(thread, "cpt_shop")?.id).toBe("cpt_shop");
  expect(pointOf(thread, "cpt_gone")?.id).toBe("cpt_chat");
  // Of two with one address only the one used last is listed.
  expect(pointOf({ ...thread, messages: [message(2, "customer", { contact_point: "cpt_other" })] })?.id).toBe("cpt_home");
  expect(pointOf({ messages: [] })).toBeUndefined();
});

test("what did not get there may go to the others that take something", () => {
  const thread = { contact_points: [chat, { ...home, trouble: "complained" }, shop], messages: [] };
  expect(ids(others(thread, { contact_point: "cpt_shop", to: ["ann@SHOP.test"] }))).toEqual(["cpt_chat"]);
  expect(ids(others(thread, { contact_point: "cpt_chat", to: [] }))).toEqual(["cpt_shop"]);
  // It went to an address that was typed in: the customer's own is another one.
  expect(ids(others(thread, { contact_point: "cpt_shop", to: ["typo@shop.test"] }))).toEqual(["cpt_shop", "cpt_chat"]);
  expect([shop, chat].map(placeOf)).toEqual(["Ann@shop.test", "web chat"]);
});
