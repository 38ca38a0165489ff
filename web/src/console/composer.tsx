// The composer: a draft that is always kept, how the answer will go, and one key to send it.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Thread } from "../conversations.ts";
import { words } from "../format.ts";
import { Send } from "../icons.tsx";
import type { ContactPointView } from "../protocol.ts";
import { addresses, input, LetterFields, letterOf, subjectOf } from "./letter.tsx";
import { placeOf, pointOf } from "./points.ts";
import { drafts, focusComposer, line, note, towards, writeTo, wroteTo } from "./state.ts";

const TEXT_MAX_BYTES = 16_384;
const NEAR_BYTES = 1_000;
const mac = navigator.platform.startsWith("Mac");

/** The last wish for the focus that was met: an accepted offer wishes for it before its composer is there. */
let honoured = 0;

/** Where the answer goes; one of several is chosen here. */
function Goes({ thread, point, to }: { thread: Thread; point: ContactPointView | undefined; to: string | undefined }) {
  const points = thread.contact_points ?? [];
  const by = words(point?.channel ?? thread.channel);
  if (points.length < 2) {
    return (
      <span class="muted goes" dir="auto">
        Goes by {by}
        {to && ` to ${to}`}
      </span>
    );
  }
  return (
    <label class="muted goes">
      Goes to{" "}
      <select dir="auto" value={point?.id} onChange={({ currentTarget }) => writeTo(thread.id, currentTarget.value)}>
        {points.map((it) => (
          <option key={it.id} value={it.id} disabled={it.trouble != null}>
            {placeOf(it)}
            {it.trouble === "unreachable" && ", which mail comes back from"}
            {it.trouble === "complained" && ", which called our mail unwanted"}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Composer({ thread }: { thread: Thread }) {
  const [text, setText] = useState(drafts.get(thread.id));
  const chosen = towards.value.get(thread.id)?.point;
  const point = pointOf(thread, chosen);
  const byMail = (point?.channel ?? thread.channel) === "email";
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
    if (line.value?.session.write(thread.id, trimmed, byMail ? input(letter) : undefined, chosen)) {
      change("");
      drafts.set(letterKey, "");
      setLetter(letterOf(""));
      wroteTo(thread.id);
    } else note.value = { text: "Too many messages wait for the line. Your text is kept here.", wrong: true };
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
          to={point?.address ?? ""}
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
        <Goes thread={thread} point={point} to={byMail ? (addresses(letter.to)[0] ?? point?.address ?? undefined) : undefined} />
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
