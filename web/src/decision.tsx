// Why a conversation went where it went: one decision's record, for console and dashboard.
import type { DecisionView, Nearest } from "./protocol.ts";
import { clock, span } from "./times.ts";

const REASONS: Record<string, string> = {
  lacks_skill: "lack the skill",
  below_proficiency: "know it too little",
  lacks_language: "do not speak the language",
  offline: "are not here",
  away: "are away",
  at_capacity: "have no room",
  declined: "declined it before",
  scored_lower: "scored lower",
  reserved: "it is kept for somebody",
  kept_for_older: "are kept for an older conversation",
};

const TRIGGERS: Record<string, string> = {
  conversation_came: "the conversation came in",
  agent_freed: "an agent had room again",
  transfer: "it was handed over",
};

function Row({ who, won }: { who: Nearest; won: boolean }) {
  const part = (name: string) => who.score.find((it) => it.name === name)?.points ?? 0;
  return (
    <tr>
      <td>{who.name} {won && <span class="tag good">got it</span>}</td>
      <td class="num">{part("proficiency")}</td>
      <td class="num">{part("same_agent")}</td>
      <td class="num">{span(part("idle_ms"))}</td>
    </tr>
  );
}

export function Decision({ decision }: { decision: DecisionView }) {
  return (
    <details class="decision">
      <summary>{decision.winner.name}, {clock(decision.at_ms)}: after {span(decision.waited_ms)}</summary>
      <p class="muted">Decided when {TRIGGERS[decision.trigger] ?? decision.trigger}, by policy {decision.policy_version}.</p>
      <table>
        <thead><tr><th>Agent</th><th class="num">Skill</th><th class="num">Same agent</th><th class="num">Idle</th></tr></thead>
        <tbody>
          <Row who={decision.winner} won={true} />
          {decision.nearest.map((it) => <Row key={it.agent} who={it} won={false} />)}
        </tbody>
      </table>
      <ul>
        {decision.losing.map((it) => (
          <li key={`${it.reason}${it.name ?? ""}`}><span class="num">{it.agents}</span> {REASONS[it.reason] ?? it.reason}{it.name ? `: ${it.name}` : ""}</li>
        ))}
      </ul>
    </details>
  );
}
