// Signing in, for the console and the dashboard: the server sets a cookie that scripts cannot read.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import "./sign-in.css";
import { Console } from "./icons.tsx";
import { call, Refused } from "./problem.ts";
import type { Me, SignInBody } from "./protocol.ts";

interface DemoBody {
  widget_key: string;
  sign_in?: { name: string; password: string };
}

/** Who is signed in: `undefined` until the server has said. */
export const who = signal<Me | null | undefined>(undefined);
/** Why a look at the sign-in failed, when the server could not be asked. */
const unreachable = signal("");

/** Asks who is signed in. */
export async function look(): Promise<void> {
  unreachable.value = "";
  try {
    who.value = await call<Me>("/me");
  } catch (error) {
    if (error instanceof Refused && error.status === 401) who.value = null;
    else unreachable.value = error instanceof Error ? error.message : String(error);
  }
}

/** Ends the sign-in. */
export async function signOut(): Promise<void> {
  await call("/sign-out", {}).catch(() => undefined);
  who.value = null;
}

function Form({ page }: { page: string }) {
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const [demo, setDemo] = useState<DemoBody["sign_in"]>(undefined);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    // Outside the demo this answers 404, and the form stays empty.
    call<DemoBody>("/demo").then(
      (body) => {
        setDemo(body.sign_in);
        const fields = form.current?.elements as unknown as Record<"name" | "password", HTMLInputElement> | undefined;
        // What somebody has typed already stays.
        if (!body.sign_in || !fields || fields.name.value || fields.password.value) return;
        fields.name.value = body.sign_in.name;
        fields.password.value = body.sign_in.password;
      },
      () => undefined,
    );
  }, []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    setWrong("");
    try {
      await call<SignInBody>("/sign-in", { name: given.get("name"), password: given.get("password") });
      await look();
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form ref={form} onSubmit={submit}>
      <p class="mark">
        <Console /> Switchboard
      </p>
      <h1>{page}</h1>
      {demo && (
        <p class="hint">
          This is the demo: sign in as <strong>{demo.name}</strong> with the password{" "}
          <strong>{demo.password}</strong>.
        </p>
      )}
      {wrong && (
        <p class="wrong-line" role="alert">
          {wrong}
        </p>
      )}
      <label>
        Name
        <input name="name" autocomplete="username" required maxLength={64} />
      </label>
      <label>
        Password
        <input
          name="password"
          type="password"
          autocomplete="current-password"
          required
          maxLength={256}
        />
      </label>
      <button type="submit" class="primary" disabled={busy}>
        {busy ? "Signing in" : "Sign in"}
      </button>
    </form>
  );
}

/** What is inside, for those who are signed in; else the form. */
export function Door({ page, children }: { page: string; children: () => ComponentChildren }) {
  useEffect(() => void look(), []);
  if (who.value) return <>{children()}</>;
  return (
    <main class="door">
      {who.value === null ? (
        <Form page={page} />
      ) : (
        unreachable.value && (
          <div class="empty" role="alert">
            <strong>The server cannot be reached</strong>
            <p>{unreachable.value}</p>
            <button type="button" onClick={() => void look()}>
              Try again
            </button>
          </div>
        )
      )}
    </main>
  );
}
