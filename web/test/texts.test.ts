// The catalogues: the same keys and the same places in every language, nothing empty, nothing that the pages do not ask for.

import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";

const folder = resolve(import.meta.dirname, "../texts");
const places = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
const LANGUAGES = ["ar", "de", "en", "es", "fr", "pt", "zh"];
const catalogue = (name: string, language: string) =>
  JSON.parse(readFileSync(resolve(folder, name, `${language}.json`), "utf8")) as Record<string, string>;

describe.each([".", "mail"])("the catalogue in %s", (name) => {
  test("is there in seven languages", () => {
    const files = readdirSync(resolve(folder, name)).filter((it) => it.endsWith(".json"));
    expect(files.sort()).toEqual(LANGUAGES.map((it) => `${it}.json`));
  });

  test.each(LANGUAGES)("has every text in %s, with the same places", (language) => {
    const english = catalogue(name, "en");
    const texts = catalogue(name, language);
    expect(Object.keys(texts)).toEqual(Object.keys(english));
    for (const [key, text] of Object.entries(texts)) {
      expect(text.trim(), key).not.toBe("");
      expect(places(text), key).toEqual(places(english[key] ?? ""));
    }
  });
});

test("the widget asks for every key, and for none that is not there", () => {
  const source = readdirSync(resolve(import.meta.dirname, "../src/widget"))
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => readFileSync(resolve(import.meta.dirname, "../src/widget", name), "utf8"))
    .join("\n");
  const english = catalogue(".", "en");
  const asked = new Set([...source.matchAll(/\btext\(([^)]*?)[,)]/g)].flatMap((call) =>
    [...(call[1] ?? "").matchAll(/"([a-z_]+)"/g)].map((it) => it[1] ?? ""),
  ));
  // Asked for by the state of a message.
  for (const state of ["sending", "sent", "delivered", "seen", "failed"]) asked.add(state);
  const compared = /=== "[a-z_]+" \? /g;
  const kinds = new Set([...source.matchAll(compared)].map((it) => it[0].split('"')[1] ?? ""));
  const unknown = [...asked].filter((key) => !(key in english) && !kinds.has(key));
  expect(unknown).toEqual([]);
  expect(Object.keys(english).filter((key) => !asked.has(key))).toEqual([]);
});

test("the page of mail asks for every key, and for none that is not there", () => {
  const source = ["aside.ts", "mail.tsx"]
    .map((name) => readFileSync(resolve(import.meta.dirname, "../src/dashboard", name), "utf8"))
    .join("\n");
  const english = catalogue("mail", "en");
  const quoted = new Set([...source.matchAll(/"([a-z]+(?:_[a-z]+)*)"/g)].map((it) => it[1] ?? ""));
  // Put together: the name of a panel, and why a mail was put aside.
  for (const panel of ["aside", "failed"]) for (const part of ["title", "help", "empty"]) quoted.add(`${panel}_${part}`);
  const unasked = Object.keys(english).filter((key) => !quoted.has(key) && !key.startsWith("why_"));
  expect(unasked).toEqual([]);
  const asked = [...source.matchAll(/\btext\("([a-z_]+)"\)/g)].map((it) => it[1] ?? "");
  expect(asked.filter((key) => !(key in english))).toEqual([]);
});
