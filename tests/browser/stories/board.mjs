// The dashboard: live figures, and everything opens into the case behind it.
import { ensure, until } from "../expect.mjs";
import { Agent, served, signedIn } from "../pages.mjs";

export async function watch(world, options = {}, path = "") {
  const context = await signedIn(world, { viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  await page.goto(`${world.links.dashboard}${path}`);
  await page.locator(".figures").waitFor();
  return page;
}

export const board = [
  [
    "the board shows what happens, and opens the decision behind a conversation",
    async (world) => {
      const agent = await Agent.signIn(world);
      await agent.go("online");
      const page = await watch(world);
      const customer = await served(world, agent, "Seen on the board?");
      const row = page.locator(".conversations li", { hasText: "Ada" }).first();
      await row.waitFor();
      for (const name of ["Waiting", "Oldest wait", "Service level", "Free capacity", "Handled", "orders", "refunds"])
        ensure((await page.locator("main").innerText()).toLowerCase().includes(name.toLowerCase()), `the board does not show ${name}`);
      await row.getByRole("button").first().click();
      const dialog = page.getByRole("dialog");
      await dialog.waitFor();
      await until("the winner is named", async () => /Ada/.test(await dialog.innerText()));
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "hidden" });
      await agent.clearDesk();
      await row.waitFor({ state: "hidden" });
      await customer.leave();
    },
  ],
  [
    "the wall board is larger and needs no mouse",
    async (world) => {
      const desk = await watch(world);
      const size = (page) => page.locator(".figure .value").first().evaluate((it) => Number.parseFloat(getComputedStyle(it).fontSize));
      const wall = await watch(world, {}, "?wall=1");
      ensure((await size(wall)) > (await size(desk)), "the wall's figures are not larger");
    },
  ],
];
