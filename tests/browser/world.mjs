// The world of the tests: a running demo by its links, a browser, and a note of everything that a page complained about.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const QUIET = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How long anything may take; a laden machine gets more by BROWSER_PATIENCE_MS. */
export const PATIENCE_MS = Number(process.env.BROWSER_PATIENCE_MS ?? 15_000);

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** The links that `switchboard demo --json` prints. */
function links() {
  const text = process.env.SWITCHBOARD_LINKS;
  if (!text) throw new Error("SWITCHBOARD_LINKS is not set: give it the line that `switchboard demo --json` prints");
  const read = JSON.parse(text);
  for (const name of ["widget", "console", "dashboard", "api", "sign_in"])
    if (!read[name]) throw new Error(`SWITCHBOARD_LINKS has no ${name}`);
  return { ...read, home: new URL("/", read.console).href };
}

export class World {
  /** What pages complained about: errors, refused content, requests to elsewhere. */
  complaints = [];

  /** The agent's sign-in, shared by most stories: signing in is limited, and one story is about it. */
  signedIn;

  static async open() {
    const world = new World();
    world.links = links();
    world.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: QUIET,
    });
    return world;
  }

  /** The same browser at another server; what pages complain about is noted in one place. */
  elsewhere(links) {
    return Object.assign(Object.create(this), { links, signedIn: undefined });
  }

  async close() {
    await this.browser.close();
  }

  /** A person at a browser of their own: nothing is shared with the others. */
  async person(options = {}) {
    const context = await this.browser.newContext({
      viewport: { width: 1280, height: 800 },
      locale: "en-GB",
      timezoneId: "Europe/Berlin",
      reducedMotion: "reduce",
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    context.on("weberror", (error) => this.complaints.push(`error in a page: ${error.error().message}`));
    context.on("console", (message) => {
      // A request that is answered with an error is named by the browser too; pages ask whether somebody is signed in.
      const expected = /Failed to load resource/.test(message.text());
      if (message.type() === "error" && !expected) this.complaints.push(`a page says: ${message.text()}`);
    });
    context.on("request", (request) => {
      const url = new URL(request.url());
      const own = url.origin === new URL(this.links.home).origin || ["data:", "blob:"].includes(url.protocol);
      if (!own) this.complaints.push(`a page asks elsewhere: ${url.origin}`);
    });
    return context;
  }

  /** What pages complained about since the last call. */
  takeComplaints() {
    return this.complaints.splice(0);
  }
}

/** What axe finds in a page or a frame, as lines to read. Run from outside, so that the page's policy stays in force. */
export async function faults(frame) {
  await frame.evaluate(AXE);
  return await frame.evaluate(async (values) => {
    const found = await window.axe.run(document, { runOnly: { type: "tag", values }, iframes: false });
    return found.violations.flatMap((it) =>
      it.nodes.map((node) => `${it.id} at ${node.target.join(" ")}: ${node.failureSummary?.split("\n").slice(1).join("; ")}`),
    );
  }, RULES);
}
