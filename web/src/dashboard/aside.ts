// What the page of mail knows: what was put aside, what did not arrive, and the texts in the browser's language.

import { signal } from "@preact/signals";
import { ask, call, Refused } from "../problem.ts";
import type { AsideBody, AsideView, FailedMailView } from "../protocol.ts";

type Texts = Record<string, string>;

const catalogues = import.meta.glob<Texts>("../../texts/mail/*.json", { import: "default" });
const pathOf = (language: string) => `../../texts/mail/${language}.json`;
/** The browser's first language that there are texts in. */
export const language =
  navigator.languages.map((tag) => tag.split("-")[0]?.toLowerCase() ?? "").find((it) => pathOf(it) in catalogues) ?? "en";
export const direction = language === "ar" ? "rtl" : "ltr";

const texts = signal<Texts>({});

/** A text of the catalogue. */
export const text = (key: string): string => texts.value[key] ?? "";

/** Whether the page of mail is open. */
export const shown = signal(location.hash === "#mail");
addEventListener("hashchange", () => {
  shown.value = location.hash === "#mail";
});

export const aside = signal<AsideView[] | null>(null);
export const failed = signal<FailedMailView[] | null>(null);
/** Why it cannot be shown. */
export const refused = signal<{ status: number; detail: string } | null>(null);
/** What came of the last thing that was done. */
export const outcome = signal<{ said: string; wrong: boolean } | null>(null);

/** Reads everything anew. */
export async function look(): Promise<void> {
  try {
    if (Object.keys(texts.value).length === 0) texts.value = (await catalogues[pathOf(language)]?.()) ?? {};
    [aside.value, failed.value] = await Promise.all([
      call<AsideView[]>("/mail/aside"),
      call<FailedMailView[]>("/mail/failed"),
    ]);
    refused.value = null;
  } catch (error) {
    refused.value = { status: error instanceof Refused ? error.status : 0, detail: error instanceof Error ? error.message : String(error) };
  }
}

/** What a mail says. */
export const read = (id: string): Promise<AsideBody> => call<AsideBody>(`/mail/aside/${id}/text`);

/** Does something, tells what came of it, and reads everything anew. */
async function change(path: string, method: string, done: string): Promise<void> {
  try {
    await ask(path, { method });
    outcome.value = { said: text(done), wrong: false };
  } catch (error) {
    outcome.value = { said: error instanceof Error ? error.message : String(error), wrong: true };
  }
  await look();
}

export const deliver = (id: string) => change(`/mail/aside/${id}/take`, "POST", "delivered");
export const throwAway = (id: string) => change(`/mail/aside/${id}`, "DELETE", "thrown_away");
export const sendAgain = ({ conversation, seq }: FailedMailView) =>
  change(`/conversations/${conversation}/messages/${seq}/send-again`, "POST", "sent_again");
