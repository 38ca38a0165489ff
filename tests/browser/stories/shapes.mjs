// Small screens, other directions, long words: nothing is cut off, nothing has to be scrolled sideways.
import { ensure, expect, until } from "../expect.mjs";
import { Agent, Customer } from "../pages.mjs";
import { watch } from "./board.mjs";

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
const LONG = `Donaudampfschifffahrtsgesellschaftskapitän${"x".repeat(120)}`;

async function fits(frame, what) {
  const [wide, room] = await frame.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  ensure(wide <= room, `${what} is ${wide} px wide in ${room} px`);
}

export const shapes = [
  [
    "on a phone the chat fills the screen and can be closed again",
    async (world) => {
      const customer = await Customer.arrive(world, {}, PHONE);
      await fits(customer.page, "the shop");
      await customer.openChat();
      const box = await customer.iframe.boundingBox();
      expect([Math.round(box.x), Math.round(box.y), Math.round(box.width)], [0, 0, 360], "the chat's place");
      await fits(await customer.frame(), "the chat");
      const targets = await (await customer.frame()).evaluate(() =>
        [...document.querySelectorAll("button, textarea")]
          .map((it) => [it.getAttribute("aria-label") ?? it.textContent, it.getBoundingClientRect()])
          .filter(([, { width, height }]) => width && (width < 44 || height < 44))
          .map(([name, { width, height }]) => `${name}: ${width} x ${height}`),
      );
      expect(targets, [], "targets under 44 px");
      await customer.widget.getByRole("button", { name: /close/i }).click();
      await customer.iframe.waitFor({ state: "hidden" });
    },
  ],
  [
    "at 320 px with long words the chat does not scroll sideways",
    async (world) => {
      const customer = await Customer.arrive(world, {}, { viewport: { width: 320, height: 640 } });
      await customer.openChat();
      await customer.write(LONG);
      await customer.own(LONG).waitFor();
      await fits(await customer.frame(), "the chat");
      await customer.end();
    },
  ],
  [
    "in Arabic everything runs from right to left",
    async (world) => {
      const customer = await Customer.arrive(world, { language: "ar" });
      await customer.openChat();
      const frame = await customer.frame();
      expect(await frame.evaluate(() => [document.documentElement.dir, document.documentElement.lang]), ["rtl", "ar"], "direction");
      await until("the greeting is in Arabic", async () => /[\u0600-\u06ff]/.test(await customer.state.innerText()));
      await customer.write("أين طلبي؟");
      await until("own words stand at the end side, the left", async () => {
        const own = await customer.own("أين طلبي؟").locator(".bubble").boundingBox();
        const log = await customer.log.boundingBox();
        return own && log && own.x + own.width / 2 < log.x + log.width / 2;
      });
      await fits(frame, "the chat");
      const button = await customer.button.boundingBox();
      ensure(button.x < 640, "the button is not at the end side, the left");
      await customer.end();
    },
  ],
  [
    "on a phone the console shows one column, with a way back",
    async (world) => {
      const agent = await Agent.signIn(world, PHONE);
      await agent.go("online");
      await fits(agent.page, "the console");
      const customer = await Customer.arrive(world);
      await customer.openChat();
      await customer.write("From a phone?");
      await agent.offer.waitFor();
      await fits(agent.page, "the console with an offer");
      await agent.accept();
      await agent.theirs("From a phone?").waitFor();
      ensure(!(await agent.list.isVisible()), "list and thread are both there");
      await fits(agent.page, "the thread");
      await agent.answer("Yes, from a phone");
      await customer.theirs("Yes, from a phone").waitFor();
      await agent.page.getByRole("button", { name: "Back to the list" }).click();
      await agent.list.waitFor();
      await agent.page.locator(".list button.row").first().click();
      await agent.page.getByRole("button", { name: "Close", exact: true }).click();
      await customer.ended.waitFor();
    },
  ],
  [
    "console and dashboard hold at 200 % zoom",
    async (world) => {
      const half = { viewport: { width: 640, height: 400 } };
      const agent = await Agent.signIn(world, half);
      await fits(agent.page, "the console");
      await fits(await watch(world, half), "the dashboard");
    },
  ],
  [
    "Escape closes the chat and gives the focus back to the button",
    async (world) => {
      const customer = await Customer.arrive(world);
      await customer.button.focus();
      await customer.page.keyboard.press("Enter");
      await customer.box.waitFor();
      await customer.box.press("Escape");
      await customer.iframe.waitFor({ state: "hidden" });
      ensure(await customer.button.evaluate((it) => it.getRootNode().activeElement === it), "the focus is elsewhere");
    },
  ],
];
