// The line is cut, on either side and in the middle of writing: what was written is kept, and sent exactly once.
import { ensure, until } from "../expect.mjs";
import { Agent, Customer, same, served, signedIn } from "../pages.mjs";

/** Puts a switch between a page's session and the server. To be called before the page opens its session. */
async function breaker(context) {
  const sockets = new Set();
  let cut = false;
  let swallow = false;
  await context.routeWebSocket(/\/api\/v1\/socket/, (near) => {
    if (cut) {
      near.close({ code: 1011, reason: "cut" });
      return;
    }
    const far = near.connectToServer();
    const pair = { near, far };
    sockets.add(pair);
    // An accepted send whose answer is lost: the server has it, the page does not know.
    far.onMessage((message) => {
      if (!swallow) near.send(message);
    });
    near.onMessage((message) => far.send(message));
    near.onClose((code, reason) => {
      sockets.delete(pair);
      far.close({ code, reason });
    });
    far.onClose((code, reason) => {
      sockets.delete(pair);
      near.close({ code, reason });
    });
  });
  return {
    open() {
      cut = swallow = false;
    },
    /** Something that the server says. */
    say(frame) {
      for (const { near } of sockets) near.send(JSON.stringify(frame));
    },
    loseAnswers() {
      swallow = true;
    },
    cut() {
      cut = true;
      for (const { near, far } of sockets) {
        far.close({ code: 4000, reason: "" });
        near.close({ code: 1011, reason: "cut" });
      }
      sockets.clear();
    },
  };
}

async function behindBreaker(world) {
  const agent = await Agent.signIn(world);
  const customer = new Customer(...(await pageOf(world)));
  const line = await breaker(customer.context);
  await customer.page.goto(`${world.links.widget}?topics=orders&name=Mira`);
  await customer.openChat();
  await agent.go("online");
  return { agent, customer, line };
}

async function pageOf(world) {
  const context = await world.person();
  return [await context.newPage(), context];
}

async function begin(agent, customer, first) {
  await customer.write(first);
  await agent.offer.waitFor();
  await agent.accept();
  await agent.theirs(first).waitFor();
}

export const cuts = [
  [
    "what a customer writes during a cut is kept and sent once",
    async (world) => {
      const { agent, customer, line } = await behindBreaker(world);
      await begin(agent, customer, "Before the cut");
      line.cut();
      await until("the customer is told", () => customer.widget.getByText(customer.words.reconnecting).isVisible());
      await customer.write("During the cut, one");
      await customer.write("During the cut, two");
      await agent.answer("Said meanwhile");
      ensure(!(await agent.lines()).includes("During the cut, one"), "the cut does not cut");
      line.open();
      await agent.theirs("During the cut, two").waitFor({ timeout: 45_000 });
      await customer.theirs("Said meanwhile").waitFor();
      await same(customer, agent, ["Before the cut", "Said meanwhile", "During the cut, one", "During the cut, two"]);
      await agent.clearDesk();
    },
  ],
  [
    "while the server takes nothing, customer and agent are told so, and are told when it does again",
    async (world) => {
      const context = await signedIn(world, { viewport: { width: 1360, height: 820 } });
      const desk = await breaker(context);
      const agent = await Agent.at(world, context);
      await agent.go("online");
      const customer = new Customer(...(await pageOf(world)));
      const line = await breaker(customer.context);
      await customer.page.goto(`${world.links.widget}?topics=orders&name=Mira`);
      await customer.openChat();
      await begin(agent, customer, "Hello");
      const banners = [
        customer.widget.getByRole("status").filter({ hasText: customer.words.paused }),
        agent.page.getByRole("status").filter({ hasText: "Nothing can be stored just now" }),
      ];
      for (const banner of banners) ensure(!(await banner.isVisible()), "it is told too early");
      for (const way of [line, desk]) way.say({ type: "paused", paused: true });
      for (const banner of banners) await banner.waitFor();
      for (const way of [line, desk]) way.say({ type: "paused", paused: false });
      for (const banner of banners) await banner.waitFor({ state: "hidden" });
      // A new line begins without it.
      line.say({ type: "paused", paused: true });
      await banners[0].waitFor();
      line.cut();
      line.open();
      await banners[0].waitFor({ state: "hidden" });
      await customer.write("Still here");
      await agent.theirs("Still here").waitFor({ timeout: 45_000 });
      await agent.clearDesk();
    },
  ],
  [
    "a message whose answer was lost is not doubled",
    async (world) => {
      const { agent, customer, line } = await behindBreaker(world);
      await begin(agent, customer, "First");
      line.loseAnswers();
      await customer.write("Did you get this?");
      await agent.theirs("Did you get this?").waitFor();
      line.cut();
      line.open();
      await until("it is known to be sent", async () => /Sent|Delivered|Seen/.test(await customer.own("Did you get this?").innerText()), 45_000);
      await same(customer, agent, ["First", "Did you get this?"]);
      await agent.clearDesk();
    },
  ],
  [
    "what was written during a cut outlasts a reload",
    async (world) => {
      const { agent, customer, line } = await behindBreaker(world);
      await begin(agent, customer, "Before");
      line.cut();
      await customer.write("Written, then reloaded");
      await customer.own("Written, then reloaded").waitFor();
      line.open();
      await customer.page.reload();
      await customer.openChat();
      await agent.theirs("Written, then reloaded").waitFor();
      await same(customer, agent, ["Before", "Written, then reloaded"]);
      await agent.clearDesk();
    },
  ],
  [
    "an agent's answer during a cut is sent once, and the console says how old it is",
    async (world) => {
      const context = await signedIn(world, { viewport: { width: 1360, height: 820 } });
      const line = await breaker(context);
      const agent = await Agent.at(world, context);
      await agent.go("online");
      const customer = await served(world, agent, "Are you there?");
      line.cut();
      await agent.page.getByRole("status").filter({ hasText: "No line to the server for" }).waitFor();
      await agent.answer("Yes, I am");
      ensure(!(await customer.lines()).includes("Yes, I am"), "the cut does not cut");
      line.open();
      await customer.theirs("Yes, I am").waitFor({ timeout: 45_000 });
      await same(customer, agent, ["Are you there?", "Yes, I am"]);
      await agent.clearDesk();
    },
  ],
];
