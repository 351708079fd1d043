// node serve.mjs --database URL --schema NAME --port PORT: PostGraphile over the tables of one generation, until it is told to end.
//
// As its documentation says for production: a library on Node's own HTTP server, the Amber preset, nothing that watches, no pages for
// people. NODE_ENV=production comes from whoever starts it: packages look at it while they load.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

import { smartTags } from "./smart_tags.mjs";

// `import` would find packages only beside this file; `require` also where NODE_PATH points, and they are kept in a cache of the user.
const require = createRequire(import.meta.url);
const { postgraphile } = require("postgraphile");
const { makePgService } = require("postgraphile/adaptors/pg");
const { grafserv } = require("postgraphile/grafserv/node");
const { PostGraphileAmberPreset } = require("postgraphile/presets/amber");
const { jsonPgSmartTags } = require("postgraphile/utils");

const text = { type: "string" };
const { values } = parseArgs({ options: { database: text, schema: text, port: text, connections: { ...text, default: "10" } } });
for (const name of ["database", "schema", "port"]) {
  if (values[name] === undefined) {
    throw new Error(`--${name} is missing: node serve.mjs --database URL --schema NAME --port PORT`);
  }
}

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  plugins: [jsonPgSmartTags(smartTags)],
  pgServices: [
    makePgService({
      connectionString: values.database,
      schemas: [values.schema],
      pubsub: false,
      poolConfig: { max: Number(values.connections) },
    }),
  ],
  // Lists beside connections: each field of the comparison is of the same sort as ours.
  schema: { defaultBehavior: "+connection +list" },
  grafserv: {
    graphqlPath: "/graphql",
    graphiql: false,
    watch: false,
    websockets: false,
    // Its own optimization: the data is written as text at once.
    outputDataAsString: true,
  },
});

// Nobody is listened to before the schema is there.
await instance.getSchema();
const server = createServer();
await instance.createServ(grafserv).addTo(server);
server.listen(Number(values.port), "127.0.0.1");

process.once("SIGTERM", () => process.exit(0));
