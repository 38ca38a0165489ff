// Makes the first admin, by the one-time link that the server printed.
import { render } from "preact";
import { useState } from "preact/hooks";
import "./style.css";
import { call } from "./api.ts";

function Setup() {
  const [fault, setFault] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    try {
      await call("POST", "/setup", {
        token: new URLSearchParams(location.search).get("token") ?? "",
        name: String(form.get("name")),
        sign_in: String(form.get("sign_in")),
        password: String(form.get("password")),
      });
      location.href = "/console/";
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <main>
      <h1>The first admin</h1>
      <form class="card" onSubmit={(event) => void submit(event)}>
        <label>Name as customers see it<input name="name" required maxLength={80} /></label>
        <label>Sign-in name<input name="sign_in" required maxLength={64} autocomplete="username" /></label>
        <label>Password, 8 characters or more<input name="password" type="password" required minLength={8} autocomplete="new-password" /></label>
        {fault && <p class="error" role="alert">{fault}</p>}
        <button class="primary" type="submit">Make it</button>
      </form>
    </main>
  );
}

render(<Setup />, document.getElementById("app")!);
