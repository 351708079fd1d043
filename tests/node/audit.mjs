// node audit.mjs URL TOKEN: what the official audit of GraphQL over HTTP thinks of a service, as a JSON list of {id, name, status, reason}.

import { require } from "./packages.mjs";

const { auditServer } = require("graphql-http");

const [url, token] = process.argv.slice(2);

// The audit knows no tokens, so each of its requests gets one on its way out.
function fetchWithToken(input, init) {
  const headers = new Headers(init?.headers);
  headers.set("authorization", `Bearer ${token}`);
  return fetch(input, { ...init, headers });
}

const audits = await auditServer({ url, fetchFn: fetchWithToken });
console.log(JSON.stringify(audits.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
