// Builds the pages, each under its own address, and the embed script under a name that never changes.
import { resolve } from "node:path";
import { defineConfig } from "vite";

const page = (name: string) => resolve(import.meta.dirname, name, "index.html");

export default defineConfig({
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: {
      input: {
        index: resolve(import.meta.dirname, "index.html"),
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
});
