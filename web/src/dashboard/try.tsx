// Trying a policy before it goes live: recorded traffic under the edited document, who would wait longer first, and the
// guards that must hold before it is published, unless somebody says why not.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { exactly, groupName, number, timeOfDay } from "../format.ts";
import { Alert, Check } from "../icons.tsx";
import { ask, Refused } from "../problem.ts";
import type { TryBody, TryChange, TryGroup } from "../protocol.ts";
import { who } from "../sign-in.tsx";
import { lookAtPublications, Publications } from "./publications.tsx";
import { Trial } from "./trial.tsx";

const text = signal("");
const hours = signal(24);
const busy = signal<"" | "reading" | "trying" | "publishing">("");
const told = signal<{ wrong: boolean; text: string } | null>(null);
const result = signal<{ of: string; body: TryBody } | null>(null);
/** What the server held back, and why. */
const held = signal<{ of: string; objections: string[] } | null>(null);
const reason = signal("");

const SPANS = [
  [1, "the last hour"],
  [8, "the last 8 hours"],
  [24, "the last day"],
  [168, "the last week"],
] as const;

async function doing(what: "reading" | "trying" | "publishing", work: () => Promise<void>): Promise<void> {
  if (busy.value) return;
  busy.value = what;
  told.value = null;
  try {
    await work();
  } catch (error) {
    told.value = { wrong: true, text: error instanceof Refused ? error.message : String(error) };
  }
  busy.value = "";
}

const load = () =>
  doing("reading", async () => {
    text.value = await (await ask("/policy", { method: "GET" })).text();
  });

const run = () =>
  doing("trying", async () => {
    const of = text.value;
    result.value = null;
    const request = { method: "POST", headers: { "Content-Type": "text/plain" }, body: of };
    const body = (await (await ask(`/policy/try?hours=${hours.value}`, request)).json()) as TryBody;
    result.value = { of, body };
  });

const publish = () =>
  doing("publishing", async () => {
    const of = text.value;
    const why = reason.value.trim();
    const query = why ? `?${new URLSearchParams({ reason: why })}` : "";
    try {
      await ask(`/policy${query}`, { method: "PUT", headers: { "Content-Type": "text/plain" }, body: of });
    } catch (error) {
      if (!(error instanceof Refused && error.kind === "held-back")) throw error;
      held.value = { of, objections: error.faults };
      return;
    }
    result.value = null;
    held.value = null;
    reason.value = "";
    told.value = { wrong: false, text: "Published. It is in force from the next event on." };
    await lookAtPublications();
  });

const WIDTH = 260;
const seconds = (value: number) => `${number(value, value < 10 ? 1 : 0)} s`;
function signed(value: number): string {
  const size = number(Math.abs(value), Math.abs(value) < 10 ? 1 : 0);
  return size === "0" ? size : `${value < 0 ? "−" : "+"}${size}`;
}

/** Before above, after below, with the interval of the difference as a line at the end of the lower bar. */
function Pair({ group, most }: { group: TryGroup; most: number }) {
  const x = (value: number) => (most > 0 ? Math.max(0, Math.min(WIDTH, (value / most) * WIDTH)) : 0);
  const { wait_before_s: before, wait_after_s: after, low, high } = group;
  const label = `Before ${seconds(before)}, after ${seconds(after)}, difference ${signed(low)} to ${signed(high)} s`;
  return (
    <svg class="pair" viewBox={`0 0 ${WIDTH} 22`} role="img" aria-label={label}>
      <rect class="before" x="0" y="1" width={Math.max(1, x(before))} height="8" rx="1.5" />
      <rect class={low > 0 ? "after worse" : high < 0 ? "after better" : "after"} x="0" y="12" width={Math.max(1, x(after))} height="8" rx="1.5" />
      <path class="whisker" d={`M${x(before + low)} 16H${x(before + high)}M${x(before + low)} 13V19M${x(before + high)} 13V19`} />
    </svg>
  );
}

function Row({ group, most }: { group: TryGroup; most: number }) {
  const [word, tone] =
    group.low > 0
      ? ["longer", "late"]
      : group.high < 0
        ? ["shorter", "good"]
        : [group.low === 0 && group.high === 0 ? "the same" : "no sure difference", ""];
  return (
    <tr>
      <th scope="row">
        <span class="name">{groupName(group)}</span> <span class={`tag ${tone}`}>{word}</span>
      </th>
      <td>
        <Pair group={group} most={most} />
      </td>
      <td class="number">{seconds(group.wait_before_s)}</td>
      <td class="number">{seconds(group.wait_after_s)}</td>
      <td class="number">
        {signed(group.low)} to {signed(group.high)} s
      </td>
      <td class="number">
        {number(group.left_before * 100)} → {number(group.left_after * 100)} %
      </td>
      <td class="number">{number(group.conversations)}</td>
    </tr>
  );
}

function Figure({ name, of, unit, scale = 1 }: { name: string; of: TryChange; unit: string; scale?: number }) {
  return (
    <p>
      <span class="muted">{name}</span>
      <strong class="number">
        {number(of.before * scale, 1)} → {number(of.after * scale, 1)} {unit}
      </strong>
      <span class="muted number">
        {signed(of.low * scale)} to {signed(of.high * scale)}
      </span>
    </p>
  );
}

function HeldBack({ objections }: { objections: string[] }) {
  return (
    <div class="banner wrong" role="alert">
      <Alert />
      <div>
        <strong>Not to be published</strong>
        <ul>
          {objections.map((it) => (
            <li key={it}>{it}</li>
          ))}
        </ul>
      </div>
    </div>
  );
}

function Result({ body, current }: { body: TryBody; current: boolean }) {
  const most = Math.max(...body.groups.flatMap((it) => [it.wait_before_s, it.wait_after_s, it.wait_before_s + it.high]), 1);
  const holds = body.blocked_by.length === 0;
  const fuller = body.loads.filter((it) => it.load.low > 0.01).slice(0, 3);
  return (
    <div class="tried">
      {holds ? (
        <p class="banner fine" role="status">
          <Check /> The guards hold{current ? ": it may be published." : " for the policy that was tried; the text has changed since."}
        </p>
      ) : (
        <HeldBack objections={body.blocked_by} />
      )}
      <p class="muted number">
        {number(body.conversations)} conversations,{" "}
        <time title={exactly(body.from_ms)}>{timeOfDay(body.from_ms)}</time> to{" "}
        <time title={exactly(body.to_ms)}>{timeOfDay(body.to_ms)}</time>, drawn {body.draws} times.{" "}
        {number(body.changed)} of {number(body.decisions)} decisions come out otherwise.
        {body.erased > 0 && ` ${number(body.erased)} are of customers whose words are erased; what happened still counts.`}
      </p>
      <div class="scroll" tabIndex={0} role="group" aria-label="Waits before and after">
        <table>
          <thead>
            <tr>
              <th scope="col">{body.worse_off > 0 ? `Who (${body.worse_off} worse off, first)` : "Who"}</th>
              <th scope="col">
                Wait: <i class="key before" aria-hidden="true" /> before <i class="key after" aria-hidden="true" /> after
              </th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
              <th scope="col">Difference, 95 %</th>
              <th scope="col">Leave</th>
              <th scope="col">Conversations</th>
            </tr>
          </thead>
          <tbody>
            {body.groups.map((group) => (
              <Row key={`${group.by} ${group.name}`} group={group} most={most} />
            ))}
          </tbody>
        </table>
      </div>
      <div class="sums">
        <Figure name="Customers who leave" of={body.abandonment} unit="%" scale={100} />
        <Figure name="Never served" of={body.unserved} unit="" />
        <Figure name="Fit of skills" of={body.skill_fit} unit="%" scale={100} />
        {fuller.map((it) => (
          <Figure key={it.agent} name={`Load of ${it.name ?? "a former agent"}`} of={it.load} unit="%" scale={100} />
        ))}
      </div>
    </div>
  );
}

/** What stands between the text and its being published. */
function hint(admin: boolean, current: boolean, blocked: boolean): string {
  if (!admin) return "An admin publishes it.";
  if (!current) return "Try it first: it is published when the guards hold.";
  return blocked ? "A guard does not hold: say why it is published all the same." : "";
}

/** Why it is published although guards speak against it. */
function Reason() {
  return (
    <label class="reason">
      <span>Reason to publish it all the same (kept with the publication)</span>
      <input
        type="text"
        maxLength={500}
        value={reason.value}
        onInput={(event) => {
          reason.value = event.currentTarget.value;
        }}
      />
    </label>
  );
}

export function Try() {
  const role = who.value?.role;
  const shown = role === "supervisor" || role === "admin";
  useEffect(() => {
    if (shown && !text.peek()) void load();
  }, [shown]);
  if (!shown) return null;
  const it = result.value;
  const current = it?.of === text.value;
  const objections = held.value?.of === text.value ? held.value.objections : [];
  const blocked = current && (objections.length > 0 || !!it?.body.blocked_by.length);
  const admin = role === "admin";
  const may = admin && current && (!blocked || reason.value.trim() !== "");
  return (
    <section class="panel try">
      <h2>Try a policy</h2>
      <p class="muted">
        Recorded traffic is replayed under the policy below. Nothing changes until you publish it, and words of customers are not read.
      </p>
      <label>
        <span>Policy (TOML)</span>
        <textarea
          rows={10}
          spellcheck={false}
          dir="ltr"
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
      </label>
      <div class="bar">
        <button type="button" class="quiet" disabled={busy.value !== ""} onClick={() => void load()}>
          Take the one in force
        </button>
        <label class="inline">
          <span>Over</span>
          <select
            value={hours.value}
            onChange={(event) => {
              hours.value = Number(event.currentTarget.value);
            }}
          >
            {SPANS.map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <button type="button" class="primary" disabled={busy.value !== "" || text.value.trim() === ""} onClick={() => void run()}>
          {busy.value === "trying" ? "Trying…" : "Try it"}
        </button>
        <span class="fill" />
        <span class="muted">{hint(admin, current, blocked)}</span>
        <button type="button" disabled={busy.value !== "" || !may} onClick={() => void publish()}>
          {blocked ? "Publish all the same" : "Publish"}
        </button>
      </div>
      {admin && blocked && <Reason />}
      {objections.length > 0 && <HeldBack objections={objections} />}
      {told.value && (
        <p class={`banner ${told.value.wrong ? "wrong" : "fine"}`} role={told.value.wrong ? "alert" : "status"}>
          {told.value.text}
        </p>
      )}
      {it && <Result body={it.body} current={current} />}
      <Trial text={text.value} admin={admin} />
      <Publications />
    </section>
  );
}
