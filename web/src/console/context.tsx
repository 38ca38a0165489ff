// The context of the open conversation: who it is, what it is about, and why it came here.

import { exactly, languageName, span, words } from "../format.ts";
import { X } from "../icons.tsx";
import { now } from "../live.ts";
import { Record } from "../record.tsx";
import * as state from "./state.ts";
import { Understood } from "./understood.tsx";

export function Context() {
  const thread = state.thread.value;
  if (!thread || !state.context.value) return null;
  const made = state.decisions.value.get(thread.id);
  return (
    <aside class="context" aria-label="Context">
      <header>
        <span class="avatar large" aria-hidden="true">
          {state.nameOf(thread).slice(0, 1)}
        </span>
        <div class="thread-name">
          <h2 dir="auto">{state.nameOf(thread)}</h2>
          <p class="muted">{thread.customer_name ? "Customer" : "Has given no name"}</p>
        </div>
        <button
          type="button"
          class="quiet icon-only"
          aria-label="Fold the context away"
          onClick={() => {
            state.context.value = false;
          }}
        >
          <X />
        </button>
      </header>
      <dl>
        <dt>Writes by</dt>
        <dd>{words(thread.channel)}</dd>
        {thread.language && (
          <>
            <dt>Language</dt>
            <dd>{languageName(thread.language)}</dd>
          </>
        )}
        <dt>Came through</dt>
        <dd>queue {words(thread.queue)}</dd>
        {thread.topics.length > 0 && (
          <>
            <dt>Needs</dt>
            <dd class="topics">
              {thread.topics.map((topic) => (
                <span class="tag" key={topic}>
                  {words(topic)}
                </span>
              ))}
            </dd>
          </>
        )}
        <dt>Opened</dt>
        <dd class="number" title={exactly(thread.opened_ms)}>
          {span(now.value - thread.opened_ms)} ago
        </dd>
        <dt>Messages</dt>
        <dd class="number">{thread.last}</dd>
        {thread.holder && (
          <>
            <dt>Held by</dt>
            <dd>{thread.holder.name}</dd>
          </>
        )}
      </dl>
      <Understood messages={thread.messages} />
      <section>
        <h3>Why it came here</h3>
        {made === undefined && <p class="muted">Reading the record</p>}
        {made?.length === 0 && <p class="muted">No decision is on record yet.</p>}
        {made?.map((decision, at) => (
          <details key={decision.at_ms} open={at === 0}>
            <summary>
              <span>To {decision.winner.name}</span> <span class="muted number">{span(now.value - decision.at_ms)} ago</span>
            </summary>
            <Record decision={decision} />
          </details>
        ))}
      </section>
    </aside>
  );
}
