// The first page of a server: where the others are.

import "../tokens.css";
import "./home.css";
import { call } from "../problem.ts";

// The shop is there in the demo only.
call("/demo").then(
  () => document.getElementById("shop")?.removeAttribute("hidden"),
  () => undefined,
);
