// Mail: it comes in, is shown where nothing runs and nothing is fetched, is answered with copies and files; what did not arrive
// and what was put aside is looked after at the dashboard.
import { ensure, expect, until } from "../expect.mjs";
import { Agent, signedIn } from "../pages.mjs";
import { field, Post } from "../post.mjs";
import { faults } from "../world.mjs";

let post;

/** The desk that gets mail, opened once for all stories. */
async function opened(world) {
  post ??= await Post.open(world);
  return post;
}

export async function mailEnds() {
  await post?.close();
  post = undefined;
}

/** A mail of somebody whose address is proven. */
export const letter = (from, id, subject, more, body) =>
  `Authentication-Results: mx.hub.test; dmarc=pass header.from=shop.test\nFrom: Ann <${from}>\nTo: support@hub.test\n` +
  `Message-ID: <${id}@shop.test>\nSubject: ${subject}\nDate: Tue, 24 Nov 2026 09:00:00 +0000\nMIME-Version: 1.0\n${more}\n${body}\n`;

export const RICH =
  'Content-Type: multipart/mixed; boundary="b"\n';
export const RICH_BODY = `--b
Content-Type: multipart/alternative; boundary="c"

--c
Content-Type: text/plain; charset=utf-8

Where is my order?

On 20 Nov 2026, Support wrote:
> It left on Monday.

--c
Content-Type: text/html; charset=utf-8

<p>Where is <b>my order</b>?</p><script>window.canary()</script>
<img src="https://tracker.test/pixel.gif" alt="pixel" width="4" height="4"><img src="cid:dot@shop.test" alt="dot">
<blockquote type="cite">It left on Monday.</blockquote>

--c--
--b
Content-Type: image/png; name="dot.png"
Content-ID: <dot@shop.test>
Content-Disposition: inline
Content-Transfer-Encoding: base64

iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==

--b
Content-Type: text/html; name="invoice.html"
Content-Disposition: attachment; filename="invoice.html"

<script>alert(1)</script>

--b--`;

/** Small hostile mails of our own: what each would do if anything of it ran. */
const HOSTILE = [
  "<script>canary()</script>one",
  "<img src=x onerror=canary()>two",
  "<svg onload=canary()><text>three</text></svg>",
  "<svg><style><img src=x onerror=canary()></style></svg>four",
  "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=canary()&gt;'>five",
  "<a href='java&#10;script:canary()'>six</a>",
  "<iframe srcdoc='<script>parent.canary()</script>'></iframe>seven",
  "<form action='javascript:canary()'><button>eight</button></form>",
  "<details open ontoggle=canary()>nine</details>",
  "<xmp><b title='</xmp><img src=x onerror=canary()>'>ten",
  "<option><style></option></select><b><img src=x onerror=canary()></style></option>eleven",
  "<body onload=canary()><meta http-equiv=refresh content='0;url=javascript:canary()'>twelve",
  "<input autofocus onfocus=canary()>thirteen",
  "<object data='data:text/html,<script>parent.canary()</script>'>fourteen</object>",
  "<noscript><p title='</noscript><img src=x onerror=canary()>'>fifteen",
];

/** The agent at the desk, online, with nothing in hand. */
async function agentAt(at, options) {
  const agent = await Agent.signIn(at.world, options);
  await agent.go("online");
  return agent;
}

export async function take(agent) {
  await agent.offer.first().waitFor();
  await agent.offer.first().getByRole("button", { name: "Accept", exact: true }).click();
  await agent.composer.waitFor();
}

async function leave(agent) {
  await agent.clearDesk();
  await agent.go("offline");
  await agent.leave();
}

/** The page of mail at the dashboard. */
export async function mailPage(at, options = {}) {
  const context = await signedIn(at.world, { viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  await page.goto(`${at.world.links.dashboard}#mail`);
  await page.locator(".mail-panel").first().waitFor();
  return page;
}

export const NEWS = (id, subject) => letter("news@shop.test", id, subject, "List-Id: <news.shop.test>\n", "Cheap lamps, where is my order not asked.");

const both = (name, story) =>
  ["light", "dark"].map((scheme) => [`axe finds nothing: ${name}, ${scheme}`, (world) => story(world, scheme)]);

export const mail = [
  [
    "a mail is read as it was written, with nothing fetched, and answered with a copy and a file",
    async (world) => {
      const at = await opened(world);
      const agent = await agentAt(at);
      await at.comes(letter("ann@shop.test", "rich1", "Where is my order", RICH, RICH_BODY));
      await take(agent);
      const message = agent.log.locator(".message:not(.own)").last();
      ensure(/Where is my order\?/.test(await message.innerText()), "the mail's text is not shown");
      expect(await message.locator(".mail-head strong").innerText(), "Where is my order", "the subject");
      ensure(/ann@shop\.test/.test(await message.locator(".mail-head").innerText()), "who wrote is not shown");

      // What it quotes is folded, and opens.
      const quote = message.locator(".mail-foot details");
      ensure(!(await quote.locator(".quoted").isVisible()), "the quoted text is not folded");
      await quote.locator("summary").click();
      ensure(/It left on Monday/.test(await quote.locator(".quoted").innerText()), "the quoted text does not open");

      // An attachment is a download, and what stands in the text is not listed.
      expect(await message.locator(".files .file").count(), 1, "attachments");
      ensure(/invoice\.html/.test(await message.locator(".files").innerText()), "the attachment is not named");

      // Its own form, in a frame from which nothing is fetched.
      const asked = [];
      await agent.context.route("https://tracker.test/**", (route) => {
        asked.push(route.request().url());
        return route.fulfill({ status: 200, contentType: "image/gif", body: "" });
      });
      await message.getByRole("button", { name: "Show the mail as it was written" }).click();
      const frame = message.frameLocator("iframe");
      await frame.locator("b", { hasText: "my order" }).waitFor();
      expect(await frame.locator("script").count(), 0, "scripts in the frame");
      const pictures = await frame.locator("img").evaluateAll((all) => all.map((it) => it.getAttribute("src") ?? ""));
      ensure(pictures.some((it) => it.startsWith("data:image/png")), "the picture that the mail brings along is not shown");
      ensure(!pictures.some((it) => it.startsWith("http")), "a picture from elsewhere is not held back");
      expect(asked, [], "what was fetched unasked");
      expect(world.takeComplaints(), [], "complaints before pictures were asked for");
      await message.getByRole("button", { name: "Show pictures from elsewhere" }).click();
      await until("the picture is fetched once it is asked for", () => asked.length > 0);
      // That is what was asked for.
      for (const complaint of world.takeComplaints()) ensure(/tracker\.test/.test(complaint), complaint);

      // The answer: a draft survives a reload; copies, a file, and how far it got.
      await agent.page.getByRole("button", { name: "Subject and copies" }).click();
      await agent.page.getByLabel("Copy to", { exact: true }).fill("ann+copy@shop.test");
      await agent.page.locator("input[type=file]").setInputFiles({ name: "route é.txt", mimeType: "text/plain", buffer: Buffer.from("by ship") });
      await agent.page.getByRole("list", { name: "Files that go along" }).waitFor();
      await agent.composer.fill("It is on its way");
      await agent.page.reload();
      await agent.page.locator('.list section[aria-label^="Mine"] button.row').first().click();
      await agent.composer.waitFor();
      await until("the draft is there again", async () => (await agent.composer.inputValue()) === "It is on its way");
      expect(await agent.page.getByLabel("Copy to", { exact: true }).inputValue(), "ann+copy@shop.test", "the copy of the draft");
      const before = at.taken.length;
      await agent.composer.press("Control+Enter");
      const own = agent.own("It is on its way");
      await own.locator(".mark", { hasText: "Handed to the mail server" }).waitFor();
      const { mail } = (await at.went(before + 1)).at(-1);
      expect(field(mail, "Cc"), "ann+copy@shop.test", "the copy");
      expect(field(mail, "In-Reply-To"), "<rich1@shop.test>", "what it answers");
      expect(field(mail, "Subject"), "Re: Where is my order", "the subject of the answer");
      for (const part of ["It is on its way", "Harbour & Pine", "> Where is my order?"])
        ensure(mail.includes(part), `the mail that went out lacks ${part}`);
      ensure(/route/.test(mail), "the mail that went out lacks its file");
      await leave(agent);
    },
  ],
  [
    "a mail that comes back is shown, stands at the dashboard, and is sent again when asked",
    async (world) => {
      const at = await opened(world);
      const agent = await agentAt(at);
      await at.comes(letter(at.gone, "gone1", "Where is my order now", "", "Where is my order?"));
      await take(agent);
      await agent.answer("It is with the carrier");
      const own = agent.own("It is with the carrier");
      await own.locator(".mark.failed").waitFor({ timeout: 60_000 });
      ensure(/Not delivered/.test(await own.innerText()), "it is not said that it did not arrive");
      // Nothing more goes to an address from which mail comes back, and that is said at once.
      await agent.answer("Are you there?");
      await agent.own("Are you there?").locator(".mark.failed", { hasText: "Not sent" }).waitFor();
      const page = await mailPage(at);
      const row = page.locator(".failed-mail", { hasText: "Where is my order now" });
      await row.waitFor();
      ensure(/gone@/.test(await row.innerText()), "whom it was for is not shown");
      await row.getByRole("button", { name: "Send again" }).click();
      await page.getByRole("status").filter({ hasText: "sent once more" }).waitFor();
      // It comes back again.
      await until("it stands there again", async () => {
        await page.reload();
        await page.locator(".mail-panel").first().waitFor();
        return (await row.count()) === 1;
      }, 60_000);
      await page.context().close();
      await leave(agent);
    },
  ],
  [
    "what comes back is written to another address of the conversation, at a tap",
    async (world) => {
      const at = await opened(world);
      const agent = await agentAt(at);
      await at.comes(letter(at.lost, "elsewhere1", "Where is my order then", "", "Where is my order?"));
      await take(agent);
      await agent.page.getByRole("button", { name: "Subject and copies" }).click();
      await agent.page.getByLabel("Copy to", { exact: true }).fill("ann+home@shop.test");
      const before = at.taken.length;
      await agent.answer("It waits in Rotterdam");
      const lost = agent.own("It waits in Rotterdam");
      await lost.locator(".mark.failed").waitFor({ timeout: 60_000 });
      // Nobody has written from there yet.
      expect(await lost.getByRole("button", { name: /instead/ }).count(), 0, "other contact points");
      const { mail } = (await at.went(before + 1)).at(-1);
      const answers = `In-Reply-To: ${field(mail, "Message-ID")}\nReply-To: ann+desk@shop.test\n`;
      await at.comes(letter("ann+home@shop.test", "elsewhere2", "Re: Where is my order then", answers, "I have read it here"));
      await agent.theirs("I have read it here").waitFor();
      // Answers go where they are wished, and the console says so.
      await agent.page.getByRole("button", { name: "Subject and copies" }).click();
      expect(await agent.page.getByLabel("To", { exact: true }).getAttribute("placeholder"), "ann+desk@shop.test", "where an answer goes");
      await lost.getByRole("button", { name: "Write to ann+desk@shop.test instead" }).click();
      await until("it begins with what did not arrive", async () => (await agent.composer.inputValue()) === "It waits in Rotterdam");
      await agent.answer("It waits in Rotterdam, as I said");
      await agent.own("as I said").locator(".mark", { hasText: "Handed to the mail server" }).waitFor();
      const { mail: second } = (await at.went(before + 2)).at(-1);
      expect(field(second, "To"), "ann+desk@shop.test", "whom it went to");
      await leave(agent);
    },
  ],
  [
    "mail that was put aside is looked at, delivered as a message, or thrown away",
    async (world) => {
      const at = await opened(world);
      const agent = await agentAt(at);
      await at.comes(NEWS("news1", "Lamps where is my order"));
      await at.comes(NEWS("news2", "More lamps"));
      const page = await mailPage(at);
      const row = (subject) => page.locator(".mail-panel details", { hasText: subject });
      await until("both stand there", async () => {
        await page.reload();
        await page.locator(".mail-panel").first().waitFor();
        return (await row("Lamps where").count()) === 1 && (await row("More lamps").count()) === 1;
      }, 60_000);
      ensure(/List or newsletter/.test(await row("More lamps").innerText()), "why it was put aside is not said");
      await row("More lamps").locator("summary").click();
      await until("its text is shown", async () => /Cheap lamps/.test(await row("More lamps").innerText()));
      await row("More lamps").getByRole("button", { name: "Throw away" }).click();
      await row("More lamps").getByRole("button", { name: "Keep it" }).click();
      await row("More lamps").getByRole("button", { name: "Throw away" }).click();
      await row("More lamps").getByRole("group", { name: /cannot be brought back/ }).getByRole("button", { name: "Throw away" }).click();
      await row("More lamps").waitFor({ state: "detached" });
      await row("Lamps where").locator("summary").click();
      await row("Lamps where").getByRole("button", { name: "Deliver as a message" }).click();
      await row("Lamps where").waitFor({ state: "detached" });
      await take(agent);
      await agent.theirs("Cheap lamps").waitFor();
      await page.context().close();
      await leave(agent);
    },
  ],
  [
    "the page of mail speaks the browser's language, from right to left too",
    async (world) => {
      const at = await opened(world);
      for (const [locale, title, direction] of [["de-DE", "Beiseitegelegt", "ltr"], ["ar-EG", "موضوع جانبًا", "rtl"]]) {
        const page = await mailPage(at, { locale });
        ensure((await page.locator(".mail-panel h2").first().innerText()).includes(title), `the page is not in ${locale}`);
        expect(await page.locator("main").getAttribute("dir"), direction, `the direction in ${locale}`);
        await page.context().close();
      }
    },
  ],
  [
    "nothing of hostile mails runs or is fetched, and their words are shown",
    async (world) => {
      const at = await opened(world);
      const words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen"];
      expect(words.length, HOSTILE.length, "the samples");
      for (const [number, html] of HOSTILE.entries())
        await at.handedOver(letter(`eve${number}@shop.test`, `hostile${number}`, `Order ${number}`, "Content-Type: text/html; charset=utf-8\n", html));
      const context = await signedIn(at.world);
      let sang = 0;
      await context.exposeFunction("canary", () => {
        sang += 1;
      });
      const page = await context.newPage();
      await page.goto(at.world.links.home);
      const listed = await page.evaluate(async () => (await (await fetch("/api/v1/board")).json()).conversations.map((it) => it.id));
      ensure(listed.length >= HOSTILE.length, `${listed.length} conversations are there`);
      let seen = "";
      for (const id of listed) {
        const answer = await page.goto(new URL(`/api/v1/conversations/${id}/messages/1/mail?images=shown`, at.world.links.home).href);
        if (answer?.status() !== 200) continue;
        await page.evaluate(() => {
          for (const it of document.querySelectorAll("*"))
            for (const name of ["mouseover", "focus", "load", "error", "toggle"]) it.dispatchEvent(new Event(name));
        });
        seen += `${await page.evaluate(() => document.body.innerText)}\n`;
      }
      for (const word of words) ensure(seen.includes(word), `${word} is lost`);
      expect(sang, 0, "songs of the canary");
      // The same in the frame of the console.
      const agent = await agentAt(at);
      await agent.context.exposeFunction("canary", () => {
        sang += 1;
      });
      await take(agent);
      await agent.page.getByRole("button", { name: "Show the mail as it was written" }).click();
      await agent.page.frameLocator(".mail-frame iframe").locator("body").waitFor();
      await agent.page.waitForTimeout(300);
      expect(sang, 0, "songs of the canary in the console");
      for (const complaint of world.takeComplaints()) ensure(/Blocked script execution|Content Security Policy/.test(complaint), complaint);
      for (let left = HOSTILE.length; left > 0 && (await agent.offer.count()); left -= 1) await take(agent);
      await until("all are ended", async () => {
        await agent.clearDesk();
        await agent.page.waitForTimeout(300);
        if (await agent.offer.first().isVisible()) await take(agent);
        return (await agent.offer.count()) === 0 && (await agent.page.locator('.list section[aria-label^="Mine"] button.row').count()) === 0;
      }, 60_000);
      await agent.go("offline");
      await agent.leave();
      await context.close();
    },
  ],
  ...both("a mail in the console, and the page of mail", async (world, colorScheme) => {
    const at = await opened(world);
    const found = [];
    const agent = await agentAt(at, { colorScheme });
    await at.comes(letter("ann@shop.test", `axe-${colorScheme}`, "Where is my order please", RICH, RICH_BODY));
    await take(agent);
    await agent.page.getByRole("button", { name: "Show the mail as it was written" }).click();
    await agent.page.frameLocator(".mail-frame iframe").locator("b").waitFor();
    await agent.page.getByRole("button", { name: "Subject and copies" }).click();
    await agent.page.locator(".mail-foot details summary").click();
    for (const fault of await faults(agent.page)) found.push(`the console: ${fault}`);
    await agent.answer("Soon");
    await agent.own("Soon").locator(".mark", { hasText: "Handed" }).waitFor();
    for (const fault of await faults(agent.page)) found.push(`the console, answered: ${fault}`);
    await at.handedOver(NEWS(`axe-news-${colorScheme}`, `Lamps in ${colorScheme}`));
    const page = await mailPage(at, { colorScheme });
    await page.locator(".mail-panel summary").first().click();
    await page.locator(".aside-text").first().waitFor();
    for (const fault of await faults(page)) found.push(`the page of mail: ${fault}`);
    await page.getByRole("button", { name: "Throw away" }).first().click();
    for (const fault of await faults(page)) found.push(`the page of mail, asking: ${fault}`);
    await page.context().close();
    await leave(agent);
    if (found.length) throw new Error([...new Set(found)].join("\n"));
  }),
];
