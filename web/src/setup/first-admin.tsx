// The form that makes the first admin, and signs that one in.

import { useState } from "preact/hooks";
import { Console } from "../icons.tsx";
import { call } from "../problem.ts";
import type { SignInBody } from "../protocol.ts";

export function FirstAdmin({ token, made }: { token: string; made: () => unknown }) {
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
        company: form.get("company"),
        name: form.get("name"),
        sign_in: form.get("sign_in"),
        password: form.get("password"),
      });
      await made();
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
        {wrong && (
          <p class="wrong-line" role="alert">
            {wrong}
          </p>
        )}
        <label>
          Your company, as customers see it
          <input name="company" autocomplete="organization" required maxLength={80} />
        </label>
        <label>
          Your own name, as customers see it
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
        <button type="submit" class="primary" disabled={busy}>
          {busy ? "Making it" : "Make admin and sign in"}
        </button>
      </form>
    </main>
  );
}
