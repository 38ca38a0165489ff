// Numbers, times and names as people say them.

/** A span of time in short: `42 s`, `3 min`, `2 h 05`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")}`;
  return `${Math.floor(hours / 24)} days`;
}

/** A running clock: `0:42`, `12:05`. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  const tail = `${String(minutes).padStart(hours ? 2 : 1, "0")}:${String(seconds % 60).padStart(2, "0")}`;
  return hours ? `${hours}:${tail}` : tail;
}

/** The time of day, with the day where it is not today's. */
export function timeOfDay(ms: number, language?: string): string {
  const date = new Date(ms);
  const today = new Date().toDateString() === date.toDateString();
  return new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
    ...(today ? {} : { day: "numeric", month: "short" }),
  }).format(date);
}

/** Date and time in full, for a title on hover. */
export function exactly(ms: number, language?: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "medium" }).format(new Date(ms));
}

/** A language's name: `Spanish`. */
export function languageName(tag: string, inLanguage = "en"): string {
  try {
    return new Intl.DisplayNames([inLanguage], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** A number with its thousands apart. */
export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat("en", { maximumFractionDigits: digits, signDisplay: "negative" }).format(value);
}

/** A word of the workspace as a person would write it: `web_chat` is `web chat`. */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

/** One group of figures: a queue, a language, a priority, or everybody. */
export function groupName({ by, name }: { by: string; name: string }): string {
  if (by === "all") return "Everybody";
  if (by === "priority") return `Priority ${name}`;
  if (by === "language") return name && name !== "unknown" ? languageName(name) : "Language not known";
  return words(name);
}

/** What a customer who came now would be told: `2–4 min`, or one figure where both ends are the same. */
export function promise(wait: readonly [number, number] | null | undefined): string {
  if (!wait) return "–";
  const unit = wait[1] < 60 ? "s" : "min";
  const [from, to] = unit === "s" ? wait : [Math.max(1, Math.round(wait[0] / 60)), Math.ceil(wait[1] / 60)];
  return from >= to ? `${to} ${unit}` : `${from}–${to} ${unit}`;
}
