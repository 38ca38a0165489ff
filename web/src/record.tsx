// One decision's record: who got it and by which points, the nearest who did not, and the groups that could not.

import { useEffect, useRef } from "preact/hooks";
import { clock, exactly, languageName, number, span, words } from "./format.ts";
import type { DecisionView, LosingGroup, Nearest, ScorePart } from "./protocol.ts";
import "./record.css";

const PARTS: Record<string, string> = {
  cost_ms: "Customer's time",
  proficiency: "Skill",
  same_agent: "Known",
  idle_ms: "Free for",
};
const RULES: Record<string, string> = { least_customer_time: "least customer time" };
const TRIGGERS: Record<string, string> = {
  conversation_came: "the conversation came",
  agent_freed: "an agent became free",
  transfer: "it was handed over",
};

/** How long it took until somebody was found. */
export const waited = (ms: number) => (ms < 1_000 ? "at once" : `after ${clock(ms)}`);

/** The customer's time, by the second: minutes would hide what decided. */
const seconds = (ms: number) => `${number(ms / 1_000, Math.abs(ms) < 10_000 ? 1 : 0)} s`;

function points(part: ScorePart): string {
  if (part.name === "cost_ms") return seconds(part.points);
  return part.name === "idle_ms" ? span(part.points) : number(part.points);
}

/** The parts that decide: the customer's time where the rule counts it, else the points. The time since when somebody is
 * free only settles ties, and would swamp the rest. */
function summed(candidate: Nearest): ScorePart[] {
  const cost = candidate.score.filter((part) => part.name === "cost_ms");
  return cost.length > 0 ? cost : candidate.score.filter((part) => part.name !== "idle_ms");
}
const total = (candidate: Nearest) => summed(candidate).reduce((sum, part) => sum + Math.max(0, part.points), 0);

function Bar({ candidate, most }: { candidate: Nearest; most: number }) {
  const bar = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const parts = [...(bar.current?.children ?? [])] as HTMLElement[];
    parts.forEach((part, at) => {
      part.style.inlineSize = `${(Math.max(0, summed(candidate)[at]?.points ?? 0) / Math.max(1, most)) * 100}%`;
    });
  }, [candidate, most]);
  return (
    <span class="score-bar" ref={bar} aria-hidden="true">
      {summed(candidate).map((part) => (
        <i key={part.name} class={part.name} />
      ))}
    </span>
  );
}

/** Why a group did not get it, as a clause. */
export function lost(group: LosingGroup): string {
  const what = group.name ? words(group.name) : "";
  const said: Record<string, string> = {
    lacks_skill: `without ${what}`,
    below_proficiency: `not proficient enough in ${what}`,
    lacks_language: `without ${group.name ? languageName(group.name) : "the language"}`,
    offline: "offline",
    away: "away",
    at_capacity: "without room",
    declined: "declined it before",
    reserved: "not the one it was kept for",
    kept_for_older: "kept for somebody who has waited too long",
    has_skill: `with ${what}, which was not to be`,
    not_yet: "to be asked later",
    asked_too: "asked at the same time",
    scored_lower: "could, and would have been less good",
  };
  return said[group.reason] ?? words(group.reason);
}

export function Record({ decision }: { decision: DecisionView }) {
  const candidates = [decision.winner, ...decision.nearest];
  const most = Math.max(...candidates.map(total));
  // A column of zeros says nothing.
  const told = (name: string) => candidates.some((it) => it.score.some((part) => part.name === name && part.points !== 0));
  const parts = decision.winner.score.map((part) => part.name).filter(told);
  const counted = new Set(summed(decision.winner).map((part) => part.name));
  return (
    <div class="record">
      <p>
        <strong>{decision.winner.name}</strong> was chosen when {TRIGGERS[decision.trigger] ?? words(decision.trigger)},{" "}
        <span class="number">{waited(decision.waited_ms)}</span>.
      </p>
      <div class="record-table" tabIndex={0} role="group" aria-label="Candidates and their points">
        <table>
          <thead>
            <tr>
              <th scope="col">Candidate</th>
              {parts.map((name) => (
                <th scope="col" class="number" key={name}>
                  {counted.has(name) && <i class={`key ${name}`} aria-hidden="true" />}
                  {PARTS[name] ?? words(name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {candidates.map((candidate, at) => (
              <tr key={candidate.agent} class={at === 0 ? "winner" : ""}>
                <th scope="row">
                  <span class="candidate">
                    <bdi>{candidate.name}</bdi>
                    {at === 0 && <span class="tag good">chosen</span>}
                  </span>
                  <Bar candidate={candidate} most={most} />
                </th>
                {parts.map((name) => {
                  const part = candidate.score.find((it) => it.name === name);
                  return (
                    <td class="number" key={name}>
                      {part ? points(part) : "–"}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {decision.terms && (
        <p class="terms">
          <span class="number">{seconds(decision.terms.work_ms)}</span> for the work
          {decision.terms.price_ms > 0 && (
            <>
              , <span class="number">{seconds(decision.terms.price_ms)}</span> for a place that others may need
            </>
          )}
          {decision.terms.risk_ms > 0 && (
            <>
              , <span class="number">{seconds(decision.terms.risk_ms)}</span> in case nobody is there
            </>
          )}
          .
          {decision.terms.hold_ms != null && (
            <>
              {" "}
              Waiting for a better agent would have cost <span class="number">{seconds(decision.terms.hold_ms)}</span>.
            </>
          )}
          {decision.flip && (
            <>
              {" "}
              <bdi>{decision.flip.name}</bdi> would have got it, had that been{" "}
              <span class="number">{seconds(decision.flip.by_ms)}</span> quicker.
            </>
          )}
        </p>
      )}
      {decision.losing.length > 0 && (
        <ul class="losing">
          {decision.losing.map((group) => (
            <li key={`${group.reason} ${group.name ?? ""}`}>
              <span class="number">{number(group.agents)}</span> {group.agents === 1 ? "agent" : "agents"} {lost(group)}
            </li>
          ))}
        </ul>
      )}
      <p class="muted">
        {exactly(decision.at_ms)} · {RULES[decision.rule] ?? words(decision.rule)} · policy version <span class="number">{decision.policy_version}</span>
      </p>
    </div>
  );
}
