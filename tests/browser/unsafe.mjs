// Hostile HTML in a real browser. First as it came, which shows that the canary sings; then as the connector cleaned it, where
// it must stay silent, fetch nothing, and show every word that the raw page shows.
//
//   loadtest channels --vectors DIR --dump FILE.jsonl
//   node unsafe.mjs DIR/html/unsafe-html.json FILE.jsonl
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [vectors, dump] = process.argv.slice(2);
if (!vectors || !dump) {
  console.error("usage: node unsafe.mjs VECTORS.json DUMP.jsonl");
  process.exit(2);
}
const items = JSON.parse(readFileSync(vectors, "utf8")).items;
const cleaned = readFileSync(dump, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line))
  .filter((it) => it.kind === "html");
if (cleaned.length !== items.length) throw new Error(`${items.length} samples, ${cleaned.length} cleaned`);

let browser = await launch();

function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu"],
  });
}

/** Shows HTML, pokes every element, and tells whether anything ran or was fetched. */
async function show(html) {
  const context = await browser.newContext();
  let sang = 0;
  let fetched = 0;
  await context.route("**/*", (route) => {
    if (route.request().url() === "http://canary.test/page")
      return route.fulfill({ contentType: "text/html; charset=utf-8", body: `<!doctype html><body>${html}` });
    fetched += 1;
    return route.abort();
  });
  await context.exposeFunction("canary", () => {
    sang += 1;
  });
  await context.addInitScript(() => {
    for (const name of ["alert", "confirm", "prompt", "print", "xss"]) window[name] = () => void window.canary();
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on("dialog", (dialog) => dialog.dismiss().catch(() => {}));
  await page.goto("http://canary.test/page", { waitUntil: "domcontentloaded" }).catch(() => {});
  const poked = page.evaluate(() => {
    for (const it of document.querySelectorAll("*"))
      for (const name of ["mouseover", "focus", "load", "error", "toggle"]) it.dispatchEvent(new Event(name));
  });
  await Promise.race([poked.catch(() => {}), new Promise((done) => setTimeout(done, 3_000))]);
  await page.waitForTimeout(60).catch(() => {});
  await context.close().catch(() => {});
  return { sang, fetched };
}

/** What a reader sees of HTML while nothing may run. */
async function seen(html) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  await context.route("**/*", (route) => route.abort());
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.setContent(`<!doctype html><body>${html}`, { waitUntil: "domcontentloaded" }).catch(() => {});
  const text = await page.evaluate(() => document.body?.innerText ?? "").catch(() => "");
  await context.close().catch(() => {});
  return text.replace(/[\s\u200b\ufffd]+/gu, "");
}

let raw = 0;
const faults = [];
for (const [at, item] of items.entries()) {
  // A raw sample may take the whole browser with it; that too is a song.
  const before = await show(item.payload).catch(() => ({ sang: 1, fetched: 0 }));
  if (!browser.isConnected()) browser = await launch();
  raw += before.sang > 0 ? 1 : 0;
  const after = await show(cleaned[at].text);
  if (after.sang) faults.push(`${item.name}: it ran`);
  if (after.fetched) faults.push(`${item.name}: it fetched`);
  const [was, is] = [await seen(item.payload).catch(() => ""), await seen(cleaned[at].text)];
  if (!browser.isConnected()) browser = await launch();
  console.error(`${at + 1}/${items.length}`);
  if (!is.includes(was)) faults.push(`${item.name}: lost words: ${JSON.stringify(was.slice(0, 80))} became ${JSON.stringify(is.slice(0, 80))}`);
}
await browser.close();
for (const fault of faults) console.log(fault);
console.log(`${items.length} samples; raw, ${raw} ran; cleaned, ${faults.filter((it) => it.endsWith("it ran")).length} ran; ${faults.length} faults`);
process.exitCode = faults.length || !raw ? 1 : 0;
