// Places an order and hears its outcome, knowing nothing but the AsyncAPI document:
// node client.mjs DOCUMENT '{"payment_method": …}', with the broker's addresses in PUBLISHER_URL and LISTENER_URL.
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Parser } from '@asyncapi/parser';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import amqp from 'amqplib';

const WITHIN = 30_000; // milliseconds

const { document } = await new Parser().parse(await readFile(process.argv[2], 'utf8'));
const changes = JSON.parse(process.argv[3] ?? '{}');

const tagged = (thing, name) => thing.tags().all().some((tag) => tag.name() === name);
const exchangeOf = (channel) => channel.bindings().get('amqp').value().exchange;

const placing = document
  .operations()
  .filterBySend()
  .find((operation) => tagged(operation, 'anyone') && operation.id().includes('order.placed'));
const [channel] = placing.channels().all();
const [order] = placing.messages().all();

// The order: the document's example, under an id of its own, and valid by the document's schema.
const id = randomUUID();
const example = order.examples().all()[0].payload();
const event = {
  ...example,
  id: randomUUID(),
  source: 'a-javascript-client',
  subject: id,
  correlationid: id,
  time: new Date().toISOString(),
  data: { ...example.data, ...changes, order_id: id },
};
const ajv = new Ajv({ strict: false });
addFormats(ajv);
const valid = ajv.compile(order.payload().json());
if (!valid(event)) {
  console.error(ajv.errorsText(valid.errors));
  process.exit(1);
}

// A queue of our own hears what any channel of the document says.
const listener = await amqp.connect(process.env.LISTENER_URL);
const hearing = await listener.createChannel();
const { queue } = await hearing.assertQueue('', { exclusive: true });
const finals = new Set();
for (const spoken of document.channels().all()) {
  await hearing.bindQueue(queue, exchangeOf(spoken).name, spoken.address());
  if (spoken.messages().all().every((message) => tagged(message, 'final'))) finals.add(spoken.address());
}
const heard = [];
const outcome = new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error(`no outcome within ${WITHIN} ms; heard ${heard}`)), WITHIN).unref();
  hearing.consume(queue, ({ content }) => {
    const said = JSON.parse(content.toString());
    if (said.correlationid !== id) return;
    heard.push(said.type);
    if (finals.has(said.type)) resolve(said);
  }, { noAck: true });
});

const publisher = await amqp.connect(process.env.PUBLISHER_URL);
const saying = await publisher.createConfirmChannel();
saying.on('return', () => { throw new Error('nobody hears of this order'); });
saying.publish(exchangeOf(channel).name, channel.address(), Buffer.from(JSON.stringify(event)), {
  contentType: order.contentType(),
  messageId: event.id,
  type: event.type,
  persistent: true,
  mandatory: true,
});
await saying.waitForConfirms();

const { type, data } = await outcome;
console.log(JSON.stringify({ order_id: id, outcome: type, data, heard }));
await publisher.close();
await listener.close();
