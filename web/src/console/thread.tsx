// The thread: one timeline of messages and decisions, the actions on it, and the composer.

import { type Thread as Open, withHistory } from "../conversations.ts";
import { clock, exactly, languageName, timeOfDay, words } from "../format.ts";
import { Alert, Back, Bot, Check, CheckCheck, Chevron, Clock, Done, HandOver, Panel, Park, Reopen, Retry, TakeUp } from "../icons.tsx";
import { now } from "../live.ts";
import { joins, MessageLog } from "../log.tsx";
import { type Action, Menu } from "../menu.tsx";
import type { Outgoing } from "../outbox.ts";
import { call } from "../problem.ts";
import type { DecisionView, HistoryBody, MessageView } from "../protocol.ts";
import { Record, waited } from "../record.tsx";
import { Text } from "../text.tsx";
import { Composer } from "./composer.tsx";
import { Instead } from "./instead.tsx";
import { Foot, Head } from "./mail.tsx";
import { pointOf } from "./points.ts";
import * as state from "./state.ts";

interface Place {
  first: boolean;
  last: boolean;
  newest: boolean;
}

const STATES = {
  sending: [<Clock key="i" />, "Sending"],
  sent: [<Check key="i" />, "Sent"],
  delivered: [<CheckCheck key="i" />, "Delivered"],
  seen: [<CheckCheck key="i" />, "Seen"],
  failed: [<Alert key="i" />, "Not delivered"],
} as const;

function Mark({ at }: { at: keyof typeof STATES }) {
  return <span class={`mark ${at}`}>{STATES[at]}</span>;
}

function Message({ conversation, message, first, last, newest }: Place & { conversation: string; message: MessageView }) {
  const own = message.from.kind !== "customer";
  const name = message.from.name || (own ? "Agent" : "Visitor");
  return (
    <li class={`message${own ? " own" : ""}${first ? " first" : ""}`}>
      {first ? (
        <span class="who">
          {message.from.kind === "bot" && <Bot />}
          <span dir="auto">{name}</span>
          {message.from.kind === "bot" && <span class="tag">Bot</span>}
        </span>
      ) : (
        <span class="hidden-text">{name}: </span>
      )}
      {message.mail && <Head mail={message.mail} own={own} />}
      <p class="bubble" dir="auto">
        {message.text == null ? <em>Erased at the customer's wish</em> : <Text text={message.text} />}
      </p>
      {message.mail && <Foot conversation={conversation} message={message} mail={message.mail} own={own} />}
      {(last || newest || message.delivery === "failed") && (
        <span class="below">
          <time class="number" dateTime={new Date(message.at_ms).toISOString()} title={exactly(message.at_ms)}>
            {timeOfDay(message.at_ms)}
          </time>
          {own && !message.mail && (newest || message.delivery === "failed") && <Mark at={message.delivery} />}
        </span>
      )}
    </li>
  );
}

function Unsent({ item }: { item: Outgoing }) {
  const session = state.line.value?.session;
  return (
    <li class="message own first">
      <p class={`bubble ${item.state}`} dir="auto">
        <Text text={item.text} />
      </p>
      <span class="below">
        {item.state !== "failed" && <Mark at={item.state === "accepted" ? "sent" : "sending"} />}
        {item.state === "failed" && (
          <>
            <span class="mark failed">
              <Alert /> Not sent: {item.detail ?? "the server refused it"}
            </span>
            <button type="button" class="link" onClick={() => session?.retry(item.id)}>
              <Retry /> Try again
            </button>
            <button type="button" class="link" onClick={() => session?.drop(item.id)}>
              Remove
            </button>
            <Elsewhere item={item} />
          </>
        )}
      </span>
    </li>
  );
}

/** Where else it can go, where nothing goes to where it was for. */
function Elsewhere({ item }: { item: Outgoing }) {
  const open = state.thread.value;
  const point = open && pointOf(open, item.contact_point);
  if (!point?.trouble) return null;
  return <Instead tried={{ contact_point: point.id, to: [item.mail?.to ?? point.address ?? ""] }} text={item.text} />;
}

function Decided({ decision }: { decision: DecisionView }) {
  return (
    <li class="decided">
      <details>
        <summary>
          <span>
            Went to <strong>{decision.winner.name}</strong> {waited(decision.waited_ms)}
          </span>
          <time class="number">{timeOfDay(decision.at_ms)}</time>
        </summary>
        <Record decision={decision} />
      </details>
    </li>
  );
}

type Piece = { at: number; message: MessageView } | { at: number; decision: DecisionView };

function Timeline({ thread, items }: { thread: Open; items: Outgoing[] }) {
  const since = thread.messages[0]?.at_ms ?? 0;
  const made = (state.decisions.value.get(thread.id) ?? []).filter((it) => thread.messages[0]?.seq === 1 || it.at_ms >= since);
  const pieces: Piece[] = [
    ...thread.messages.map((message) => ({ at: message.at_ms, message })),
    ...made.map((decision) => ({ at: decision.at_ms, decision })),
  ].sort((a, b) => a.at - b.at || ("message" in a ? -1 : 1));
  const said = (piece: Piece | undefined) => (piece && "message" in piece ? piece.message : undefined);
  const own = thread.messages.findLast((message) => message.from.kind !== "customer");
  const newest = thread.messages.at(-1);
  const typing = state.line.value?.typing.value.get(thread.id) === "customer";
  return (
    <MessageLog
      label={`Messages with ${state.nameOf(thread)}`}
      newest={newest}
      own={newest?.from.kind !== "customer"}
      unsent={items.length}
      grows={`${typing} ${made.length} ${thread.state}`}
      below="New message below"
      earlier={(thread.messages[0]?.seq ?? 1) > 1 ? { name: "Show earlier messages", load: () => earlier(thread) } : undefined}
    >
      {pieces.map((piece, at) =>
        "message" in piece ? (
          <Message
            key={piece.message.id}
            conversation={thread.id}
            message={piece.message}
            first={!joins(said(pieces[at - 1]), piece.message)}
            last={!joins(piece.message, said(pieces[at + 1]))}
            newest={piece.message === own && items.length === 0}
          />
        ) : (
          <Decided key={`decision ${piece.decision.at_ms}`} decision={piece.decision} />
        ),
      )}
      {items.map((item) => (
        <Unsent key={item.id} item={item} />
      ))}
      {thread.state === "closed" && <li class="event">Ended</li>}
      {typing && (
        <li class="message first">
          <p class="bubble typing-dots">
            <span class="hidden-text">{state.nameOf(thread)} is typing</span>
            <i />
            <i />
            <i />
          </p>
        </li>
      )}
    </MessageLog>
  );
}

async function earlier(thread: Open): Promise<void> {
  const known = state.line.value?.known;
  const before = thread.messages[0]?.seq;
  if (!known || !before) return;
  try {
    const history = await call<HistoryBody>(`/conversations/${thread.id}/messages?before=${before}&limit=50`);
    known.value = withHistory(known.value, thread.id, history.messages);
  } catch (error) {
    state.note.value = { text: error instanceof Error ? error.message : String(error), wrong: true };
  }
}

/** To whom a conversation may go: queues first, then colleagues. */
export function targets(thread: Open): Action[] {
  const queues = (state.me.value?.queues ?? []).map((queue) => ({
    name: `queue ${words(queue)}`,
    icon: <HandOver />,
    run: () => state.handOver(thread.id, { queue }, `queue ${words(queue)}`),
  }));
  const people = state.colleagues.value.map((agent) => ({
    name: agent.name,
    icon: agent.kind === "bot" ? <Bot /> : <HandOver />,
    run: () => state.handOver(thread.id, { agent: agent.id }, agent.name),
  }));
  return [...queues, ...people];
}

function later(): Action[] {
  const id = state.selected.value ?? "";
  const tomorrow = new Date();
  tomorrow.setDate(tomorrow.getDate() + 1);
  tomorrow.setHours(9, 0, 0, 0);
  return [
    { name: "Until the customer writes", run: () => state.park(id) },
    { name: "For 15 minutes", run: () => state.park(id, Date.now() + 900_000) },
    { name: "For an hour", run: () => state.park(id, Date.now() + 3_600_000) },
    { name: "Until tomorrow, 09:00", run: () => state.park(id, tomorrow.getTime()) },
  ];
}

const otherwise = ({ id }: Open): Action[] => [
  { name: "Close as solved", note: "e", run: () => state.close(id) },
  { name: "Close, not solved", note: "E", run: () => state.close(id, false) },
];

function Actions({ thread }: { thread: Open }) {
  if (state.offer.value) return null;
  switch (thread.state) {
    case "assigned":
      return (
        <>
          <Menu label="Hand over" actions={targets(thread)} class="labelled">
            <HandOver /> <span class="words">Hand over</span>
          </Menu>
          <Menu label="Park" actions={later()} class="labelled">
            <Park /> <span class="words">Park</span>
          </Menu>
          <div class="split">
            <button type="button" aria-label="Close" title="Close as solved (e)" onClick={() => state.close(thread.id)}>
              <Done /> <span class="words">Close</span>
            </button>
            <Menu label="Close otherwise" actions={otherwise(thread)} class="icon-only">
              <Chevron />
            </Menu>
          </div>
        </>
      );
    case "parked":
      return (
        <button type="button" class="primary" onClick={() => state.unpark(thread.id)}>
          <TakeUp /> Take up again
        </button>
      );
    case "closed":
      return (
        <button type="button" onClick={() => state.reopen(thread.id)}>
          <Reopen /> Open again
        </button>
      );
    default:
      return null;
  }
}

function OfferBar() {
  const offer = state.offer.value;
  if (!offer) return null;
  return (
    <div class="offer-bar">
      <p>
        <strong>Offered to you:</strong> {state.whyLine(offer.why, offer.waited_ms)}
      </p>
      <span class="tag waiting number">
        <Clock /> {clock(Math.max(0, offer.until_ms - now.value))}
      </span>
      <button type="button" class="primary" onClick={() => void state.accept(offer.id)}>
        Accept
      </button>
      <button type="button" onClick={() => state.decline(offer.id)}>
        Decline
      </button>
    </div>
  );
}

export function Thread() {
  const thread = state.thread.value;
  if (!thread) {
    return (
      <main class="thread">
        <div class="empty">
          <strong>No conversation is open</strong>
          <p>
            Choose one from the list, or press <kbd>j</kbd>. All keys stand under <kbd>?</kbd>.
          </p>
        </div>
      </main>
    );
  }
  const items = (state.line.value?.outbox.value ?? []).filter((item) => item.conversation === thread.id);
  return (
    <main class="thread">
      <header class="thread-head">
        <button
          type="button"
          class="quiet icon-only back"
          aria-label="Back to the list"
          onClick={() => {
            state.selected.value = null;
          }}
        >
          <span class="turns">
            <Back />
          </span>
        </button>
        <div class="thread-name">
          <h2 dir="auto">{state.nameOf(thread)}</h2>
          <p class="muted">
            {words(thread.channel)} · {words(thread.queue)}
            {thread.language && ` · ${languageName(thread.language)}`}
          </p>
        </div>
        <Actions thread={thread} />
        <button
          type="button"
          class="quiet icon-only"
          aria-label="Context"
          aria-pressed={state.context.value}
          title="Context"
          onClick={() => {
            state.context.value = !state.context.value;
          }}
        >
          <Panel />
        </button>
      </header>
      <OfferBar />
      <Timeline key={thread.id} thread={thread} items={items} />
      {thread.state === "assigned" && !state.offer.value && <Composer key={`${thread.id} ${state.towards.value.get(thread.id)?.times ?? 0}`} thread={thread} />}
      {thread.state === "parked" && <p class="foot-line">Parked. A new message of the customer brings it back by itself.</p>}
      {thread.state === "closed" && <p class="foot-line">Ended. What was said stays here until you reload.</p>}
    </main>
  );
}
