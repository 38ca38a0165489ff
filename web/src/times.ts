// Times as people say them, and a clock that pages can follow.
import { signal } from "@preact/signals";

export const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 1_000);

/** 42 s -> "0:42"; 3,700 s -> "1:01 h". */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)}:${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")} h`;
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export const clock = (ms: number, language?: string) =>
  new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" }).format(ms);

/** "English" for "en". */
export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames(undefined, { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}
