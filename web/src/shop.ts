// The demo shop: loads the embed script as any company's page would, with the demo's key.
import "./style.css";

const query = new URLSearchParams(location.search);
const answer = await fetch("/api/v1/demo").catch(() => undefined);
const demo = answer?.ok ? ((await answer.json()) as { widget_key: string }) : undefined;
const key = query.get("key") ?? demo?.widget_key;
if (key) {
  const script = document.createElement("script");
  script.src = "/embed.js";
  script.type = "module";
  script.dataset.key = key;
  for (const name of ["language", "topics", "name"]) {
    const value = query.get(name);
    if (value) script.dataset[name] = value;
  }
  document.body.append(script);
}
