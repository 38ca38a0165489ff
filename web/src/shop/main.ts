// The demo's shop: a page of a company that has put the chat into it. Its key comes from the demo itself; `?language=ar`
// shows it in another language, `?topics=`, `?name=` and `?accent=` tell the chat what a real page would.

import "../tokens.css";
import "./shop.css";
import { call } from "../problem.ts";

const query = new URLSearchParams(location.search);
const language = query.get("language");
if (language) {
  document.documentElement.lang = language;
  document.documentElement.dir = /^(ar|fa|he|ur)/.test(language) ? "rtl" : "ltr";
}

async function embed(): Promise<void> {
  const key = query.get("key") ?? (await call<{ widget_key: string }>("/demo")).widget_key;
  const script = document.createElement("script");
  script.src = "/embed.js";
  script.dataset.key = key;
  for (const name of ["language", "topics", "name", "identity", "accent"]) {
    const value = query.get(name);
    if (value) script.dataset[name] = value;
  }
  document.body.append(script);
}

embed().catch(() => {
  const note = document.getElementById("note");
  if (note) note.hidden = false;
});
