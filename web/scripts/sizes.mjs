// Tells what each page weighs, packed, against its budget; fails if one is over. `npm run build` comes first. Counted is
// what a page loads before it can be used: the scripts that its HTML names, `modulepreload` included.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const dist = join(import.meta.dirname, "../dist");
const BUDGETS = { "embed.js": 2_000, widget: 25_000, console: 90_000, dashboard: 60_000 };
const packed = (path) => gzipSync(readFileSync(join(dist, path)), { level: 9 }).length;

function weight(name) {
  if (name.endsWith(".js")) return packed(name);
  const html = readFileSync(join(dist, name, "index.html"), "utf8");
  const scripts = [...html.matchAll(/<(?:script|link)\b[^>]*\b(?:src|href)="([^"]+\.js)"/g)].map(([, path]) => path);
  if (!scripts.length) throw new Error(`${name} names no script`);
  return scripts.reduce((sum, path) => sum + packed(path), 0);
}

for (const [name, budget] of Object.entries(BUDGETS)) {
  const bytes = weight(name);
  console.log(`${name.padEnd(10)} ${String(bytes).padStart(6)} of ${budget} bytes${bytes > budget ? ": too much" : ""}`);
  if (bytes > budget) process.exitCode = 1;
}
