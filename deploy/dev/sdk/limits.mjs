// Compares a table of limits, JSON on standard input, with the numbers in the doc comments of @slack/types. Prints what
// differs, one line each, and nothing if all agree.
//
// Each entry is {type, field, max}: an interface, one of its properties ("fields[]" is each entry of it), a number. Every
// entry must be in a comment, and every maximum that a comment gives for an interface of the table must be in the table.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import ts from "typescript";

const root = dirname(createRequire(import.meta.url).resolve("@slack/types/package.json"));
const files = ["block-kit/blocks", "block-kit/block-elements", "block-kit/composition-objects", "block-kit/extensions", "views"];

// "a maximum of 10", "Maximum length … is 75 characters", "between 1 and 100", "Limit 12,000 characters max", "up to 5",
// "from `0` (default) to `8`"
const maximum = /\b(?:max(?:imum)?\b[^.]*?|between \d+ and |limit |up to |from `0`[^.]*? to )`?(\d[\d,]*)/gi;

// notes maps "Interface.property" to the maxima that its comment gives: of the property, and of each entry of it.
const notes = new Map();

for (const file of files) {
  const path = join(root, "dist", file + ".d.ts");
  const source = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
  source.forEachChild((node) => {
    for (const member of membersOf(node)) {
      const text = ts.getJSDocCommentsAndTags(member).map((c) => c.getText()).join(" ")
        .replace(/^\s*\*/gm, " ").replace(/\{@link\s+\S+\s*([^}]*)\}/g, "$1").replace(/\s+/g, " ");
      const found = { whole: [], each: [] };
      for (const sentence of text.split(/(?<=[.!])\s/)) {
        for (const match of sentence.matchAll(maximum)) {
          const each = /\beach (item|row|option|entry)\b|array with a max/i.test(sentence.slice(0, match.index + match[0].length));
          found[each ? "each" : "whole"].push(Number(match[1].replaceAll(",", "")));
        }
      }
      if (found.whole.length + found.each.length > 0) {
        notes.set(`${node.name.text}.${member.name.getText()}`, { ...found, text });
      }
    }
  });
}

// membersOf lists the properties of an interface, or of a type that is put together from several.
function membersOf(node) {
  if (ts.isInterfaceDeclaration(node)) {
    return node.members.filter(ts.isPropertySignature);
  }
  const parts = [];
  if (ts.isTypeAliasDeclaration(node)) {
    parts.push(...(ts.isIntersectionTypeNode(node.type) ? node.type.types : [node.type]));
  }
  return parts.filter(ts.isTypeLiteralNode).flatMap((part) => [...part.members]).filter(ts.isPropertySignature);
}

const table = JSON.parse(readFileSync(0, "utf8"));
const listed = new Map();
for (const { type, field, max } of table) {
  const key = `${type}.${field.replace(/\[\].*$/, "")}`;
  listed.set(key, [...(listed.get(key) ?? []), max]);
  const note = notes.get(key);
  const numbers = note && (field.endsWith("[]") ? note.each : note.whole);
  if (!numbers?.includes(max)) {
    console.log(`${type}.${field} is ${max} in the table; @slack/types says: ${note?.text ?? "nothing"}`);
  }
}
const types = new Set(table.map((l) => l.type));
for (const [key, note] of notes) {
  for (const max of [...note.whole, ...note.each]) {
    if (types.has(key.split(".")[0]) && !listed.get(key)?.includes(max)) {
      console.log(`${key} is not in the table; @slack/types says ${max}: ${note.text}`);
    }
  }
}
if (notes.size < 40) {
  console.log(`only ${notes.size} comments with a maximum were found: is the package laid out anew?`);
}
