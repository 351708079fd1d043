// node schema_diff.mjs BASELINE CURRENT: what clients of the first schema lose with the second, as JSON.
//
// Two tools, because each misses what the other finds: graphql-js a root that is gone and an input that becomes `@oneOf`, the inspector a
// directive that may no longer be repeated. The inspector is asked without its rules: the one that simplifies drops changes that break
// (https://github.com/graphql-hive/graphql-inspector/issues/2955).

import { readFileSync } from "node:fs";

import { require } from "./packages.mjs";

const { buildSchema, findBreakingChanges, findDangerousChanges } = require("graphql");
const { CriticalityLevel, diff } = require("@graphql-inspector/core");

const [baseline, current] = process.argv.slice(2).map((file) => buildSchema(readFileSync(file, "utf8")));

const described = ({ type, description }) => ({ type, message: description });
const inspected = await diff(baseline, current);

console.log(
  JSON.stringify({
    graphql: {
      breaking: findBreakingChanges(baseline, current).map(described),
      dangerous: findDangerousChanges(baseline, current).map(described),
    },
    inspector: {
      breaking: inspected
        .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
        .map(({ type, message }) => ({ type, message })),
    },
  }),
);
