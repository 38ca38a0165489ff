// A policy is tried on recorded traffic, held back by a guard, published for a reason, tried in live use, and published; the one
// before comes back.
import { ensure, expect, until } from "../expect.mjs";
import { Agent, served } from "../pages.mjs";
import { watch } from "./board.mjs";

/** What stands under "Try a policy", and what is done there. */
class Bench {
  static async at(world) {
    const page = await watch(world);
    const bench = new Bench(page);
    await until("the policy in force is shown", async () => /\[queues\.orders\]/.test(await bench.text.inputValue()));
    bench.before = await bench.text.inputValue();
    return bench;
  }

  constructor(page) {
    this.page = page;
    this.text = page.getByLabel("Policy (TOML)");
    this.publish = page.getByRole("button", { name: "Publish" });
    this.result = page.locator(".tried");
  }

  async try(text) {
    await this.text.fill(text);
    await this.page.getByRole("button", { name: "Try it" }).click();
    await this.page.getByRole("button", { name: "Try it" }).waitFor();
  }
}

/** So that something is recorded. */
async function traffic(world) {
  const agent = await Agent.signIn(world);
  await agent.go("online");
  await served(world, agent, "Where is my parcel?");
  await agent.clearDesk();
}

export const policy = [
  [
    "a policy that nobody could serve is held back by a guard until somebody says why",
    async (world) => {
      await traffic(world);
      const bench = await Bench.at(world);
      await bench.try('[skills]\nlatin = "Latin"\n\n[queues.support]\nneeds = { latin = 50 }\n');
      await bench.result.getByText("Not to be published").waitFor();
      ensure(await bench.publish.isDisabled(), "it can be published without a reason");
      await bench.page.getByLabel("Reason to publish it all the same").fill("we hire Romans tomorrow");
      await bench.page.getByRole("button", { name: "Publish all the same" }).click();
      await bench.page.getByText("Published.").waitFor();
      const kept = bench.page.locator(".published li").first();
      await kept.getByText("we hire Romans tomorrow").waitFor();
      ensure(/nobody has the skill/.test(await kept.innerText()), `what the guards said is not kept: ${await kept.innerText()}`);
      await bench.try(bench.before);
      await bench.publish.click();
      await kept.getByText("we hire Romans tomorrow").waitFor({ state: "hidden" });
      await bench.try("[queues.orders]\ntarget = 5\n");
      const wrong = bench.page.getByRole("alert");
      await wrong.waitFor();
      ensure(/line 2, column 1/.test(await wrong.innerText()), `the place is not named: ${await wrong.innerText()}`);
      expect(await bench.result.count(), 0, "results of another text");
      ensure(await bench.publish.isDisabled(), "what cannot be read can be published");
    },
  ],
  [
    "a policy whose guards hold is published, and only as it was tried",
    async (world) => {
      await traffic(world);
      const bench = await Bench.at(world);
      const other = bench.before.replace("target_s = 120", "target_s = 121");
      ensure(other !== bench.before, `nothing was changed in: ${bench.before}`);
      await bench.try(other);
      await bench.result.getByText("The guards hold: it may be published.").waitFor();
      await bench.result.getByRole("row", { name: /Everybody/ }).waitFor();
      await bench.text.fill(`${other}\n# a word more`);
      ensure(await bench.publish.isDisabled(), "a text that was not tried can be published");
      await bench.text.fill(other);
      await bench.publish.click();
      await bench.page.getByText("Published.").waitFor();
      await bench.page.reload();
      await until("it is in force", async () => (await bench.text.inputValue()) === other);
      await bench.try(bench.before);
      await bench.publish.click();
      await bench.page.getByText("Published.").waitFor();
    },
  ],
  [
    "a policy is tried in live use, and the one before stays when that ends",
    async (world) => {
      const bench = await Bench.at(world);
      await bench.text.fill(bench.before.replace("target_s = 120", "target_s = 119"));
      await bench.page.getByRole("button", { name: "Begin a trial" }).click();
      const table = bench.page.getByRole("group", { name: "Kept and tried policy" });
      await table.getByRole("row", { name: /Tried/ }).waitFor();
      await bench.page.getByText("Not enough blocks yet").waitFor();
      await bench.page.getByRole("button", { name: "End the trial" }).click();
      await bench.page.getByRole("button", { name: "Begin a trial" }).waitFor();
      await bench.page.reload();
      await until("the one before is in force", async () => (await bench.text.inputValue()) === bench.before);
    },
  ],
];
