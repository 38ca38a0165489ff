// Waits and times in the visitor's language.

import type { PlaceView } from "../protocol.ts";
import { body, text } from "./visit.ts";

/** The texts' language, as it is written where the visitor lives: `en-GB` for the English texts. */
export function language(): string {
  const texts = body.value?.language ?? "en";
  const region = navigator.language;
  return region.split("-")[0] === texts ? region : texts;
}

/** A likely wait: `2–4 minutes`, or "less than a minute". */
export function wait(range: readonly [number, number]): string {
  const [from, to] = range;
  if (to < 60) return text("less_than_a_minute");
  const minutes = new Intl.NumberFormat(language(), { style: "unit", unit: "minute", unitDisplay: "long" });
  const [low, high] = [Math.max(1, Math.round(from / 60)), Math.ceil(to / 60)];
  return low >= high ? minutes.format(high) : minutes.formatRange(low, high);
}

/** When somebody is back: "tomorrow 09:00". */
export function when(at_ms: number): string {
  const at = new Date(at_ms);
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  const days = Math.floor((at_ms - midnight.getTime()) / 86_400_000);
  const time = { hour: "2-digit", minute: "2-digit" } as const;
  if (days > 1) return new Intl.DateTimeFormat(language(), { weekday: "long", ...time }).format(at);
  const day = new Intl.RelativeTimeFormat(language(), { numeric: "auto" }).format(days, "day");
  return `${day} ${new Intl.DateTimeFormat(language(), time).format(at)}`;
}

/** The place in line and the honest estimate, in one line. */
export function placeLine(place: PlaceView): string {
  const position = new Intl.NumberFormat(language()).format(place.position);
  if (place.opens_ms) return text("place_opens", { position, when: when(place.opens_ms) });
  const where = place.position === 1 ? text("place_next") : text("place", { position });
  if (!place.wait_s) return where;
  const likely = place.wait_s[1] < 60 ? text("soon") : text("range", { wait: wait(place.wait_s) });
  return `${where} · ${likely}`;
}
