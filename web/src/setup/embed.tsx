// The chat on the company's own pages: the line that goes into them, the company's name, and which pages may show it.

import { useState } from "preact/hooks";
import { Check, Console } from "../icons.tsx";
import { ask } from "../problem.ts";
import type { WidgetBody, WidgetInput } from "../protocol.ts";

/** The addresses that were typed, one a line. */
export const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((it) => it.trim())
    .filter((it) => it !== "");

export function Embed({ widget }: { widget: WidgetBody }) {
  const tag = `<script src="${location.origin}/embed.js" data-key="${widget.widget}" async></script>`;
  const [said, setSaid] = useState<{ text: string; wrong: boolean }>();
  const [copied, setCopied] = useState(false);
  const [busy, setBusy] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(tag);
      setCopied(true);
    } catch {
      setSaid({ text: "The browser does not let this page copy: mark the line and copy it by hand.", wrong: true });
    }
  };
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const input: WidgetInput = { company: String(form.get("company")), origins: lines(String(form.get("origins"))) };
    setBusy(true);
    try {
      await ask("/widget", {
        method: "PUT",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(input),
      });
      setSaid({ text: "Saved. It holds for everybody who opens the chat from now on.", wrong: false });
    } catch (error) {
      setSaid({ text: error instanceof Error ? error.message : String(error), wrong: true });
    }
    setBusy(false);
  };
  return (
    <main class="door wide">
      <form onSubmit={submit}>
        <p class="mark">
          <Console /> Switchboard
        </p>
        <h1>Put the chat on your pages</h1>
        <div class="field">
          <p id="tag-name">This line goes into each page that shows the chat, before its end.</p>
          <pre tabIndex={0} role="group" aria-labelledby="tag-name">
            <code>{tag}</code>
          </pre>
          <button type="button" onClick={() => void copy()}>
            {copied && <Check />} {copied ? "Copied" : "Copy the line"}
          </button>
        </div>
        <label>
          Your company, as customers see it
          <input name="company" autocomplete="organization" required maxLength={80} defaultValue={widget.company} />
        </label>
        <label>
          Where those pages are, one address a line
          <textarea
            name="origins"
            rows={3}
            spellcheck={false}
            placeholder="https://www.example.com"
            defaultValue={widget.origins.join("\n")}
            aria-describedby="origins-note"
          />
        </label>
        <p class="quiet-text" id="origins-note">
          No page elsewhere can use the key. Pages at {location.origin} need no line here.
        </p>
        {said && (
          <p class={said.wrong ? "wrong-line" : "hint"} role={said.wrong ? "alert" : "status"}>
            {said.text}
          </p>
        )}
        <div class="actions">
          <button type="submit" disabled={busy}>
            {busy ? "Saving" : "Save"}
          </button>
          <button type="button" class="primary" onClick={() => location.assign("/console/")}>
            Open the console
          </button>
        </div>
      </form>
    </main>
  );
}
