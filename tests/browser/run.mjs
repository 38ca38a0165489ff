// Drives two browsers, a customer's and an agent's, through the real server. SWITCHBOARD_LINKS holds the line that
// `switchboard demo --quiet-demo --json` prints; words on the command line choose stories by their names.
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent } from "./pages.mjs";
import { access } from "./stories/access.mjs";
import { board } from "./stories/board.mjs";
import { chat } from "./stories/chat.mjs";
import { cuts } from "./stories/cuts.mjs";
import { desk } from "./stories/desk.mjs";
import { mail, mailEnds } from "./stories/mail.mjs";
import { policy } from "./stories/policy.mjs";
import { setUp } from "./stories/set-up.mjs";
import { shapes } from "./stories/shapes.mjs";
import { waits } from "./stories/waits.mjs";
import { World } from "./world.mjs";

const words = process.argv.slice(2);
const stories = [...chat, ...desk, ...waits, ...cuts, ...board, ...policy, ...shapes, ...access, ...setUp, ...mail].filter(
  ([name]) => !words.length || words.some((word) => name.includes(word)),
);

const world = await World.open();
let passed = 0;
let failed = 0;
for (const [name, story] of stories) {
  const start = Date.now();
  try {
    await story(world);
    const complaints = world.takeComplaints();
    if (complaints.length) throw new Error(complaints.join("\n"));
    passed += 1;
    console.log(`ok      ${name} (${Date.now() - start} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}: ${error instanceof Error ? error.message.split("\n").slice(0, 8).join("\n        ") : error}`);
    await keepPictures(name);
    await leave();
    await Agent.tidy(world).catch((reason) => console.log(`        not tidied: ${reason.message}`));
    world.takeComplaints();
  }
  await leave();
}
await mailEnds();
await world.close();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed || !passed ? 1 : 0;

async function leave() {
  for (const context of world.browser.contexts()) await context.close();
}

/** What stood on the pages when a story failed. */
async function keepPictures(name) {
  const folder = join(tmpdir(), "switchboard-browser");
  mkdirSync(folder, { recursive: true });
  const pages = world.browser.contexts().flatMap((context) => context.pages());
  for (const [at, page] of pages.entries()) {
    const path = join(folder, `${name.replace(/\W+/g, "-")}-${at + 1}.png`);
    const kept = await page.screenshot({ path }).then(() => true, () => false);
    if (kept) console.log(`        seen: ${path}`);
  }
}
