// node websocket.mjs URL TOKEN: the official client of `graphql-transport-ws`, driven line by line (README.md).

import { obey, tell } from "./driven_client.mjs";
import { require } from "./packages.mjs";

const { createClient } = require("graphql-ws");
const WebSocket = require("ws");

const [url, token] = process.argv.slice(2);

const client = createClient({
  // Tests know the address of a service by its `http:`.
  url: url.replace(/^http/, "ws"),
  webSocketImpl: WebSocket,
  // Browsers cannot set headers on a socket, so this is where tokens come.
  connectionParams: { authorization: `Bearer ${token}` },
  // One connection, at once. Even so the client comes back by itself after a close with code 1000.
  lazy: false,
  retryAttempts: 0,
  // The end of the connection is told below.
  onNonLazyError: () => {},
  on: {
    // Acknowledged, not only open.
    connected: () => tell({ open: true }),
    closed: ({ code, reason }) => tell({ closed: { code, reason } }),
    error: (error) => console.error(error.message ?? error),
  },
});

await obey(client, (failure) => {
  // Each operation of a connection that was closed fails with that close, which is told once.
  const closed = "code" in failure && "reason" in failure;
  return closed ? undefined : [{ message: failure.message }];
});
