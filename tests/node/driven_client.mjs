// What a test and a client of subscriptions say to each other, one JSON object a line.

import { createInterface } from "node:readline";

/** Tells the test something. */
export function tell(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/**
 * Does what the test says on standard input, until it says `end` or leaves.
 *
 * A failure that is no list of GraphQL errors is told as `errorsOf` describes it; nothing is told where that gives nothing.
 */
export async function obey(client, errorsOf) {
  const unsubscribe = new Map();
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    if ("subscribe" in command) {
      const { subscribe: id, ...operation } = command;
      unsubscribe.set(id, client.subscribe(operation, sink(id, errorsOf)));
    } else if ("unsubscribe" in command) {
      // One that has completed meanwhile may still be left: the test cannot know.
      unsubscribe.get(command.unsubscribe)();
    } else if ("end" in command) {
      break;
    } else {
      throw new Error(`no such command, say subscribe, unsubscribe or end: ${line}`);
    }
  }
  // Nothing more is read, and an input that stays open must not hold up the end.
  process.stdin.destroy();
  try {
    await client.dispose();
  } catch {
    // A connection that fails while it is opened fails this too, and has been told.
  }
}

function sink(id, errorsOf) {
  return {
    next: (value) => tell({ next: id, value }),
    error: (failure) => {
      const errors = Array.isArray(failure) ? failure : errorsOf(failure);
      if (errors) {
        tell({ error: id, errors });
      }
    },
    complete: () => tell({ complete: id }),
  };
}
