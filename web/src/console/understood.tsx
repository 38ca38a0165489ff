// What was understood of the customer's words, the newest of each: language, intent, mood, each with how sure it is and why.

import { languageName, span, words } from "../format.ts";
import type { LabelReason, LabelView, MessageView } from "../protocol.ts";

export function Understood({ messages }: { messages: MessageView[] }) {
  const newest = (kind: "language" | "intent" | "mood") => messages.findLast((it) => it.labels?.[kind])?.labels?.[kind];
  const [language, intent, mood] = [newest("language"), newest("intent"), newest("mood")];
  if (!language && !intent && !mood) return null;
  return (
    <section>
      <h3>What was understood</h3>
      <dl>
        {language && <Label title="Language" name={languageName(language.name)} label={language} />}
        {intent && <Label title="Wants" name={words(intent.name)} label={intent} />}
        {mood && <Label title="Sounds" name={words(mood.name)} label={mood} />}
      </dl>
    </section>
  );
}

function Label({ title, name, label }: { title: string; name: string; label: LabelView }) {
  return (
    <>
      <dt>{title}</dt>
      <dd>
        {name} <span class="muted number">{Math.round(label.confidence / 10)} %</span>
        {label.because.length > 0 && (
          <p class="muted" dir="auto">
            because: {label.because.map(because).join(", ")}
          </p>
        )}
      </dd>
    </>
  );
}

/** A reason in words: the customer's own stand in quotation marks. */
export function because(reason: LabelReason): string {
  const count = reason.count ?? 0;
  switch (reason.kind) {
    case "words":
      return `“${reason.words ?? ""}”`;
    case "capitals":
      return `${count} words in capitals`;
    case "marks":
      return `${count} exclamation and question marks`;
    case "contacts":
      return `contact number ${count} in a week`;
    case "waited":
      return `has waited ${span(count * 1_000)}`;
    case "unsolved":
      return `${count} earlier without a solution`;
    default:
      return words(reason.kind);
  }
}
