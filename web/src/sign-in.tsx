// Signing in, for console and dashboard. In a demo it says how.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { ApiError, call } from "./api.ts";
import type { Me, SignInBody } from "./protocol.ts";

export const me = signal<Me | undefined>(undefined);
export const ready = signal(false);

export async function load() {
  try {
    me.value = await call<Me>("GET", "/me");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    me.value = undefined;
  }
  ready.value = true;
}

export async function signOut() {
  await call("POST", "/sign-out", {});
  location.reload();
}

export function SignIn({ title }: { title: string }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [hint, setHint] = useState("");
  const [fault, setFault] = useState("");
  useEffect(() => {
    call<{ sign_in: { name: string; password: string } }>("GET", "/demo")
      .then(({ sign_in }) => {
        // Never over what somebody has begun to type.
        setName((typed) => typed || sign_in.name);
        setPassword((typed) => typed || sign_in.password);
        setHint("This is the demo: name and password are filled in.");
      })
      .catch(() => undefined);
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await call<SignInBody>("POST", "/sign-in", { name, password });
      await load();
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <div class="plain">
      <main>
        <h1>{title}</h1>
        <form class="card" onSubmit={(event) => void submit(event)}>
          <label>Name<input name="name" autocomplete="username" value={name} onInput={(event) => setName(event.currentTarget.value)} /></label>
          <label>Password<input name="password" type="password" autocomplete="current-password" value={password} onInput={(event) => setPassword(event.currentTarget.value)} /></label>
          {hint && <p class="muted">{hint}</p>}
          {fault && <p class="error" role="alert">{fault}</p>}
          <button class="primary" type="submit">Sign in</button>
        </form>
      </main>
    </div>
  );
}
