// The composer: a draft that is always kept, how the answer will go, and one key to send it.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Thread } from "../conversations.ts";
import { words } from "../format.ts";
import { Send } from "../icons.tsx";
import { addressOf, input, LetterFields, letterOf, subjectOf } from "./letter.tsx";
import { drafts, focusComposer, line, note } from "./state.ts";

const TEXT_MAX_BYTES = 16_384;
const NEAR_BYTES = 1_000;
const mac = navigator.platform.startsWith("Mac");

/** The last wish for the focus that was met: an accepted offer wishes for it before its composer is there. */
let honoured = 0;

export function Composer({ thread }: { thread: Thread }) {
  const [text, setText] = useState(drafts.get(thread.id));
  const byMail = thread.channel === "email";
  const letterKey = `${thread.id}.letter`;
  const [letter, setLetter] = useState(letterOf(drafts.get(letterKey)));
  const field = useRef<HTMLTextAreaElement>(null);
  const wished = focusComposer.value;
  useEffect(() => {
    if (honoured === wished) return;
    honoured = wished;
    field.current?.focus();
  }, [wished]);
  useLayoutEffect(() => {
    const it = field.current;
    if (!it) return;
    it.style.height = "auto";
    it.style.height = `${Math.min(it.scrollHeight + 2, 240)}px`;
  }, [text]);
  const left = TEXT_MAX_BYTES - new TextEncoder().encode(text.trim()).length;
  const change = (next: string) => {
    setText(next);
    drafts.set(thread.id, next);
  };
  const send = () => {
    const trimmed = text.trim();
    if (!trimmed || left < 0) return;
    if (line.value?.session.write(thread.id, trimmed, byMail ? input(letter) : undefined)) {
      change("");
      drafts.set(letterKey, "");
      setLetter(letterOf(""));
    }
    else note.value = { text: "Too many messages wait for the line. Your text is kept here.", wrong: true };
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {byMail && (
        <LetterFields
          conversation={thread.id}
          letter={letter}
          subject={subjectOf(thread.messages)}
          to={addressOf(thread.messages)}
          change={(next) => {
            setLetter(next);
            drafts.set(letterKey, JSON.stringify(next));
          }}
        />
      )}
      <textarea
        ref={field}
        id="composer"
        rows={2}
        dir="auto"
        value={text}
        aria-label="Your answer"
        placeholder={`Answer ${thread.customer_name || "the visitor"}`}
        onInput={(event) => {
          change(event.currentTarget.value);
          if (event.currentTarget.value) line.value?.types(thread.id);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            send();
          } else if (event.key === "Escape") {
            event.currentTarget.blur();
          }
        }}
      />
      <div class="composer-foot">
        <span class="muted">Goes by {words(thread.channel)}</span>
        {left < NEAR_BYTES && (
          <span class={`tag number ${left < 0 ? "wrong" : ""}`}>{left < 0 ? `${-left} too long` : `${left} left`}</span>
        )}
        <span class="fill" />
        <span class="muted keys">
          <kbd>{mac ? "⌘" : "Ctrl"}</kbd> <kbd>Enter</kbd>
        </span>
        <button type="submit" class="primary" disabled={!text.trim() || left < 0}>
          <Send /> Send
        </button>
      </div>
    </form>
  );
}
