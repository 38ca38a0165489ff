// Every language has every text, with the same holes.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const folder = new URL("../texts/", import.meta.url);
const read = (file) => JSON.parse(readFileSync(new URL(file, folder), "utf8"));
const holes = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

test("catalogues agree", () => {
  const files = readdirSync(folder);
  assert.deepEqual(files.sort(), ["ar.json", "de.json", "en.json", "es.json", "fr.json", "pt.json", "zh.json"]);
  const english = read("en.json");
  for (const file of files) {
    const texts = read(file);
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(english).sort(), file);
    for (const [key, text] of Object.entries(texts)) assert.deepEqual(holes(text), holes(english[key]), `${file} ${key}`);
  }
});

test("every text that the widget asks for is there", () => {
  const source = readFileSync(new URL("../src/widget/main.tsx", import.meta.url), "utf8");
  const asked = [...source.matchAll(/\btext\("(\w+)"/g)].map((it) => it[1]);
  assert.ok(asked.length > 15);
  for (const key of asked) assert.ok(key in read("en.json"), key);
});
