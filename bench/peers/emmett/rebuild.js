// Rebuilds a read model with one document a task in Emmett, as its documentation shows it: a single stream projection of Pongo, rebuilt from the
// beginning. The events are lines of JSON ({stream, type, time, data}), those of a stream one after the other; appending them is not measured.
// The JSON object that it prints is that of the program beside it (../src/rebuild.rs).
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { STREAM_DOES_NOT_EXIST } from '@event-driven-io/emmett';
import {
  getPostgreSQLEventStore,
  pongoSingleStreamProjection,
  rebuildPostgreSQLProjections,
} from '@event-driven-io/emmett-postgresql';
import pg from 'pg';

const text = { type: 'string' };
const { values } = parseArgs({ options: { database: text, events: text, batch: text } });
const batchSize = Number(values.batch ?? 1_000);

const store = getPostgreSQLEventStore(values.database, { schema: { autoMigration: 'None' } });
await store.schema.migrate();

// One stream after the other: of concurrent appends a reader of this store may skip some.
let appended = 0;
let stream;
let waiting = [];
const append = async () => {
  if (waiting.length > 0) await store.appendToStream(stream, waiting, { expectedStreamVersion: STREAM_DOES_NOT_EXIST });
  appended += waiting.length;
  waiting = [];
};
for await (const line of createInterface({ input: createReadStream(values.events) })) {
  const event = JSON.parse(line);
  if (event.stream !== stream) await append();
  stream = event.stream;
  waiting.push({ type: event.type, data: { ...event.data, at: event.time } });
}
await append();
await store.close();

const evolve = (task, { type, data }) => {
  switch (type) {
    case 'task.created.v1':
      return {
        title: data.title,
        ownerId: data.ownerId,
        status: 'pending',
        attempts: 0,
        createdAt: data.at,
        updatedAt: data.at,
      };
    case 'task.classified.v1':
      return { ...task, type: data.type, complexity: data.complexity, updatedAt: data.at };
    case 'task.execution-started.v1':
      return { ...task, status: 'in-progress', attempts: task.attempts + 1, updatedAt: data.at };
    case 'task.execution-completed.v1':
      return { ...task, status: 'completed', linesAdded: data.linesAdded, updatedAt: data.at };
    default:
      return task;
  }
};
const projection = pongoSingleStreamProjection({
  collectionName: 'tasks',
  canHandle: ['task.created.v1', 'task.classified.v1', 'task.execution-started.v1', 'task.execution-completed.v1'],
  evolve,
});
const consumer = rebuildPostgreSQLProjections({
  connectionString: values.database,
  projections: [projection],
  pulling: { batchSize },
});
const started = performance.now();
await consumer.start();
const seconds = (performance.now() - started) / 1_000;
await consumer.close();

const client = new pg.Client({ connectionString: values.database });
await client.connect();
const { rows } = await client.query(
  "select count(*)::int as tasks, count(*) filter (where data->>'status' = 'completed')::int as completed from tasks",
);
await client.end();
console.log(JSON.stringify({ events: appended, perSecond: appended / seconds, ...rows[0] }));
