// What a mail that goes out has beside its text: subject, copies, files, and whether the customer's mail is quoted. Kept with
// the draft until it is sent.

import { useRef } from "preact/hooks";
import { X } from "../icons.tsx";
import { ask } from "../problem.ts";
import type { FileBody, MailInput, MessageView } from "../protocol.ts";
import { size } from "./mail.tsx";
import { note } from "./state.ts";

/** A draft beside its text. Addresses stand as they are written. */
export interface Letter {
  subject: string;
  to: string;
  cc: string;
  bcc: string;
  quote: boolean;
  files: FileBody[];
  /** Whether the fields are open. */
  open: boolean;
}

export const NEW: Letter = { subject: "", to: "", cc: "", bcc: "", quote: true, files: [], open: false };

/** A letter that was kept; a new one where there is none, or something else. */
export function letterOf(text: string): Letter {
  try {
    const found = JSON.parse(text) as Partial<Letter>;
    return { ...NEW, ...found, files: Array.isArray(found.files) ? found.files : [] };
  } catch {
    return NEW;
  }
}

/** Addresses as they are written in a row. */
export function addresses(text: string): string[] {
  return text.split(/[,;\s]+/).filter((it) => it.includes("@"));
}

/** What the server is told. */
export function input(letter: Letter): MailInput {
  return {
    ...(letter.subject.trim() ? { subject: letter.subject.trim() } : {}),
    ...(addresses(letter.to)[0] ? { to: addresses(letter.to)[0] } : {}),
    ...(addresses(letter.cc).length > 0 ? { cc: addresses(letter.cc) } : {}),
    ...(addresses(letter.bcc).length > 0 ? { bcc: addresses(letter.bcc) } : {}),
    ...(letter.quote ? { quote: true } : {}),
    ...(letter.files.length > 0 ? { files: letter.files.map((it) => it.id) } : {}),
  };
}

/** The subject that an answer to these messages has. */
export function subjectOf(messages: readonly MessageView[]): string {
  const subject = messages.findLast((it) => it.mail?.subject)?.mail?.subject ?? "";
  return /^re:/i.test(subject) || !subject ? subject : `Re: ${subject}`;
}

interface Props {
  conversation: string;
  letter: Letter;
  subject: string;
  to: string;
  change(letter: Letter): void;
}

export function LetterFields({ conversation, letter, subject, to, change }: Props) {
  const picker = useRef<HTMLInputElement>(null);
  const add = async (files: FileList | null) => {
    let kept = letter.files;
    for (const file of files ?? []) {
      try {
        const answer = await ask(`/conversations/${conversation}/files?name=${encodeURIComponent(file.name)}`, {
          method: "POST",
          headers: { "Content-Type": file.type || "application/octet-stream" },
          body: file,
        });
        kept = [...kept, (await answer.json()) as FileBody];
        change({ ...letter, files: kept });
      } catch (error) {
        note.value = { text: error instanceof Error ? error.message : String(error), wrong: true };
      }
    }
    if (picker.current) picker.current.value = "";
  };
  const field = (name: "subject" | "to" | "cc" | "bcc", label: string, hint: string) => (
    <label class="letter-field">
      <span class="muted">{label}</span>
      <input
        type="text"
        dir="auto"
        value={letter[name]}
        placeholder={hint}
        onInput={({ currentTarget }) => change({ ...letter, [name]: currentTarget.value })}
      />
    </label>
  );
  return (
    <div class="letter">
      {letter.open && (
        <>
          {field("subject", "Subject", subject)}
          {field("to", "To", to)}
          {field("cc", "Copy to", "")}
          {field("bcc", "Hidden copy to", "")}
        </>
      )}
      <p class="letter-tools">
        <button type="button" class="link" aria-expanded={letter.open} onClick={() => change({ ...letter, open: !letter.open })}>
          {letter.open ? "Fewer fields" : "Subject and copies"}
        </button>
        <button type="button" class="link" onClick={() => picker.current?.click()}>
          Attach a file
        </button>
        <input ref={picker} type="file" multiple hidden onChange={({ currentTarget }) => void add(currentTarget.files)} />
        <label>
          <input
            type="checkbox"
            checked={letter.quote}
            onChange={({ currentTarget }) => change({ ...letter, quote: currentTarget.checked })}
          />
          Quote the customer's mail
        </label>
      </p>
      {letter.files.length > 0 && (
        <ul class="files" aria-label="Files that go along">
          {letter.files.map((file) => (
            <li key={file.id} class="file">
              <span dir="auto">{file.name}</span> <span class="muted number">{size(file.size)}</span>
              <button
                type="button"
                class="quiet icon-only"
                aria-label={`Leave ${file.name} out`}
                onClick={() => change({ ...letter, files: letter.files.filter((it) => it.id !== file.id) })}
              >
                <X />
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
