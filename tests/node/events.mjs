// node events.mjs URL TOKEN: the official client of GraphQL over server-sent events, driven line by line (README.md).

import { obey, tell } from "./driven_client.mjs";
import { require } from "./packages.mjs";

const { createClient } = require("graphql-sse");

const [url, token] = process.argv.slice(2);

const client = createClient({
  url,
  headers: { authorization: `Bearer ${token}` },
  // "Distinct connections": each subscription is a request of its own.
  singleConnection: false,
  retryAttempts: 0,
  on: {
    connected: () => tell({ open: true }),
  },
});

// A refusal of the request has a status.
await obey(client, (failure) => [{ message: failure.message, status: failure.response?.status }]);
