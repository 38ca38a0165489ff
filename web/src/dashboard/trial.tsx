// A policy in live use for every other block of time: begin, end, and what came of it so far, with its interval.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { exactly, number, timeOfDay } from "../format.ts";
import { ask, Refused } from "../problem.ts";
import type { TrialArm, TrialBody } from "../protocol.ts";

const trial = signal<TrialBody | null>(null);
const trouble = signal("");
const busy = signal(false);

const PLAIN = { "Content-Type": "text/plain" };
const EVERY_MS = 30_000;

async function look(): Promise<void> {
  try {
    trial.value = (await (await ask("/policy/trial", { method: "GET" })).json()) as TrialBody;
  } catch (error) {
    if (error instanceof Refused && error.status === 404) trial.value = null;
  }
}

async function change(request: RequestInit): Promise<void> {
  busy.value = true;
  trouble.value = "";
  try {
    await ask("/policy/trial", request);
    await look();
  } catch (error) {
    trouble.value = error instanceof Refused ? error.message : String(error);
  }
  busy.value = false;
}

function Arm({ name, arm }: { name: string; arm: TrialArm }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="number">{arm.conversations ? `${number(arm.wait_s, 1)} s` : "–"}</td>
      <td class="number">{arm.conversations ? `${number(arm.left * 100, 1)} %` : "–"}</td>
      <td class="number">{number(arm.conversations)}</td>
      <td class="number">{number(arm.blocks)}</td>
    </tr>
  );
}

function verdict({ low, high }: TrialBody): string {
  if (low == null || high == null) return "Not enough blocks yet to tell a difference from chance.";
  const span = `${number(low, 1)} to ${number(high, 1)} s (95 %)`;
  if (high < 0) return `Customers wait less under the tried policy: ${span}.`;
  if (low > 0) return `Customers wait longer under the tried policy: ${span}.`;
  return `No sure difference in the wait so far: ${span}.`;
}

export function Trial({ text, admin }: { text: string; admin: boolean }) {
  useEffect(() => {
    void look();
    const timer = setInterval(() => void look(), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const it = trial.value;
  return (
    <div class="trial">
      <h3>In live use</h3>
      {it ? (
        <>
          <p class="muted number">
            Since <time title={exactly(it.since_ms)}>{timeOfDay(it.since_ms)}</time>, in blocks of {it.minutes} minutes. Now in force: the {it.in_force ? "tried" : "kept"} policy.
          </p>
          <div class="scroll" tabIndex={0} role="group" aria-label="Kept and tried policy">
            <table>
              <thead>
                <tr>
                  <th scope="col">Policy</th>
                  <th scope="col">Mean wait</th>
                  <th scope="col">Left</th>
                  <th scope="col">Conversations</th>
                  <th scope="col">Blocks</th>
                </tr>
              </thead>
              <tbody>
                <Arm name="Kept" arm={it.kept} />
                <Arm name="Tried" arm={it.tried} />
              </tbody>
            </table>
          </div>
          <p role="status">{verdict(it)}</p>
        </>
      ) : (
        <p class="muted">
          The policy above can be in force for every other quarter of an hour, to see what it changes. It ends when you end it or
          publish a policy.
        </p>
      )}
      {trouble.value && (
        <p class="banner wrong" role="alert">
          {trouble.value}
        </p>
      )}
      {admin &&
        (it ? (
          <button type="button" disabled={busy.value} onClick={() => void change({ method: "DELETE" })}>
            End the trial
          </button>
        ) : (
          <button
            type="button"
            disabled={busy.value || text.trim() === ""}
            onClick={() => void change({ method: "PUT", headers: PLAIN, body: text })}
          >
            Begin a trial
          </button>
        ))}
    </div>
  );
}
