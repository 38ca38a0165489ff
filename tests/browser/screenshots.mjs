// Writes the pages in their states into docs/screenshots: light, dark, phone, right-to-left. Look at each before it is
// committed. Takes the links of a running demo like run.mjs; a folder on the command line takes the place of docs/screenshots.
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { until } from "./expect.mjs";
import { Agent, Customer, served } from "./pages.mjs";
import { Post } from "./post.mjs";
import { letter, mailPage, NEWS, RICH, RICH_BODY, take } from "./stories/mail.mjs";
import { watch } from "./stories/board.mjs";
import { World } from "./world.mjs";

const folder = resolve(process.argv[2] ?? join(import.meta.dirname, "../../docs/screenshots"));
mkdirSync(folder, { recursive: true });
const PHONE = { viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
const LONG = "Maximiliane Freifrau von Hohenstein-Wallersdorf";
const world = await World.open();
let written = 0;

async function keep(page, name) {
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  written += 1;
}

/** Tries a changed policy, and brings what came of it into sight. */
async function attempt(board, change) {
  if (await board.getByRole("dialog").isVisible()) await board.keyboard.press("Escape");
  const text = board.getByLabel("Policy (TOML)");
  await until("the policy is shown", async () => (await text.inputValue()) !== "");
  await text.fill(change(await text.inputValue()));
  await board.getByRole("button", { name: "Try it" }).click();
  await board.locator(".tried").waitFor();
  await board.locator(".try").evaluate((it) => window.scrollTo({ top: it.offsetTop - 52 }));
}

for (const colorScheme of ["light", "dark"]) {
  const name = (what) => `${what}-${colorScheme}`;
  const plain = await (await world.person({ colorScheme })).newPage();
  for (const [path, what] of [["/", "start"], ["/console/", "sign-in"], ["/setup/?token=example", "setup"]]) {
    await plain.goto(new URL(path, world.links.home).href, { waitUntil: "networkidle" });
    await keep(plain, name(what));
  }

  const agent = await Agent.signIn(world, { colorScheme });
  await keep(agent.page, name("console-empty"));
  await agent.page.goto(new URL("/setup/", world.links.home).href, { waitUntil: "networkidle" });
  await keep(agent.page, name("setup-pages"));
  await agent.page.goto(world.links.console);
  await agent.stateControl.waitFor();
  await agent.go("online");
  const mira = await Customer.arrive(world, { language: "en" }, { colorScheme });
  await keep(mira.page, name("shop"));
  await mira.openChat();
  await keep(mira.page, name("widget-greeting"));
  await agent.go("offline");
  await mira.write("My parcel was due on Monday, and it has not arrived.");
  await mira.own("My parcel").waitFor();
  await keep(mira.page, name("widget-waiting"));
  const alarmed = await watch(world, { colorScheme });
  await alarmed.locator(".alarm").first().waitFor({ timeout: 30_000 });
  await keep(alarmed, name("dashboard-alarm"));
  await agent.go("online");
  await agent.offer.waitFor();
  await keep(agent.page, name("console-offer"));
  await agent.accept();
  await mira.widget.locator(".promised").waitFor();
  await keep(mira.page, name("widget-why"));
  await agent.answer("Hello Mira, I am Ada. Let me look at where it is.");
  await mira.theirs("Hello Mira").waitFor();
  await mira.write("Thank you! The number is 4711-08.");
  await agent.theirs("4711-08").waitFor();
  await agent.answer("It is in Bremen and comes tomorrow between 9 and 11. Shall it go to a neighbour if you are out?");
  await mira.theirs("It is in Bremen").waitFor();
  await keep(mira.page, name("widget-served"));
  const second = await served(world, agent, "¿Tienen la lámpara Birk en verde?", { name: "Lucía", language: "es" });
  await second.page.waitForTimeout(200);
  const third = await Customer.arrive(world, { name: "Jonas", language: "de" });
  await third.openChat();
  await third.write("Kann ich den Tisch auch in Eiche haben?");
  await agent.offer.waitFor();
  await agent.page.locator(".list button.row", { hasText: "Mira" }).click();
  await keep(agent.page, name("console"));
  await agent.page.keyboard.press("Control+k");
  await agent.page.getByRole("listbox").waitFor();
  await keep(agent.page, name("console-palette"));
  await agent.page.keyboard.press("Escape");
  await agent.stateControl.click();
  await keep(agent.page, name("console-state"));
  await agent.page.keyboard.press("Escape");

  const board = await watch(world, { colorScheme });
  await keep(board, name("dashboard"));
  await board.locator(".conversations li", { hasText: "Ada" }).first().getByRole("button").first().click();
  await board.getByRole("dialog").waitFor();
  await keep(board, name("dashboard-decision"));
  await keep(await watch(world, { colorScheme, viewport: { width: 1920, height: 1080 } }, "?wall=1"), name("dashboard-wall"));
  await keep(await watch(world, { colorScheme, ...PHONE }), name("dashboard-phone"));

  const phone = await Agent.signIn(world, { colorScheme, ...PHONE });
  await phone.list.waitFor();
  await keep(phone.page, name("console-phone-list"));
  await phone.page.locator(".list button.row", { hasText: "Mira" }).click();
  await phone.log.waitFor();
  await keep(phone.page, name("console-phone-thread"));
  await phone.leave();

  for (const [language, words] of [["ar", "أين طلبي؟"], ["zh", "我的订单在哪里？"]]) {
    const customer = await Customer.arrive(world, { language, name: "Noor" }, { colorScheme, ...PHONE });
    await customer.openChat();
    await customer.write(words);
    await customer.own(words).waitFor();
    await keep(customer.page, name(`widget-phone-${language}`));
    await customer.end();
    await keep(customer.page, name(`widget-phone-${language}-ended`));
  }
  await third.end();

  await attempt(board, (text) => text.replace("target_s = 120", "target_s = 90"));
  await keep(board, name("dashboard-try"));
  await attempt(board, () => '[skills]\nlatin = "Latin"\n\n[queues.support]\nneeds = { latin = 50 }\n');
  await keep(board, name("dashboard-try-guard"));

  const broken = await served(world, agent, "My lamp came broken, I want my money back", { name: LONG, topics: "refunds" });
  const full = [broken];
  for (const words of ["Where is my chair?", "Has my table been sent?"]) full.push(await served(world, agent, words, { name: "Kim" }));
  for (const [language, words, options] of [["en", "When does my order come?", {}], ["ar", "أين طلبي؟", PHONE]]) {
    const waits = await Customer.arrive(world, { language, name: "Noor" }, { colorScheme, ...options });
    await waits.openChat();
    await waits.write(words);
    await until("a time is promised", async () => /minute|دقيقة|دقائق/.test(await waits.state.innerText()));
    await keep(waits.page, name(`widget-promise-${language}`));
    full.push(waits);
  }
  await agent.page.locator(".list button.row", { hasText: "Maximiliane" }).click();
  await keep(agent.page, name("console-understood"));
  await agent.page.getByRole("button", { name: "Close", exact: true }).click();
  await agent.page.getByRole("button", { name: /^Done writing up/ }).waitFor();
  await keep(agent.page, name("console-writing-up"));
  await Promise.all(full.slice(1).map((customer) => customer.end()));
  await agent.clearDesk();
  await agent.go("offline");
  for (const context of world.browser.contexts()) await context.close();
}

const at = await Post.open(world);
for (const colorScheme of ["light", "dark"]) {
  const name = (what) => `${what}-${colorScheme}`;
  const agent = await Agent.signIn(at.world, { colorScheme });
  await agent.go("online");
  await at.comes(letter(`ann.${colorScheme}@shop.test`, `rich-${colorScheme}`, "Where is my order", RICH, RICH_BODY));
  await take(agent);
  await agent.log.getByRole("button", { name: "Show the mail as it was written" }).click();
  await agent.page.getByRole("button", { name: "Subject and copies" }).click();
  await agent.composer.fill("Good morning Ann,\n\nit left Rotterdam yesterday and comes on Thursday.");
  await keep(agent.page, name("console-mail"));
  await at.comes(letter(colorScheme === "light" ? at.gone : at.lost, `gone-${colorScheme}`, "Where is my chair", "", "Where is my chair?"));
  await take(agent);
  await agent.answer("It is with the carrier.");
  await agent.own("It is with the carrier.").locator(".mark.failed").waitFor({ timeout: 60_000 });
  await keep(agent.page, name("console-mail-failed"));
  await at.comes(NEWS(`news-${colorScheme}`, "Lamps, twenty per cent less"));
  const page = await mailPage(at, { colorScheme });
  await until("it stands there", async () => {
    await page.reload();
    await page.locator(".mail-panel").first().waitFor();
    return (await page.locator(".mail-panel details", { hasText: "twenty per cent" }).count()) > 0;
  });
  await keep(page, name("dashboard-mail"));
  await agent.clearDesk();
  await agent.go("offline");
  for (const context of world.browser.contexts()) await context.close();
}
await at.close();
await world.close();
console.log(`${written} pictures in ${folder}`);
