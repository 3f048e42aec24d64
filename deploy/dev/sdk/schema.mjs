// Validates JSON against the schemas of Slack. Standard input holds a list of {name, kind, value}; kind is message, modal or
// home, made from the types of @slack/types, or manifest, Slack's published schema. Prints {name: [problem, …]}, with an
// empty list for what is right.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { createGenerator } from "ts-json-schema-generator";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const cases = JSON.parse(readFileSync(0, "utf8"));

const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);

const checks = {};
if (cases.some((c) => c.kind !== "manifest")) {
  const types = createGenerator({ path: here("types.ts"), tsconfig: here("tsconfig.json"), type: "*" }).createSchema("*");
  ajv.addSchema({ ...types, $id: "types" });
  for (const [kind, type] of Object.entries({ message: "Message", modal: "Modal", home: "Home" })) {
    checks[kind] = ajv.getSchema(`types#/definitions/${type}`);
  }
}
if (cases.some((c) => c.kind === "manifest")) {
  checks.manifest = ajv.compile(JSON.parse(readFileSync(here("slack-manifest/manifest.schema.2.0.0.json"), "utf8")));
}

const problems = {};
for (const { name, kind, value } of cases) {
  const check = checks[kind];
  if (!check) {
    throw new Error(`${name}: nothing is known of the kind ${kind}`);
  }
  problems[name] = check(value) ? [] : most(check.errors);
}
console.log(JSON.stringify(problems));

// most leaves out the errors of the alternatives of a union that are not meant: those of another type of block.
function most(errors) {
  const deep = errors.filter((e) => !(e.keyword === "const" || e.keyword === "anyOf" || e.params?.missingProperty === "type"));
  return (deep.length > 0 ? deep : errors).slice(0, 20).map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`);
}
