// Appends to Emmett's PostgreSQL event store as its documentation shows it: each append expects the version of its stream.
// The arguments and the JSON object that it prints are those of the program beside it (../src/measure.rs).
import { parseArgs } from 'node:util';
import { STREAM_DOES_NOT_EXIST } from '@event-driven-io/emmett';
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import pg from 'pg';

const text = { type: 'string' };
const { values } = parseArgs({
  options: { database: text, streams: text, clients: text, bytes: text, 'warm-up': text, seconds: text },
});
const number = (name) => {
  const value = Number(values[name]);
  if (!Number.isFinite(value)) throw new Error(`--${name} must be a number`);
  return value;
};
const [streams, clients, bytes] = [number('streams'), number('clients'), number('bytes')];
const [warmUp, seconds] = [number('warm-up') * 1_000, number('seconds') * 1_000];

// A connection for each client, so that none waits for one.
const pool = new pg.Pool({ connectionString: values.database, max: clients });
const store = getPostgreSQLEventStore(values.database, {
  schema: { autoMigration: 'None' },
  connectionOptions: { pool },
});
await store.schema.migrate();

const note = { type: 'NoteWritten', data: { text: 'x'.repeat(bytes) } };
const times = [];
let appended = 0;
let counted = 0;
let counting = false;
let stopping = false;

async function appendUntilStopped(client) {
  const versions = new Map();
  for (let turn = 0; !stopping; turn += 1) {
    const own = Math.ceil((streams - client) / clients);
    const stream = client + (turn % own) * clients;
    const started = performance.now();
    const result = await store.appendToStream(`note-${stream}`, [note], {
      expectedStreamVersion: versions.get(stream) ?? STREAM_DOES_NOT_EXIST,
    });
    versions.set(stream, result.nextExpectedStreamVersion);
    appended += 1;
    if (counting) {
      counted += 1;
      times.push(performance.now() - started);
    }
  }
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const running = Promise.all(Array.from({ length: clients }, (_, client) => appendUntilStopped(client)));
const measuring = (async () => {
  await sleep(warmUp);
  counting = true;
  const started = performance.now();
  await sleep(seconds);
  const taken = performance.now() - started;
  counting = false;
  stopping = true;
  return counted / (taken / 1_000);
})();
const [perSecond] = await Promise.all([measuring, running]);
await store.close();
await pool.end();

times.sort((one, other) => one - other);
const quantile = (percent) => times[Math.max(Math.ceil((times.length * percent) / 100) - 1, 0)] ?? 0;
console.log(JSON.stringify({ appended, perSecond, p50Ms: quantile(50), p99Ms: quantile(99), retries: 0 }));
