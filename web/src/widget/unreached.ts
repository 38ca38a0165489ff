// The few words for when the server, which has all the others, cannot be reached: built in, in each language.

import { language } from "./visit.ts";

const of = (texts: Record<string, string>) => (): string =>
  texts[`../../texts/${language.split("-")[0]}.json`] ?? texts["../../texts/en.json"] ?? "";

export const unavailable = of(import.meta.glob<string>("../../texts/*.json", { eager: true, import: "unavailable" }));
export const close = of(import.meta.glob<string>("../../texts/*.json", { eager: true, import: "close" }));
export const retry = of(import.meta.glob<string>("../../texts/*.json", { eager: true, import: "retry" }));
