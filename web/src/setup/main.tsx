// The first steps of a company: the first admin, by the one-time link that the server prints at its first start; then the chat
// on the company's own pages. An admin who is signed in finds the second step here at any time.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import "../tokens.css";
import "../sign-in.css";
import "./setup.css";
import type { WidgetBody } from "../protocol.ts";
import { call } from "../problem.ts";
import { Embed } from "./embed.tsx";
import { FirstAdmin } from "./first-admin.tsx";

const token = new URLSearchParams(location.search).get("token") ?? "";

function Setup() {
  const [widget, setWidget] = useState<WidgetBody>();
  const [wrong, setWrong] = useState("");
  const look = () => call<WidgetBody>("/widget").then(setWidget);
  useEffect(() => {
    if (token) return;
    look().catch((error: unknown) =>
      setWrong(
        `To make the first admin, open the link that the server printed when it started. To see this page later, sign in as an admin. (${error instanceof Error ? error.message : String(error)})`,
      ),
    );
  }, []);
  if (widget) return <Embed widget={widget} />;
  if (token) return <FirstAdmin token={token} made={() => look().catch(() => location.assign("/console/"))} />;
  return (
    <main class="door">
      <form>
        <h1>Set up</h1>
        {wrong && (
          <p class="wrong-line" role="alert">
            {wrong}
          </p>
        )}
        <button type="button" class="primary" onClick={() => location.assign("/console/")}>
          Sign in
        </button>
      </form>
    </main>
  );
}

document.title = "Set up · Switchboard";
const root = document.getElementById("page");
if (root) render(<Setup />, root);
