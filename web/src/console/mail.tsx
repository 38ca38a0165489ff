// Mail in the thread: what stands above and beneath a message that came or went by email, and the mail in its own form in a
// frame in which nothing runs and from which nothing is fetched that was not asked for.

import { useState } from "preact/hooks";
import { Alert, Check, CheckCheck, Clock, Download, Retry } from "../icons.tsx";
import { ask } from "../problem.ts";
import type { FileView, MailState, MailView, MessageView } from "../protocol.ts";
import { Instead } from "./instead.tsx";
import { note } from "./state.ts";

const STATES: Record<MailState, readonly [preact.JSX.Element, string]> = {
  waiting: [<Clock key="i" />, "Waits for the mail server"],
  sent: [<Check key="i" />, "Handed to the mail server"],
  delayed: [<Clock key="i" />, "Delayed: their server is asked again"],
  delivered: [<CheckCheck key="i" />, "Delivered"],
  failed: [<Alert key="i" />, "Not delivered"],
  unknown: [<Alert key="i" />, "Nobody knows whether it went out"],
};

/** A size as people say it. */
export function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.ceil(bytes / 1_000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Above the text: the subject, who else has it, and whether the sender is who it says. */
export function Head({ mail, own }: { mail: MailView; own: boolean }) {
  const others = [...(own ? (mail.to ?? []) : []), ...(mail.cc ?? [])];
  return (
    <div class="mail-head">
      {mail.subject && <strong dir="auto">{mail.subject}</strong>}
      {!own && mail.from && (
        <span class="muted" dir="auto">
          {mail.from}
        </span>
      )}
      {others.length > 0 && (
        <span class="muted" dir="auto">
          {own ? "to" : "copy to"} {others.join(", ")}
        </span>
      )}
      {mail.proof === "suspect" && (
        <span class="tag wrong">
          <Alert /> Sender not proven: our mail server says it is somebody else
        </span>
      )}
      {mail.proof === "unverified" && <span class="tag">Sender not proven</span>}
    </div>
  );
}

function Files({ path, files, own }: { path: string; files: FileView[]; own: boolean }) {
  const listed = files.filter((file) => !file.inline);
  if (listed.length === 0) return null;
  return (
    <ul class="files" aria-label="Attachments">
      {listed.map((file) => (
        <li key={file.number}>
          {own ? (
            <span class="file">
              <span dir="auto">{file.name}</span> <span class="muted number">{size(file.size)}</span>
            </span>
          ) : (
            <a class="file" href={`${path}/files/${file.number}`} download={file.name}>
              <Download /> <span dir="auto">{file.name}</span> <span class="muted number">{size(file.size)}</span>
            </a>
          )}
        </li>
      ))}
    </ul>
  );
}

function Frame({ path }: { path: string }) {
  const [images, setImages] = useState(false);
  return (
    <div class="mail-frame">
      <div class="window">
        <iframe
          title="The mail as it was written"
          sandbox="allow-popups allow-popups-to-escape-sandbox"
          referrerpolicy="no-referrer"
          src={`${path}/mail${images ? "?images=shown" : ""}`}
        />
      </div>
      <p class="mail-tools">
        {!images && (
          <button type="button" class="link" onClick={() => setImages(true)}>
            Show pictures from elsewhere
          </button>
        )}
        <span class="muted">
          {images ? "Their owners can tell that this mail was read." : "Pictures from elsewhere are not fetched: they would tell that it was read."}
        </span>
        <a class="link" href={`${path}/raw`} download="mail.eml">
          Save the mail
        </a>
      </p>
    </div>
  );
}

/** Beneath the text: what it quotes, its form, its files, and of our own how far it got. */
export function Foot({ conversation, message, mail, own }: { conversation: string; message: MessageView; mail: MailView; own: boolean }) {
  const [open, setOpen] = useState(false);
  const path = `/api/v1/conversations/${conversation}/messages/${message.seq}`;
  return (
    <div class="mail-foot">
      {mail.quoted && (
        <details>
          <summary>Quoted text</summary>
          <p class="quoted" dir="auto">
            {mail.quoted}
          </p>
        </details>
      )}
      <Files path={path} files={mail.files ?? []} own={own} />
      {!own && (
        <button type="button" class="link" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? "Fold the mail away" : "Show the mail as it was written"}
        </button>
      )}
      {open && <Frame path={path} />}
      {mail.state && <Sent conversation={conversation} message={message} mail={mail} state={mail.state} />}
      {!mail.state && mail.why && <span class="muted">{mail.why}</span>}
    </div>
  );
}

function Sent({ conversation, message, mail, state }: { conversation: string; message: MessageView; mail: MailView; state: MailState }) {
  const [icon, words] = STATES[state];
  const lost = state === "failed" || state === "unknown";
  const again = async () => {
    try {
      await ask(`/conversations/${conversation}/messages/${message.seq}/send-again`, { method: "POST" });
      note.value = { text: "The mail is sent once more." };
    } catch (error) {
      note.value = { text: error instanceof Error ? error.message : String(error), wrong: true };
    }
  };
  return (
    <span class={`mark ${lost ? "failed" : state}`} title={mail.why ?? ""}>
      {icon}
      <span>
        {words}
        {mail.why && (
          <>
            : <bdi>{mail.why}</bdi>
          </>
        )}
      </span>
      {lost && (
        <button type="button" class="link" onClick={() => void again()}>
          <Retry /> Send again
        </button>
      )}
      {state === "failed" && <Instead tried={{ contact_point: message.contact_point, to: mail.to ?? [] }} text={message.text ?? ""} />}
    </span>
  );
}
