// The catalogues: the same keys and the same places in every language, nothing empty, nothing that the pages do not ask for.

import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";

const folder = resolve(import.meta.dirname, "../texts");
const read = (language: string) =>
  JSON.parse(readFileSync(resolve(folder, `${language}.json`), "utf8")) as Record<string, string>;
const places = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
const LANGUAGES = ["ar", "de", "en", "es", "fr", "pt", "zh"];
const english = read("en");

test("there are seven languages", () => {
  expect(readdirSync(folder).sort()).toEqual(LANGUAGES.map((it) => `${it}.json`));
});

test.each(LANGUAGES)("%s has every text, with the same places", (language) => {
  const texts = read(language);
  expect(Object.keys(texts)).toEqual(Object.keys(english));
  for (const [key, text] of Object.entries(texts)) {
    expect(text.trim(), key).not.toBe("");
    expect(places(text), key).toEqual(places(english[key] ?? ""));
  }
});

test("the widget asks for every key, and for none that is not there", () => {
  const source = readdirSync(resolve(import.meta.dirname, "../src/widget"))
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => readFileSync(resolve(import.meta.dirname, "../src/widget", name), "utf8"))
    .join("\n");
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
