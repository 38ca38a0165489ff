// Below the figures: queues as rows, agents as a compact grid, and the conversations behind it all.

import { groupName, languageName, number, promise, span, timeOfDay, words } from "../format.ts";
import { Alert, Bot, Check, Person } from "../icons.tsx";
import { now } from "../live.ts";
import type { AgentRow, AgentState, BoardView, ConversationState, ConversationView, QueueRow } from "../protocol.ts";
import { open, opened } from "./state.ts";

function Queue({ queue }: { queue: QueueRow }) {
  const late = queue.oldest_wait_ms > queue.target_s * 1_000;
  return (
    <tr>
      <th scope="row">
        <span class="name">{words(queue.name)}</span>
        {!queue.open && <span class="tag">closed</span>}
      </th>
      <td class="number">{number(queue.waiting)}</td>
      <td class="number">
        {late ? (
          <span class="tag late">
            <Alert /> late {span(queue.oldest_wait_ms)}
          </span>
        ) : queue.waiting ? (
          span(queue.oldest_wait_ms)
        ) : (
          "–"
        )}
      </td>
      <td class="number">{span(queue.target_s * 1_000)}</td>
      <td class="number">{promise(queue.promise_s)}</td>
      <td class="number">{queue.service_level == null ? "–" : `${queue.service_level} %`}</td>
      <td class="number">{number(queue.arrived_hour)}</td>
      <td class="number">{number(queue.handled_hour)}</td>
    </tr>
  );
}

export function Queues({ board }: { board: BoardView }) {
  return (
    <section class="panel">
      <h2>Queues</h2>
      {board.queues.length === 0 ? (
        <div class="empty">
          <strong>No queue yet</strong>
          <p>The workspace's policy names them. Each shows here as a row.</p>
        </div>
      ) : (
        <div class="scroll" tabIndex={0} role="group" aria-label="Queues">
          <table>
            <thead>
              <tr>
                <th scope="col">Queue</th>
                <th scope="col">Waiting</th>
                <th scope="col">Oldest</th>
                <th scope="col">Target</th>
                <th scope="col">Promise told</th>
                <th scope="col">In target</th>
                <th scope="col">Arrived, hour</th>
                <th scope="col">Handled, hour</th>
              </tr>
            </thead>
            <tbody>
              {board.queues.map((queue) => (
                <Queue key={queue.name} queue={queue} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** How the promises of the wait were kept: nine in ten are to be. */
export function Promises({ board }: { board: BoardView }) {
  const rows = board.promises ?? [];
  if (rows.length === 0) return null;
  return (
    <section class="panel">
      <h2>Promises of the wait</h2>
      <div class="scroll" tabIndex={0} role="group" aria-label="Promises of the wait">
        <table>
          <thead>
            <tr>
              <th scope="col">Group</th>
              <th scope="col">Served</th>
              <th scope="col">Kept</th>
              <th scope="col">Bias</th>
              <th scope="col">Left</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={`${row.by} ${row.name}`}>
                <th scope="row">
                  <span class="name">{groupName(row)}</span>
                </th>
                <td class="number">{number(row.served)}</td>
                <td class="number">{row.served ? `${row.kept} %` : "–"}</td>
                <td class="number">{row.served ? `${row.bias > 0 ? "+" : ""}${row.bias} %` : "–"}</td>
                <td class="number">{number(row.left)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const STATES: Record<AgentState, string> = { online: "Online", away: "Away", offline: "Offline" };

function Agent({ agent }: { agent: AgentRow }) {
  const free = Math.max(0, agent.capacity - agent.load);
  return (
    <li class={`agent ${agent.state}`}>
      <span class="agent-kind">{agent.kind === "bot" ? <Bot /> : <Person />}</span>
      <span class="name" dir="auto">
        {agent.name}
        {agent.kind === "bot" && <span class="hidden-text"> (bot)</span>}
        {agent.on_break && (
          <span class="muted">
            {agent.on_break.begun ? ` on a break until ${timeOfDay(agent.on_break.until_ms)}` : ` break at ${timeOfDay(agent.on_break.from_ms)}`}
          </span>
        )}
      </span>
      <span class="number muted">
        {agent.state === "offline" ? "–" : `${number(agent.load)} of ${number(agent.capacity)}`}
        {agent.interruptible_load && (
          <span title="Taken by work that is put down for other work">{` + ${number(agent.interruptible_load)}`}</span>
        )}
      </span>
      {agent.state !== "offline" && (
        <meter min={0} max={Math.max(1, agent.capacity)} value={agent.load} aria-label={`${free} free`} />
      )}
    </li>
  );
}

export function Agents({ board }: { board: BoardView }) {
  const shown = (Object.keys(STATES) as AgentState[])
    .map((state) => ({ state, agents: board.agents.filter((agent) => agent.state === state) }))
    .filter((group) => group.agents.length > 0);
  return (
    <section class="panel">
      <h2>Agents</h2>
      {shown.length === 0 && (
        <div class="empty">
          <strong>No agent yet</strong>
          <p>An admin makes them; each shows here by state.</p>
        </div>
      )}
      {shown.map(({ state, agents }) => (
        <div key={state} class="agent-group">
          <h3>
            <i class={`dot ${state}`} aria-hidden="true" /> {STATES[state]} <span class="number muted">{agents.length}</span>
          </h3>
          <ul>
            {agents.map((agent) => (
              <Agent key={agent.id} agent={agent} />
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

export const STATE_WORDS: Record<ConversationState, [string, string]> = {
  waiting: ["waiting", "waiting"],
  offered: ["offered", "accent"],
  assigned: ["in hand", "good"],
  parked: ["parked", ""],
  closed: ["ended", ""],
};

function Row({ view }: { view: ConversationView }) {
  const [word, tone] = STATE_WORDS[view.state];
  return (
    <li>
      <button type="button" aria-current={opened.value === view.id} onClick={() => open(view.id)}>
        <span class="name">
          <bdi>{view.customer_name || "Visitor"}</bdi> <span class="muted id">{view.id.slice(-4)}</span>
        </span>
        <span class={`tag ${tone}`}>
          {view.state === "assigned" && <Check />}
          {word}
        </span>
        <span class="muted where">
          {words(view.queue)}
          {view.language && ` · ${languageName(view.language)}`}
        </span>
        <span class="muted with" dir="auto">
          {view.holder?.name ?? "nobody yet"}
        </span>
        <span class="number age">
          {view.waiting_since_ms == null ? "answered" : `waits ${span(now.value - view.waiting_since_ms)}`}
        </span>
      </button>
    </li>
  );
}

export function Conversations({ board }: { board: BoardView }) {
  return (
    <section class="panel">
      <h2>
        Conversations <span class="number muted">{board.conversations.length}</span>
      </h2>
      {board.conversations.length === 0 ? (
        <div class="empty">
          <strong>No conversation is open</strong>
          <p>As soon as a customer writes, it shows here; a click tells why it went where it went.</p>
        </div>
      ) : (
        <ul class="conversations">
          {board.conversations.map((view) => (
            <Row key={view.id} view={view} />
          ))}
        </ul>
      )}
    </section>
  );
}
