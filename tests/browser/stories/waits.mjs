// Those who wait: place and promise updated by push, a long wait told as one, hands that are full, paused or writing up.
import { ensure, expect, until } from "../expect.mjs";
import { Agent, Customer, served } from "../pages.mjs";
import { watch } from "./board.mjs";

const ROOM = 5;

/** An agent whose hands are full, and the customers who fill them. */
async function full(world) {
  const agent = await Agent.signIn(world);
  await agent.go("online");
  const customers = [];
  for (let at = 1; at <= ROOM; at += 1) customers.push(await served(world, agent, `Parcel number ${at}`, { name: `Kim ${at}` }));
  return { agent, customers };
}

async function waiting(world, name) {
  const customer = await Customer.arrive(world, { name });
  await customer.openChat();
  await customer.write(`${name} waits`);
  await customer.own(`${name} waits`).waitFor();
  return customer;
}

/** Changes words of the policy in force; what it returns takes the change back. */
async function change(world, from, to) {
  const page = await watch(world);
  const api = `${world.links.api}/policy`;
  const before = await page.evaluate(async (it) => await (await fetch(it)).text(), api);
  const put = async (body) => {
    const headers = { "Content-Type": "text/plain" };
    const done = await page.evaluate(async ([it, init]) => (await fetch(it, init)).ok, [api, { method: "PUT", headers, body }]);
    ensure(done, "the policy is refused");
  };
  ensure(before.includes(from), `the policy does not say ${from}`);
  await put(before.replaceAll(from, to));
  return () => put(before);
}

const state = (customer) => customer.state.innerText();
const promised = async (customer) => /minute/.test(await state(customer));

export const waits = [
  [
    "place and promise come by push, move up, and a long wait is told as one",
    async (world) => {
      // What is learned of earlier stories makes every wait short: so a short one counts as long here.
      const restore = await change(world, "long_wait_s = 90", "long_wait_s = 1");
      const { agent } = await full(world);
      const first = await waiting(world, "Mira");
      const second = await waiting(world, "Noor");
      await until("the first is next", async () => (await state(first)).includes(first.words.place_next));
      await until("the first is promised a time", () => promised(first));
      const told = second.words.place.replace("{position}", "2");
      await until("the second is second", async () => (await state(second)).includes(told));
      await until("the second is promised a time", () => promised(second));
      // The place is kept for who leaves meanwhile.
      await until("the wait is told to be long", () => second.widget.getByText(second.words.long_wait).isVisible(), 30_000);
      await first.end();
      await until("the second moves up, untouched", async () => (await state(second)).includes(second.words.place_next));
      await second.end();
      await agent.clearDesk();
      await restore();
    },
  ],
  [
    "until the first answer the customer reads why this agent",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("online");
      const customer = await served(world, agent, "I want my money back", { topics: "refunds" });
      const why = customer.widget.locator(".promised");
      await why.waitFor();
      const words = (await why.innerText()).toLowerCase();
      ensure(words.includes(customer.words.speaks.replace("{language}", "english")), `the language is missing: ${words}`);
      ensure(words.includes(customer.words.knows_about.replace("{skill}", "refunds")), `the skill is missing: ${words}`);
      await agent.answer("Of course");
      await customer.theirs("Of course").waitFor();
      await why.waitFor({ state: "hidden" });
      await agent.clearDesk();
    },
  ],
  [
    "a paused channel offers nothing, and offers again when it is taken up",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("online");
      await agent.stateControl.click();
      await agent.page.getByRole("menuitem", { name: "Pause web chat" }).click();
      await until("it is told", async () => /not web chat/.test(await agent.stateControl.innerText()));
      const customer = await waiting(world, "Mira");
      await until("the customer has a place", async () => (await state(customer)).includes(customer.words.place_next));
      expect(await agent.offer.count(), 0, "offers while paused");
      await agent.page.keyboard.press("Control+k");
      await agent.page.keyboard.type("take up web");
      await agent.page.keyboard.press("Enter");
      await agent.offer.waitFor();
      ensure(!/not web chat/.test(await agent.stateControl.innerText()), "it still says paused");
      await agent.accept();
      await agent.clearDesk();
    },
  ],
  [
    "after a refund the room stays taken until it is written up",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("online");
      const room = agent.page.locator(".room");
      const taken = (points) => async () => (await room.innerText()).startsWith(`${points} of ${ROOM}`);
      const button = agent.page.getByRole("button", { name: /^Done writing up/ });
      // What an earlier story left to write up.
      if (await button.isVisible()) await button.click();
      await until("nothing is taken", taken(0));
      await served(world, agent, "My lamp came broken", { topics: "refunds" });
      await agent.page.getByRole("button", { name: "Close", exact: true }).click();
      await button.waitFor();
      const left = await button.innerText();
      await until("it counts down", async () => (await button.innerText()) !== left);
      await until("the room is still taken", taken(1));
      await button.click();
      await button.waitFor({ state: "hidden" });
      await until("the room is free", taken(0));
    },
  ],
  [
    "a conversation is closed as not solved, by mouse and by key, and can be undone",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("online");
      const customer = await served(world, agent, "Nobody could help me");
      await agent.pick("Close otherwise", "Close, not solved");
      await agent.page.getByRole("status").filter({ hasText: "Closed, not solved." }).waitFor();
      await customer.ended.waitFor();
      await agent.page.getByRole("button", { name: "Undo" }).click();
      await agent.offer.waitFor();
      await agent.accept();
      await agent.page.keyboard.press("Escape");
      await agent.page.keyboard.press("Shift+E");
      await agent.page.getByRole("status").filter({ hasText: "Closed, not solved." }).waitFor();
      await customer.ended.waitFor();
    },
  ],
  [
    "who waits with nobody online raises an alarm on the board, gone when somebody comes",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("offline");
      const customer = await waiting(world, "Mira");
      const board = await watch(world);
      const alarm = board.locator(".alarm");
      await alarm.filter({ hasText: "nobody who is online" }).waitFor({ timeout: 30_000 });
      ensure(/English/.test(await alarm.first().innerText()), "the alarm does not name the language");
      await agent.go("online");
      await agent.offer.waitFor();
      await agent.accept();
      await alarm.first().waitFor({ state: "hidden", timeout: 30_000 });
      await agent.clearDesk();
      await customer.leave();
    },
  ],
];
