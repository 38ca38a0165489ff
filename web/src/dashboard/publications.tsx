// Who published which policy, when and why, and what the guards had against it: the last ones, newest first.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { exactly, timeOfDay } from "../format.ts";
import { ask } from "../problem.ts";
import type { PublicationsBody, PublicationView } from "../protocol.ts";

const SHOWN = 5;
const publications = signal<PublicationView[]>([]);

export async function lookAtPublications(): Promise<void> {
  try {
    const body = (await (await ask("/policy/publications", { method: "GET" })).json()) as PublicationsBody;
    publications.value = body.publications;
  } catch {
    // What was shown stays; the next look may do better.
  }
}

function Row({ it }: { it: PublicationView }) {
  return (
    <li>
      <strong class="number">Version {it.version}</strong>{" "}
      <span class="muted">
        <time title={exactly(it.at_ms)}>{timeOfDay(it.at_ms)}</time>, {it.name || "a former admin"}
        {!it.tried && ", not tried on recorded traffic"}
      </span>
      {it.reason && <p>{it.reason}</p>}
      {it.objections.length > 0 && (
        <ul class="muted">
          {it.objections.map((objection) => (
            <li key={objection}>{objection}</li>
          ))}
        </ul>
      )}
    </li>
  );
}

export function Publications() {
  useEffect(() => {
    void lookAtPublications();
  }, []);
  if (publications.value.length === 0) return null;
  return (
    <div class="published">
      <h3>Published</h3>
      <ol reversed>
        {publications.value.slice(0, SHOWN).map((it) => (
          <Row key={it.version} it={it} />
        ))}
      </ol>
    </div>
  );
}
