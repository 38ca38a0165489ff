// A customer and an agent talk: the offer with its reason, typing, delivered, seen, and nothing lost by a reload.
import { ensure, expect, until } from "../expect.mjs";
import { Agent, Customer, same, served, signIn } from "../pages.mjs";

export const chat = [
  [
    "a wrong password is refused in words, the right one opens console and dashboard until signing out",
    async (world) => {
      const context = await world.person();
      const page = await context.newPage();
      await page.goto(world.links.console);
      await signIn(page, { ...world.links.sign_in, password: "not the password" });
      await page.getByRole("alert").waitFor();
      await signIn(page, world.links.sign_in);
      await page.getByRole("button", { name: /^My state/ }).waitFor();
      await page.goto(world.links.dashboard);
      await page.locator(".figures").waitFor();
      await page.goto(world.links.console);
      await page.getByRole("button", { name: "Ada", exact: true }).click();
      await page.getByRole("menuitem", { name: "Sign out" }).click();
      await page.locator("input[name=password]").waitFor();
      await page.goto(world.links.dashboard);
      await page.locator("input[name=password]").waitFor();
    },
  ],
  [
    "the shop loads no chat before the button is pressed",
    async (world) => {
      const customer = await Customer.arrive(world);
      await customer.button.waitFor();
      expect(await customer.iframe.count(), 0, "frames before the press");
      await customer.openChat();
      expect(await customer.iframe.count(), 1, "frames after the press");
    },
  ],
  [
    "an agent is offline until they say otherwise, then is offered a conversation with its reason",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("offline");
      const customer = await Customer.arrive(world);
      await customer.openChat();
      await customer.write("Where is my parcel?");
      await customer.own("Where is my parcel?").waitFor();
      await until("the customer is told the place", async () => (await customer.state.innerText()).includes(customer.words.place_next));
      expect(await agent.offer.count(), 0, "offers while offline");
      await agent.go("online");
      await agent.offer.waitFor();
      const words = await agent.offer.innerText();
      ensure(/orders/i.test(words), `the offer says no reason: ${words}`);
      ensure(/Where is my parcel\?/.test(words), `the offer does not show the customer's words: ${words}`);
      await until("it counts down", async () => (await agent.offer.innerText()) !== words);
      await agent.accept();
      await agent.theirs("Where is my parcel?").waitFor();
      await until("the customer sees who answers", async () => /Ada/.test(await customer.state.innerText()));
      await agent.clearDesk();
    },
  ],
  [
    "both see who types, what was delivered and what was seen",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("online");
      const customer = await served(world, agent, "I have a question");
      await until("the agent has seen it", async () => /Seen/.test(await customer.own("I have a question").innerText()));
      await agent.composer.pressSequentially("One moment");
      await until("the customer sees typing", async () => /typing/i.test(await customer.widget.locator("body").innerText()));
      await customer.box.pressSequentially("It is");
      await until("the agent sees typing", async () => /typing/i.test(await agent.page.locator(".thread").innerText()));
      await agent.answer("One moment please");
      await customer.theirs("One moment please").waitFor();
      await until("the customer has seen it", async () => /Seen/.test(await agent.own("One moment please").innerText()));
      await customer.button.click();
      await customer.iframe.waitFor({ state: "hidden" });
      await agent.answer("Are you still there?");
      await until("it is delivered", async () => /Delivered/.test(await agent.own("Are you still there?").innerText()));
      await until("the button counts it", async () => /1/.test(await customer.button.innerText()));
      await customer.button.click();
      await until("it is seen now", async () => /Seen/.test(await agent.own("Are you still there?").innerText()));
      await agent.clearDesk();
    },
  ],
  [
    "after both reload nothing is missing, doubled or out of order",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("online");
      const wanted = ["Number 1 from the customer"];
      const customer = await served(world, agent, wanted[0]);
      for (let turn = 1; turn <= 3; turn += 1) {
        wanted.push(`Answer ${turn}`, `Thanks ${turn}`, `And ${turn}`);
        await agent.answer(`Answer ${turn}`);
        await customer.theirs(`Answer ${turn}`).waitFor();
        await customer.write(`Thanks ${turn}`);
        await customer.write(`And ${turn}`);
        await agent.theirs(`And ${turn}`).waitFor();
      }
      await same(customer, agent, wanted);
      await Promise.all([customer.page.reload(), agent.page.reload()]);
      await customer.openChat();
      await agent.stateControl.waitFor();
      if (!(await agent.composer.isVisible())) await agent.page.locator(".list button.row").first().click();
      await same(customer, agent, wanted);
      await customer.write("After the reload");
      await agent.theirs("After the reload").waitFor();
      await same(customer, agent, [...wanted, "After the reload"]);
      await agent.clearDesk();
    },
  ],
  [
    "the customer ends it, is told so, and can write again",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("online");
      const customer = await served(world, agent, "Just a short question");
      await customer.end();
      await until("the agent cannot answer any more", async () => !(await agent.composer.isVisible()));
      await customer.write("One more thing");
      await agent.offer.waitFor();
      await agent.accept();
      await agent.theirs("One more thing").waitFor();
      await agent.clearDesk();
    },
  ],
];
