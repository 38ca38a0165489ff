// What people do in the pages, by what they perceive there: names, roles and words. If a page changes, this file follows.
import { readFileSync } from "node:fs";
import { expect, until } from "./expect.mjs";

/** What the chat says in a language. */
export const texts = (language) =>
  JSON.parse(readFileSync(new URL(`../../web/texts/${language}.json`, import.meta.url), "utf8"));

/** The customer at the demo shop. */
export class Customer {
  static async arrive(world, query = {}, options = {}) {
    const context = await world.person(options);
    const customer = new Customer(await context.newPage(), context, query.language);
    await customer.page.goto(`${world.links.widget}?${new URLSearchParams({ topics: "orders", name: "Mira", ...query })}`);
    return customer;
  }

  constructor(page, context, language = "en") {
    this.page = page;
    this.context = context;
    this.words = texts(language);
    this.button = page.locator("button[aria-expanded]").first();
    this.iframe = page.locator("iframe");
    this.widget = page.frameLocator("iframe");
    this.box = this.widget.getByRole("textbox").first();
    this.log = this.widget.getByRole("log");
    this.state = this.widget.locator("header [role=status]");
    this.ended = this.widget.locator(".ended");
  }

  async openChat() {
    await this.button.click();
    await this.box.waitFor();
    await until("the state is told", async () => (await this.state.innerText()).trim().length > 5);
  }

  async write(text) {
    await this.box.fill(text);
    await this.box.press("Enter");
  }

  async choose(item) {
    await this.widget.getByRole("button", { name: this.words.menu, exact: true }).click();
    await this.widget.getByRole("menuitem", { name: item }).click();
  }

  /** Ends the conversation, and says that it is meant. */
  async end() {
    await this.choose(this.words.end);
    await this.widget.getByRole("dialog").getByRole("button", { name: this.words.end }).click();
    await this.ended.waitFor();
  }

  own = (text) => this.log.locator(".message.own", { hasText: text });
  theirs = (text) => this.log.locator(".message:not(.own)", { hasText: text });
  lines = () => lines(this.log);
  frame = async () => await (await this.iframe.elementHandle()).contentFrame();
  leave = () => this.context.close();
}

/** The agent at the console. */
export class Agent {
  static async signIn(world, options = {}) {
    return await Agent.at(world, await signedIn(world, { viewport: { width: 1360, height: 820 }, ...options }));
  }

  /** At the console, in a context that is signed in. */
  static async at(world, context) {
    const agent = new Agent(await context.newPage(), context);
    await agent.page.goto(world.links.console);
    await agent.stateControl.waitFor();
    return agent;
  }

  /** After a story that failed halfway: takes up what is left and ends it. */
  static async tidy(world) {
    const agent = await Agent.signIn(world);
    await agent.go("online");
    const end = Date.now() + 4_000;
    while (Date.now() < end) {
      await agent.clearDesk();
      if (await agent.offer.first().isVisible()) await agent.offer.first().getByRole("button", { name: "Accept", exact: true }).click();
      await agent.page.waitForTimeout(200);
    }
    await agent.go("offline");
  }

  constructor(page, context) {
    this.page = page;
    this.context = context;
    this.stateControl = page.getByRole("button", { name: /^My state/ });
    this.offer = page.locator(".offer");
    this.composer = page.locator("#composer");
    this.log = page.getByRole("log");
    this.list = page.getByRole("navigation", { name: "Conversations" });
  }

  async go(state) {
    await this.stateControl.click();
    await this.page.getByRole("menuitemradio", { name: new RegExp(`^${state}`, "i") }).click();
    await this.is(state);
  }

  /** The state as the server has confirmed it. */
  async is(state) {
    await this.page.getByRole("button", { name: new RegExp(`^My state: ${state}$`, "i") }).waitFor();
  }

  async accept() {
    await this.offer.getByRole("button", { name: "Accept", exact: true }).click();
    await this.composer.waitFor();
  }

  async answer(text) {
    await this.composer.fill(text);
    await this.composer.press("Control+Enter");
  }

  async pick(menu, item) {
    await this.page.getByRole("button", { name: menu, exact: true }).click();
    await this.page.getByRole("menuitem", { name: item }).first().click();
  }

  /** Ends everything in hand, so that the next story starts with an empty desk. */
  async clearDesk() {
    const mine = this.page.locator('.list section[aria-label^="Mine"] button.row, .list section[aria-label="Parked"] button.row');
    for (let left = await mine.count(); left > 0; left -= 1) {
      await mine.first().click();
      const close = this.page.getByRole("button", { name: "Close", exact: true });
      const back = this.page.getByRole("button", { name: /take up/i });
      await close.or(back).waitFor();
      if (await back.isVisible()) await back.click();
      await close.click();
      await until("it is closed", async () => (await mine.count()) < left);
    }
  }

  own = (text) => this.log.locator(".message.own", { hasText: text });
  theirs = (text) => this.log.locator(".message:not(.own)", { hasText: text });
  lines = () => lines(this.log);
  leave = () => this.context.close();
}

/** A browser in which the agent is signed in: by the form the first time, by its cookie from then on. */
export async function signedIn(world, options = {}) {
  if (!world.signedIn) {
    const context = await world.person();
    const page = await context.newPage();
    await page.goto(world.links.console);
    await signIn(page, world.links.sign_in);
    await page.getByRole("button", { name: /^My state/ }).waitFor();
    world.signedIn = await context.storageState();
    await context.close();
  }
  return await world.person({ ...options, storageState: { cookies: world.signedIn.cookies, origins: [] } });
}

export async function signIn(page, { name, password }) {
  // In a demo the form fills itself in, a moment later.
  await page.waitForLoadState("networkidle");
  await page.locator("input[name=name]").fill(name);
  await page.locator("input[name=password]").fill(password);
  await page.locator("input[name=password]").press("Enter");
}

/** A customer who is being served: the common beginning of most stories. */
export async function served(world, agent, first, query) {
  const customer = await Customer.arrive(world, query);
  await customer.openChat();
  await customer.write(first);
  await agent.offer.waitFor();
  await agent.accept();
  await agent.theirs(first).waitFor();
  return customer;
}

async function lines(log) {
  return await log.locator(".message .bubble:not(.greeting, .typing-dots)").allInnerTexts();
}

/** Both see the same lines, each once, in the same order. */
export async function same(customer, agent, wanted) {
  await until("the customer has all lines", async () => (await customer.lines()).length >= wanted.length);
  await until("the agent has all lines", async () => (await agent.lines()).length >= wanted.length);
  expect(await customer.lines(), wanted, "the customer's lines");
  expect(await agent.lines(), wanted, "the agent's lines");
}
