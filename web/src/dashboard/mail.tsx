// Mail for who oversees: what was put aside, to look at, deliver or throw away; and what did not arrive, to send again.

import { useEffect, useState } from "preact/hooks";
import "./mail.css";
import { exactly, timeOfDay, words } from "../format.ts";
import { Alert, Back, Download, Retry } from "../icons.tsx";
import type { AsideBody, AsideView, ContactPointView, FailedMailView } from "../protocol.ts";
import { aside, deliver, direction, failed, language, look, outcome, read, refused, sendAgain, text, throwAway } from "./aside.ts";
import { open } from "./state.ts";

/** The lists are read so often while somebody looks. */
const EVERY_MS = 15_000;

function When({ ms }: { ms: number }) {
  return (
    <time class="number muted" title={exactly(ms, language)}>
      {timeOfDay(ms, language)}
    </time>
  );
}

/** What a mail says, and what may be done with it. */
function Look({ mail }: { mail: AsideView }) {
  const [body, setBody] = useState<AsideBody | null>(null);
  const [trouble, setTrouble] = useState("");
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    read(mail.id).then(setBody, (error: Error) => setTrouble(error.message));
  }, [mail.id]);
  const act = async (what: (id: string) => Promise<void>) => {
    setBusy(true);
    await what(mail.id);
    setBusy(false);
  };
  if (trouble) {
    return (
      <p class="banner wrong" role="alert">
        {trouble}
      </p>
    );
  }
  if (!body) return <p class="aside-body" aria-busy="true" />;
  return (
    <div class="aside-body">
      <dl>
        <dt>{text("to")}</dt>
        <dd dir="auto">{body.to.join(", ") || "–"}</dd>
        <dt>{text("mailbox")}</dt>
        <dd dir="auto">{mail.account}</dd>
        <dt>{text("came")}</dt>
        <dd class="number">{exactly(mail.at_ms, language)}</dd>
        {body.files.length > 0 && (
          <>
            <dt>{text("files")}</dt>
            <dd dir="auto">{body.files.map((file) => file.name).join(", ")}</dd>
          </>
        )}
      </dl>
      <p class="aside-text" dir="auto" tabIndex={0} role="group" aria-label={mail.subject || text("no_subject")}>
        {body.text || <em>{text("no_text")}</em>}
      </p>
      {asked ? (
        <p class="aside-tools" role="group" aria-label={text("throw_away_ask")}>
          <span>{text("throw_away_ask")}</span>
          <button type="button" disabled={busy} onClick={() => void act(throwAway)}>
            {text("throw_away")}
          </button>
          <button type="button" class="quiet" onClick={() => setAsked(false)}>
            {text("cancel")}
          </button>
        </p>
      ) : (
        <p class="aside-tools">
          <button type="button" class="primary" disabled={busy} onClick={() => void act(deliver)}>
            {text("deliver")}
          </button>
          <button type="button" onClick={() => setAsked(true)}>
            {text("throw_away")}
          </button>
          <a class="link" href={`/api/v1/mail/aside/${mail.id}`} download="mail.eml">
            <Download /> {text("save")}
          </a>
          {mail.conversation && <Conversation id={mail.conversation} />}
        </p>
      )}
    </div>
  );
}

function Conversation({ id }: { id: string }) {
  return (
    <button type="button" class="link" onClick={() => open(id)}>
      {text("open")}
    </button>
  );
}

function AsideRow({ mail }: { mail: AsideView }) {
  const [opened, setOpened] = useState(false);
  return (
    <li>
      <details onToggle={(event) => setOpened(event.currentTarget.open)}>
        <summary>
          <strong dir="auto">{mail.subject || text("no_subject")}</strong>
          <span class="muted" dir="auto">
            {mail.from || text("no_sender")}
          </span>
          <span class="tag">{text(`why_${mail.why}`) || mail.why}</span>
          <When ms={mail.at_ms} />
        </summary>
        {opened && <Look mail={mail} />}
      </details>
    </li>
  );
}

/** What a contact point is called. */
function place({ channel, address }: ContactPointView): string {
  return address ?? (channel === "web_chat" ? text("web_chat") : words(channel));
}

function FailedRow({ mail }: { mail: FailedMailView }) {
  const [busy, setBusy] = useState(false);
  const again = async () => {
    setBusy(true);
    await sendAgain(mail);
    setBusy(false);
  };
  return (
    <li class="failed-mail">
      <strong dir="auto">{mail.subject || text("no_subject")}</strong>
      <span class="muted" dir="auto">
        {mail.to.join(", ")}
      </span>
      <span class="tag wrong">
        <Alert /> {text(mail.state === "unknown" ? "state_unknown" : "state_failed")}
      </span>
      <When ms={mail.at_ms} />
      {mail.why && (
        <p class="muted" dir="auto">
          {mail.why}
        </p>
      )}
      {(mail.elsewhere ?? []).length > 0 && (
        <p dir="auto">{text("elsewhere").replace("{places}", (mail.elsewhere ?? []).map(place).join(", "))}</p>
      )}
      <p class="aside-tools">
        <button type="button" disabled={busy} onClick={() => void again()}>
          <Retry /> {text("send_again")}
        </button>
        <Conversation id={mail.conversation} />
      </p>
    </li>
  );
}

interface PanelProps {
  name: string;
  rows: preact.ComponentChildren[] | null;
}

function Panel({ name, rows }: PanelProps) {
  return (
    <section class="panel mail-panel" aria-labelledby={`mail-${name}`}>
      <h2 id={`mail-${name}`}>
        {text(`${name}_title`)} {rows && <span class="number muted">{rows.length}</span>}
      </h2>
      {rows?.length === 0 ? (
        <div class="empty">
          <p>{text(`${name}_empty`)}</p>
        </div>
      ) : (
        <>
          <p class="muted">{text(`${name}_help`)}</p>
          <ul>{rows}</ul>
        </>
      )}
    </section>
  );
}

function Refused() {
  const it = refused.value;
  if (!it) return null;
  return (
    <div class="banner wrong" role="alert">
      <Alert />
      <span>{it.status === 403 ? text("no_permission") || it.detail : it.detail}</span>
      <span class="fill" />
      {it.status !== 403 && (
        <button type="button" class="link" onClick={() => void look()}>
          {text("retry") || "Try again"}
        </button>
      )}
    </div>
  );
}

export function Mail() {
  useEffect(() => {
    outcome.value = null;
    void look();
    const timer = setInterval(() => void look(), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const there = aside.value && failed.value;
  return (
    <main class="mail-page" lang={language} dir={direction}>
      <p class="aside-tools">
        <a class="link" href="#">
          <Back /> {text("back")}
        </a>
      </p>
      <Refused />
      <p class={outcome.value ? `banner ${outcome.value.wrong ? "wrong" : ""}` : ""} role="status">
        {outcome.value?.said}
      </p>
      {there ? (
        <>
          <Panel name="aside" rows={aside.value?.map((mail) => <AsideRow key={mail.id} mail={mail} />) ?? null} />
          <Panel
            name="failed"
            rows={failed.value?.map((mail) => <FailedRow key={`${mail.conversation} ${mail.seq}`} mail={mail} />) ?? null}
          />
        </>
      ) : (
        !refused.value && (
          <div class="skeletons" aria-busy="true">
            <i />
            <i />
          </div>
        )
      )}
    </main>
  );
}
