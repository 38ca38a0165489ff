// Where to go.
import { render } from "preact";
import "./style.css";

render(
  <main>
    <h1>Switchboard</h1>
    <div class="card">
      <a href="/console/">Agent console</a>
      <a href="/dashboard/">Operations dashboard</a>
      <a href="/shop/">Demo shop with the chat widget</a>
    </div>
  </main>,
  document.getElementById("app")!,
);
