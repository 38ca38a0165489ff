// The messages: grouped by who wrote them, each with how far it got, read out politely as they come.

import { merge, type Thread, withHistory } from "../conversations.ts";
import { exactly, timeOfDay } from "../format.ts";
import { Alert, Bot, Check, CheckCheck, Clock, Person, Retry, Trash } from "../icons.tsx";
import { joins, MessageLog } from "../log.tsx";
import type { Outgoing } from "../outbox.ts";
import { call } from "../problem.ts";
import type { HistoryBody, MessageView } from "../protocol.ts";
import { Text } from "../text.tsx";
import { body, line, text, threads } from "./visit.ts";
import { language } from "./waits.ts";

function Mark({ state }: { state: MessageView["delivery"] | "sending" }) {
  const icon = { sending: <Clock />, sent: <Check />, delivered: <CheckCheck />, seen: <CheckCheck />, failed: <Alert /> };
  return (
    <span class={`mark ${state}`}>
      {icon[state]} {text(state)}
    </span>
  );
}

function Message({ message, first, last, newest }: Record<"first" | "last" | "newest", boolean> & { message: MessageView }) {
  const own = message.from.kind === "customer";
  const name = own ? text("you") : (message.from.name ?? body.value?.company ?? "");
  return (
    <li class={`message${own ? " own" : ""}${first ? " first" : ""}`}>
      {!own && first && (
        <span class="who">
          {message.from.kind === "bot" ? <Bot /> : <Person />}
          <bdi>{name}</bdi>
          <span class="tag">{text(message.from.kind === "bot" ? "bot" : "person")}</span>
        </span>
      )}
      {(own || !first) && <span class="hidden-text">{name}: </span>}
      <p class="bubble" dir="auto">
        <Text text={message.text ?? "—"} />
      </p>
      {(last || newest || message.delivery === "failed") && (
        <span class="below">
          <time class="number" dateTime={new Date(message.at_ms).toISOString()} title={exactly(message.at_ms, language())}>
            {timeOfDay(message.at_ms, language())}
          </time>
          {own && (newest || message.delivery === "failed") && <Mark state={message.delivery} />}
        </span>
      )}
    </li>
  );
}

function Unsent({ item }: { item: Outgoing }) {
  const session = line.value?.session;
  return (
    <li class="message own">
      <span class="hidden-text">{text("you")}: </span>
      <p class={`bubble ${item.state}`} dir="auto">
        <Text text={item.text} />
      </p>
      <span class="below">
        {item.state !== "failed" && <Mark state={item.state === "accepted" ? "sent" : "sending"} />}
        {item.state === "failed" && (
          <>
            <Mark state="failed" />
            <span>{text("failed_help")}</span>
            <button type="button" class="link" onClick={() => session?.retry(item.id)}>
              <Retry /> {text("retry")}
            </button>
            <button type="button" class="link" onClick={() => session?.drop(item.id)}>
              <Trash /> {text("remove")}
            </button>
          </>
        )}
      </span>
    </li>
  );
}

function Conversation({ thread, latest }: { thread: Thread; latest: boolean }) {
  const own = thread.messages.findLast((message) => message.from.kind === "customer");
  return (
    <>
      {thread.messages.map((message, at) => (
        <Message
          key={message.id}
          message={message}
          first={!joins(thread.messages[at - 1], message)}
          last={!joins(message, thread.messages[at + 1])}
          newest={latest && message === own}
        />
      ))}
      {thread.state === "closed" && !latest && <li class="divider">{text("ended")}</li>}
    </>
  );
}

export function Log() {
  const unsent = line.value?.outbox.value ?? [];
  const all = threads.value;
  const newest = all.at(-1)?.messages.at(-1);
  const typing = line.value?.typing.value.get(all.at(-1)?.id ?? "");
  const oldest = all[0];
  const more = oldest && (oldest.messages[0]?.seq ?? 1) > 1;
  return (
    <MessageLog
      label={text("title", { company: body.value?.company ?? "" })}
      newest={newest}
      own={newest?.from.kind === "customer"}
      unsent={unsent.length}
      grows={typing}
      below={text("new_below")}
      earlier={more ? { name: text("earlier"), load: () => earlier(oldest) } : undefined}
    >
      {all.length === 0 && unsent.length === 0 && (
        <li class="message first">
          <p class="bubble greeting">{text("greeting")}</p>
        </li>
      )}
      {all.map((thread, at) => (
        <Conversation key={thread.id} thread={thread} latest={at === all.length - 1 && unsent.length === 0} />
      ))}
      {unsent.map((item) => (
        <Unsent key={item.id} item={item} />
      ))}
      {typing && (
        <li class="message first">
          <p class="bubble typing-dots">
            <span class="hidden-text">
              {text("typing", { name: all.at(-1)?.holder?.name ?? body.value?.company ?? "" })}
            </span>
            <i />
            <i />
            <i />
          </p>
        </li>
      )}
    </MessageLog>
  );
}

async function earlier(thread: Thread): Promise<void> {
  const known = line.value?.known;
  const before = thread.messages[0]?.seq;
  if (!known || !before || !body.value) return;
  const history = await call<HistoryBody>(`/conversations/${thread.id}/messages?before=${before}&limit=50`, undefined, {
    Authorization: `Visitor ${body.value.visitor}`,
  }).catch(() => null);
  if (history) known.value = withHistory(known.value, thread.id, history.messages);
}

/** Everything that was said, as plain text. */
export async function transcript(): Promise<string> {
  const lines = [text("title", { company: body.value?.company ?? "" }), ""];
  for (const thread of threads.value) {
    let { messages } = thread;
    while (body.value && (messages[0]?.seq ?? 1) > 1) {
      const path = `/conversations/${thread.id}/messages?before=${messages[0]?.seq}&limit=200`;
      const history = await call<HistoryBody>(path, undefined, { Authorization: `Visitor ${body.value.visitor}` });
      if (history.messages.length === 0) break;
      messages = merge(messages, history.messages);
    }
    for (const message of messages) {
      const name = message.from.kind === "customer" ? text("you") : (message.from.name ?? body.value?.company ?? "");
      const mark = message.from.kind === "bot" ? ` (${text("bot")})` : "";
      lines.push(`${exactly(message.at_ms, language())}\n${name}${mark}: ${message.text ?? "—"}\n`);
    }
  }
  return lines.join("\n");
}
