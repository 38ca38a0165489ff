// A company begins: a server that nobody can sign in to, its first admin, and the chat on a page of another address.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, until } from "../expect.mjs";
import { Agent, Customer } from "../pages.mjs";
import { faults } from "../world.mjs";

/** A new server; its addresses once it has printed the link, and how to end it. */
async function begin() {
  if (!process.env.SWITCHBOARD_BIN) throw new Error("SWITCHBOARD_BIN is not set: name the server's program");
  const folder = mkdtempSync(join(tmpdir(), "switchboard-set-up-"));
  const server = spawn(process.env.SWITCHBOARD_BIN, ["serve", "--listen", "127.0.0.1:0", "--data", join(folder, "data")], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const over = new Promise((done) => server.once("exit", done));
  const end = async () => {
    server.kill("SIGKILL");
    await over;
    rmSync(folder, { recursive: true, force: true });
  };
  for await (const line of createInterface({ input: server.stdout })) {
    const link = line.match(/https?:\S+\/setup\/\?token=\S+/)?.[0];
    if (link) return { link, end };
  }
  await end();
  throw new Error("the server ended before it printed a link");
}

/** A page of the company, at an address that is not the server's. */
async function companyPage(tag) {
  const server = createServer((_, response) => {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(`<!doctype html><html lang="en"><head><link rel="icon" href="data:,"><title>Shop</title></head><body><h1>Shop</h1>${tag}</body></html>`);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { origin: `http://127.0.0.1:${server.address().port}`, end: () => server.close() };
}

async function fill(page, fields) {
  for (const [name, text] of Object.entries(fields)) await page.locator(`[name=${name}]`).fill(text);
}

export const setUp = [
  ["a company begins: its first admin, then the chat on its own page", async (world) => {
    const { link, end } = await begin();
    let shop;
    try {
      const home = new URL("/", link).href;
      const there = world.elsewhere({ home, console: `${home}console/` });
      const context = await there.person();
      const page = await context.newPage();
      await page.goto(link);
      const whole = { company: "Lindgren & Daughters", name: "Astrid", sign_in: "astrid", password: "a long enough one" };
      await fill(page, { ...whole, again: "another one" });
      await page.getByRole("button", { name: "Make admin and sign in" }).click();
      await page.getByRole("alert").filter({ hasText: "differ" }).waitFor();
      await fill(page, { again: whole.password });
      await page.getByRole("button", { name: "Make admin and sign in" }).click();
      await page.getByRole("heading", { name: "Put the chat on your pages" }).waitFor();
      const found = await faults(page);
      expect(found.join("\n"), "", "axe finds nothing");
      expect(await page.locator("[name=company]").inputValue(), whole.company, "the company");
      const tag = await page.locator("pre").innerText();

      // A page elsewhere cannot use the chat before it is named.
      shop = await companyPage(tag);
      there.links.widget = shop.origin;
      await fill(page, { origins: "not an address" });
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByRole("alert").filter({ hasText: "https://" }).waitFor();
      await fill(page, { origins: `${shop.origin}/\n` });
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByRole("status").filter({ hasText: "Saved" }).waitFor();
      await page.reload();
      await page.goto(`${home}setup/`);
      await until("it is kept", async () => (await page.locator("[name=origins]").inputValue()) === shop.origin);

      await page.goto(there.links.console);
      const agent = new Agent(page, context);
      await agent.stateControl.waitFor();
      await agent.go("online");
      const customer = new Customer(await (await there.person()).newPage(), null, "en");
      await customer.page.goto(shop.origin);
      await customer.openChat();
      await customer.widget.getByText(whole.company).first().waitFor();
      await customer.write("Do you ship to Åland?");
      await agent.offer.waitFor();
      await agent.accept();
      await agent.answer("We do");
      await customer.theirs("We do").waitFor();
    } finally {
      shop?.end();
      await end();
    }
    // The company's page is elsewhere by intent.
    const own = (line) => !(shop && line.includes(`asks elsewhere: ${shop.origin}`));
    world.complaints.splice(0, world.complaints.length, ...world.complaints.filter(own));
  }],

  ["an old link says what to do, and an admin finds the page again", async (world) => {
    const stranger = await (await world.person()).newPage();
    await stranger.goto(new URL("/setup/", world.links.home).href);
    await stranger.getByRole("alert").filter({ hasText: "sign in as an admin" }).waitFor();
    const agent = await Agent.signIn(world);
    await agent.page.getByRole("button", { name: "Ada" }).first().click();
    await agent.page.getByRole("menuitem", { name: "Chat on your pages" }).click();
    await agent.page.locator("pre", { hasText: world.links.sign_in.widget_key }).waitFor();
  }],
];
