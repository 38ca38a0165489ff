// The tasks of an agent's day: by keyboard alone, park and take up, hand over, close and open again, drafts.
import { ensure, expect, until } from "../expect.mjs";
import { Agent, Customer, served } from "../pages.mjs";

export const desk = [
  [
    "an agent accepts and answers by keyboard alone",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("online");
      await agent.page.evaluate(() => document.activeElement?.blur());
      const customer = await Customer.arrive(world);
      await customer.openChat();
      await customer.write("By keyboard, please");
      await agent.offer.waitFor();
      const keys = agent.page.keyboard;
      await keys.press("a");
      await agent.theirs("By keyboard, please").waitFor();
      const focused = () => agent.composer.evaluate((it) => it === document.activeElement);
      await until("the composer has the focus", focused);
      await keys.type("Written without a mouse");
      await keys.press("Control+Enter");
      await customer.theirs("Written without a mouse").waitFor();
      await keys.press("Escape");
      ensure(!(await focused()), "Escape does not leave the composer");
      await keys.press("r");
      await until("r goes back to it", focused);
      await keys.press("Escape");
      await keys.press("?");
      await agent.page.getByRole("dialog").filter({ hasText: "Keys" }).waitFor();
      await keys.press("Escape");
      await agent.page.getByRole("dialog").waitFor({ state: "hidden" });
      await keys.press("e");
      await customer.ended.waitFor();
      await agent.clearDesk();
    },
  ],
  [
    "an agent declines by keyboard, and the customer goes on waiting",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("online");
      await agent.page.evaluate(() => document.activeElement?.blur());
      const customer = await Customer.arrive(world);
      await customer.openChat();
      await customer.write("Not for you");
      await agent.offer.waitFor();
      await agent.page.keyboard.press("d");
      await agent.offer.waitFor({ state: "hidden" });
      expect(await agent.composer.count(), 0, "composers after declining");
      ensure(await customer.own("Not for you").isVisible(), "the customer's words are gone");
      await customer.end();
    },
  ],
  [
    "a parked conversation comes back with the customer's next words",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("online");
      const customer = await served(world, agent, "I will look for the number");
      await agent.pick("Park", "Until the customer writes");
      await agent.page.getByRole("button", { name: /take up/i }).waitFor();
      await agent.page.getByRole("button", { name: /take up/i }).click();
      await agent.composer.waitFor();
      await agent.pick("Park", "Until the customer writes");
      await agent.page.getByRole("button", { name: /take up/i }).waitFor();
      await customer.write("It is 4711");
      await until("it is in hand or offered again", async () =>
        (await agent.offer.isVisible()) || (await agent.composer.isVisible()));
      if (await agent.offer.isVisible()) await agent.accept();
      await agent.theirs("It is 4711").waitFor();
      await agent.clearDesk();
    },
  ],
  [
    "a conversation is handed over to another queue and comes with its words",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("online");
      const customer = await served(world, agent, "I want my money back");
      await agent.pick("Hand over", /refunds/i);
      await agent.offer.waitFor();
      ensure(/refunds|handed over/i.test(await agent.offer.innerText()), "the offer does not say why");
      await agent.accept();
      await agent.theirs("I want my money back").waitFor();
      await agent.answer("It is on its way");
      await customer.theirs("It is on its way").waitFor();
      await agent.clearDesk();
    },
  ],
  [
    "a draft is kept across a reload and goes only where it was written",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("online");
      const customer = await served(world, agent, "Which lamp is the brightest?");
      await agent.composer.fill("I think it is the Birk, but");
      await agent.page.reload();
      await agent.stateControl.waitFor();
      if (!(await agent.composer.isVisible())) await agent.page.locator(".list button.row").first().click();
      expect(await agent.composer.inputValue(), "I think it is the Birk, but", "the draft");
      await agent.answer("The Birk is the brightest.");
      await customer.theirs("The Birk is the brightest.").waitFor();
      expect(await customer.lines(), ["Which lamp is the brightest?", "The Birk is the brightest."], "the customer's lines");
      await agent.clearDesk();
    },
  ],
  [
    "the record beside the thread says why it came here",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("online");
      await served(world, agent, "Why you?");
      const about = agent.page.getByRole("complementary");
      await until("the decision is there", async () => /Ada/.test(await about.innerText()));
      await agent.clearDesk();
    },
  ],
  [
    "the palette does what a button does",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("online");
      await agent.page.keyboard.press("Control+k");
      const palette = agent.page.getByRole("dialog").filter({ has: agent.page.getByRole("listbox") });
      await palette.waitFor();
      await agent.page.keyboard.type("away");
      await agent.page.keyboard.press("Enter");
      await agent.is("away");
      await agent.go("online");
    },
  ],
];
