// Finding by a few letters: they must come in order; beginnings of words and runs count more.

/** How well a text fits what was typed; null where it does not. */
export function fit(typed: string, text: string): number | null {
  const wanted = typed.toLowerCase().replaceAll(/\s+/g, "");
  const within = text.toLowerCase();
  let score = 0;
  let at = -1;
  for (const letter of wanted) {
    const next = within.indexOf(letter, at + 1);
    if (next < 0) return null;
    const begins = next === 0 || /[\s,.:(]/.test(within[next - 1] ?? "");
    score += next === at + 1 ? 3 : begins ? 2 : 0;
    score -= Math.min(5, next - at - 1) * 0.2;
    at = next;
  }
  return score - text.length * 0.01;
}

/** The entries that fit, best first; all, in their own order, while nothing is typed. */
export function find<T extends { name: string }>(typed: string, entries: readonly T[]): T[] {
  if (!typed.trim()) return [...entries];
  return entries
    .map((entry) => ({ entry, score: fit(typed, entry.name) }))
    .filter((it): it is { entry: T; score: number } => it.score !== null)
    .sort((a, b) => b.score - a.score)
    .map((it) => it.entry);
}
