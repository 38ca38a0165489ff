// The operations board: what can be acted on in the next quarter of an hour, and everything opens into its cases.
import { signal } from "@preact/signals";
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import "../style.css";
import { call } from "../api.ts";
import { Decision } from "../decision.tsx";
import type { BoardView, ConversationBody, ServerFrame, TicketBody } from "../protocol.ts";
import { Session } from "../session.ts";
import { SignIn, load, me, ready } from "../sign-in.tsx";
import { now, span } from "../times.ts";

const board = signal<BoardView | undefined>(undefined);
const opened = signal<ConversationBody | undefined>(undefined);
const session = signal<Session | undefined>(undefined);

if (new URLSearchParams(location.search).get("wall")) document.body.classList.add("wall");

function start() {
  if (session.value) return;
  const line = new Session({
    ticket: async () => (await call<TicketBody>("POST", "/tickets", {})).ticket,
    event: (event) => event.kind === "snapshot" && line.tell({ type: "watch", board: true }),
    notice: (frame: ServerFrame) => frame.type === "board" && (board.value = frame.board),
  });
  session.value = line;
  line.line.subscribe((state) => state === "live" && line.tell({ type: "watch", board: true }));
}

function Spark({ values, label }: { values: (number | null)[]; label: string }) {
  const known = values.filter((it): it is number => it !== null);
  const max = Math.max(1, ...known);
  let pen = false;
  const path = values
    .map((it, index) => {
      if (it === null) {
        pen = false;
        return "";
      }
      const point = `${pen ? "L" : "M"}${(index / Math.max(1, values.length - 1)) * 100} ${47 - (it / max) * 46}`;
      pen = true;
      return point;
    })
    .join("");
  return (
    <svg viewBox="0 0 100 48" preserveAspectRatio="none" role="img" aria-label={label}><path d={path} /></svg>
  );
}

function Tile({ name, value, note, tone, values }: { name: string; value: string; note: string; tone?: string; values?: (number | null)[] }) {
  return (
    <section class="tile">
      <h2>{name}</h2>
      <p class="value num">{value}</p>
      <p class={tone ? `tag ${tone}` : "muted"}>{note}</p>
      {values && values.length > 1 && <Spark values={values} label={`${name}, the last ${values.length} minutes`} />}
    </section>
  );
}

const promise = (of: [number, number] | null | undefined) => (of ? `${span(of[0] * 1000)}–${span(of[1] * 1000)}` : "–");

async function show(id: string) {
  opened.value = await call<ConversationBody>("GET", `/conversations/${id}`);
}

function Opened() {
  const dialog = useRef<HTMLDialogElement>(null);
  const body = opened.value;
  useEffect(() => (body ? dialog.current?.showModal() : dialog.current?.close()), [body]);
  return (
    <dialog ref={dialog} aria-label="Why it went where it went" onClose={() => (opened.value = undefined)}>
      {body && (
        <div class="inner">
          <h2>{body.conversation.customer_name ?? "Visitor"}, {body.conversation.queue}</h2>
          <p class="muted">{body.conversation.state}, {body.conversation.last} messages, opened {span(now.value - body.conversation.opened_ms)} ago{body.conversation.holder ? `, with ${body.conversation.holder.name}` : ""}</p>
          {body.decisions.length === 0 && <p>No decision yet: nobody who may serve it is free.</p>}
          {body.decisions.map((it) => <Decision key={it.at_ms} decision={it} />)}
          <button onClick={() => (opened.value = undefined)}>Done</button>
        </div>
      )}
    </dialog>
  );
}

function Board({ it }: { it: BoardView }) {
  const age = Math.round((now.value - it.at_ms) / 1000);
  const late = it.service_level != null && it.service_level < 80;
  return (
    <main class="board">
      <div class="top-line actions">
        <h1>Live board</h1>
        <span class={age > 5 ? "tag late num" : "tag good num"}>{age > 5 ? `${age} s old` : "live"}</span>
      </div>
      {age > 5 && <p class="banner" role="status">The figures are {age} s old. Routing goes on; the page reconnects by itself.</p>}
      <div class="tiles">
        <Tile name="Waiting" value={String(it.waiting)} note="conversations without an agent" values={it.history.map((row) => row[0])} />
        <Tile name="Oldest wait" value={span(it.oldest_wait_ms)} note="longest current wait" />
        <Tile name="Service level" value={it.service_level == null ? "–" : `${it.service_level} %`} note={late ? "below 80 %" : "taken up within target, last hour"} {...(late ? { tone: "late" } : {})} values={it.history.map((row) => row[1] ?? null)} />
        <Tile name="Free capacity" value={`${it.free_capacity} of ${it.total_capacity}`} note="points of agents online" />
        <Tile name="Handled" value={String(it.handled_hour)} note="closed in the last hour" values={it.history.map((row) => row[2])} />
        <Tile name="Decisions" value={`${it.decisions_per_s}/s`} note={`${it.decision_us[0].toFixed(0)} µs median, ${it.decision_us[1].toFixed(0)} µs p99`} />
      </div>
      <section class="panel">
        <h2>Queues</h2>
        <table>
          <thead><tr><th>Queue</th><th>State</th><th class="num">Waiting</th><th class="num">Oldest</th><th class="num">Promise told</th><th class="num">Arrived / handled, hour</th><th class="num">Within target</th></tr></thead>
          <tbody>
            {it.queues.map((queue) => (
              <tr key={queue.name}>
                <td>{queue.name}</td>
                <td>{queue.open ? <span class="tag good">open</span> : <span class="tag">closed</span>}</td>
                <td class="num">{queue.waiting}</td>
                <td class="num">{queue.oldest_wait_ms > queue.target_s * 1000 ? <span class="tag late">late {span(queue.oldest_wait_ms)}</span> : span(queue.oldest_wait_ms)}</td>
                <td class="num">{promise(queue.promise_s)}</td>
                <td class="num">{queue.arrived_hour} / {queue.handled_hour}</td>
                <td class="num">{queue.service_level == null ? "–" : `${queue.service_level} % in ${queue.target_s} s`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <div class="two">
        <section class="panel">
          <h2>Conversations</h2>
          {it.conversations.length === 0 && <p class="muted">None is open. The next one appears here.</p>}
          {it.conversations.length > 0 && (
            <table>
              <thead><tr><th>Queue</th><th>State</th><th>With</th><th class="num">Age</th><th><span class="sr">Open</span></th></tr></thead>
              <tbody>
                {it.conversations.map((row) => (
                  <tr key={row.id}>
                    <td>{row.queue}</td>
                    <td><span class={`tag ${row.state === "waiting" ? "waiting" : ""}`}>{row.state}</span></td>
                    <td>{row.holder?.name ?? "–"}</td>
                    <td class="num">{span(it.at_ms - row.opened_ms)}</td>
                    <td><button class="link" onClick={() => void show(row.id)}>Why</button></td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </section>
        <section class="panel">
          <h2>Agents</h2>
          <ul class="agents">
            {it.agents.map((agent) => (
              <li key={agent.id}>
                <span class="name">{agent.name}{agent.kind === "bot" ? " (bot)" : ""}</span>
                <span class={`tag ${agent.state === "online" ? "good" : agent.state === "away" ? "waiting" : ""}`}>{agent.state}</span>
                <span class="num muted">{agent.load}/{agent.capacity}</span>
              </li>
            ))}
          </ul>
        </section>
      </div>
      <Opened />
    </main>
  );
}

function Dashboard() {
  useEffect(start, []);
  return board.value ? <Board it={board.value} /> : <div class="empty"><p>Waiting for the first figures …</p></div>;
}

function Page() {
  if (!ready.value) return null;
  return me.value ? <Dashboard /> : <SignIn title="Operations dashboard" />;
}

void load();
render(<Page />, document.getElementById("app")!);
