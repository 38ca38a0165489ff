// Every page, light and dark, under axe's rules for WCAG 2.2 A and AA and its best practices.
import { until } from "../expect.mjs";
import { Agent, Customer } from "../pages.mjs";
import { faults } from "../world.mjs";
import { watch } from "./board.mjs";

/** Collects what axe finds, so that one run tells everything. */
class Findings {
  lines = new Set();

  async look(what, frame) {
    for (const fault of await faults(frame)) this.lines.add(`${what}: ${fault}`);
  }

  end() {
    if (this.lines.size) throw new Error([...this.lines].join("\n"));
  }
}

async function plain(world, colorScheme, path) {
  const context = await world.person({ colorScheme });
  const page = await context.newPage();
  await page.goto(new URL(path, world.links.home).href);
  await page.locator("h1").first().waitFor();
  const findings = new Findings();
  await findings.look(path, page);
  findings.end();
}

const both = (name, story) =>
  ["light", "dark"].map((scheme) => [`axe finds nothing: ${name}, ${scheme}`, (world) => story(world, scheme)]);

export const access = [
  ...both("start page", (world, scheme) => plain(world, scheme, "/")),
  ...both("shop", (world, scheme) => plain(world, scheme, "/shop/")),
  ...both("sign-in at the console", (world, scheme) => plain(world, scheme, "/console/")),
  ...both("sign-in at the dashboard", (world, scheme) => plain(world, scheme, "/dashboard/")),
  ...both("setup", (world, scheme) => plain(world, scheme, "/setup/?token=none")),
  ...both("widget, console and dashboard in use", async (world, colorScheme) => {
    const findings = new Findings();
    const agent = await Agent.signIn(world, { colorScheme });
    await findings.look("the console, nothing in hand", agent.page);
    await agent.go("online");
    const customer = await Customer.arrive(world, {}, { colorScheme });
    await customer.openChat();
    const chat = await customer.frame();
    await findings.look("the chat, empty", chat);
    await customer.write("For every eye and ear");
    await agent.offer.waitFor();
    await findings.look("the console with an offer", agent.page);
    await findings.look("the chat, waiting", chat);
    await agent.accept();
    await agent.answer("Of course");
    await customer.theirs("Of course").waitFor();
    await until("it is seen", async () => /Seen/.test(await agent.own("Of course").innerText()));
    await findings.look("the chat, served", chat);
    await customer.widget.getByRole("button", { name: customer.words.menu, exact: true }).click();
    await findings.look("the chat's menu", chat);
    await findings.look("the shop with the chat open", customer.page);
    await agent.page.locator("aside details[open]").first().waitFor();
    await findings.look("the console with a thread", agent.page);
    await agent.page.evaluate(() => document.activeElement?.blur());
    await agent.page.keyboard.press("?");
    await agent.page.getByRole("dialog").waitFor();
    await findings.look("the keys", agent.page);
    await agent.page.keyboard.press("Escape");
    await agent.page.keyboard.press("Control+k");
    await agent.page.getByRole("dialog").waitFor();
    await findings.look("the palette", agent.page);
    await agent.page.keyboard.press("Escape");
    await agent.stateControl.click();
    await findings.look("the menu of my state", agent.page);
    await agent.page.keyboard.press("Escape");
    const board = await watch(world, { colorScheme });
    await findings.look("the board", board);
    await board.locator(".conversations li", { hasText: "Ada" }).first().getByRole("button").first().click();
    await board.getByRole("dialog").waitFor();
    await findings.look("the board's case", board);
    await board.keyboard.press("Escape");
    await board.getByRole("button", { name: "Try it" }).click();
    await board.locator(".tried").waitFor();
    await findings.look("a policy that was tried", board);
    await agent.clearDesk();
    findings.end();
  }),
];
