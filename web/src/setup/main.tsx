// Makes the first admin, by the one-time link that the server prints at its first start.

import { render } from "preact";
import { useState } from "preact/hooks";
import "../tokens.css";
import "../sign-in.css";
import { Console } from "../icons.tsx";
import { call } from "../problem.ts";
import type { SignInBody } from "../protocol.ts";

const token = new URLSearchParams(location.search).get("token") ?? "";

function Setup() {
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    if (form.get("password") !== form.get("again")) {
      setWrong("The two passwords differ. Nothing was changed: type them again.");
      return;
    }
    setBusy(true);
    setWrong("");
    try {
      await call<SignInBody>("/setup", {
        token,
        name: form.get("name"),
        sign_in: form.get("sign_in"),
        password: form.get("password"),
      });
      location.assign("/console/");
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  return (
    <main class="door">
      <form onSubmit={submit}>
        <p class="mark">
          <Console /> Switchboard
        </p>
        <h1>Make the first admin</h1>
        {!token && (
          <p class="wrong-line" role="alert">
            This address has no token. Open the link that the server printed when it started.
          </p>
        )}
        {wrong && (
          <p class="wrong-line" role="alert">
            {wrong}
          </p>
        )}
        <label>
          Your name, as customers see it
          <input name="name" autocomplete="name" required maxLength={80} />
        </label>
        <label>
          Sign-in name
          <input name="sign_in" autocomplete="username" required maxLength={64} />
        </label>
        <label>
          Password, at least 8 characters
          <input name="password" type="password" autocomplete="new-password" required minLength={8} maxLength={256} />
        </label>
        <label>
          The password again
          <input name="again" type="password" autocomplete="new-password" required minLength={8} maxLength={256} />
        </label>
        <button type="submit" class="primary" disabled={busy || !token}>
          {busy ? "Making it" : "Make admin and sign in"}
        </button>
      </form>
    </main>
  );
}

document.title = "Set up · Switchboard";
const root = document.getElementById("page");
if (root) render(<Setup />, root);
