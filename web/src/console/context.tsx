// Beside the thread: who it is, what it is about, and why it came here.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { call } from "../api.ts";
import { Decision } from "../decision.tsx";
import type { ConversationBody } from "../protocol.ts";
import { clock, languageName } from "../times.ts";
import { nameOf } from "./list.tsx";
import { current } from "./state.ts";

const decisions = signal<ConversationBody["decisions"]>([]);

export function Context() {
  const conversation = current.value;
  useEffect(() => {
    decisions.value = [];
    if (conversation)
      call<ConversationBody>("GET", `/conversations/${conversation.id}`)
        .then((body) => (decisions.value = body.decisions))
        .catch(() => undefined);
  }, [conversation?.id, conversation?.fence, conversation?.state]);
  if (!conversation) return <aside class="context" aria-label="About" />;
  return (
    <aside class="context" aria-label="About">
      <section>
        <h2>{nameOf(conversation)}</h2>
        <dl class="facts">
          <dt>Channel</dt><dd>{conversation.channel === "web_chat" ? "Web chat" : conversation.channel}</dd>
          {conversation.language && <><dt>Language</dt><dd>{languageName(conversation.language)}</dd></>}
          <dt>Queue</dt><dd>{conversation.queue}</dd>
          {conversation.topics.length > 0 && <><dt>Needs</dt><dd>{conversation.topics.join(", ")}</dd></>}
          <dt>Since</dt><dd class="num">{clock(conversation.opened_ms)}</dd>
          <dt>Messages</dt><dd class="num">{conversation.last}</dd>
        </dl>
      </section>
      <section>
        <h2>Why it came here</h2>
        {decisions.value.length === 0 && <p class="muted">No decision yet.</p>}
        {decisions.value.map((it) => <Decision key={it.at_ms} decision={it} />)}
      </section>
    </aside>
  );
}
