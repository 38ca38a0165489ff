// Builds the pages, each under its own address, and the embed script under a name that never changes.
//
// `npm run dev` and `npm run preview` pass the API on to a running server: SWITCHBOARD_URL, by default the demo's address.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const root = resolve(import.meta.dirname, "pages");
const page = (name: string) => resolve(root, name, "index.html");
const server = process.env.SWITCHBOARD_URL ?? "http://127.0.0.1:8080";
// The Host stays as the browser sent it, so that the server sees its own origin.
const proxy = { "/api": { target: server, ws: true } };

/** What the server says too, so that a page which breaks it is seen before it is shipped. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "font-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

/** A page that is nothing but a script stands in the shell that all of them share. */
const shell: Plugin = {
  name: "shell",
  transformIndexHtml: {
    order: "pre",
    handler: (html) =>
      html.startsWith("<script")
        ? readFileSync(resolve(root, "shell.html"), "utf8").replace("<!-- page -->", () => html.trim())
        : html,
  },
};

export default defineConfig({
  root,
  plugins: [shell],
  appType: "mpa",
  server: { proxy, fs: { allow: [import.meta.dirname] } },
  preview: { proxy, headers: { "Content-Security-Policy": policy } },
  build: {
    target: "es2023",
    outDir: resolve(import.meta.dirname, "dist"),
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: {
      input: {
        home: resolve(root, "index.html"),
        widget: page("widget"),
        console: page("console"),
        dashboard: page("dashboard"),
        shop: page("shop"),
        setup: page("setup"),
        embed: resolve(import.meta.dirname, "src/embed.ts"),
      },
      output: {
        entryFileNames: (chunk) => (chunk.name === "embed" ? "embed.js" : "assets/[name]-[hash].js"),
      },
    },
  },
  test: { root: import.meta.dirname, include: ["test/**/*.test.ts"] },
});
