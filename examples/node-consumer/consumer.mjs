// A consumer of spam complaints: a program beside the workers, with a consumer of its own.
// docs/consumers.md explains the messages and the rules.
//
//   cioctl consumer create slack-complaints --metric spammed
//   npm ci && NATS_URL=nats://127.0.0.1:4222 CONSUMER=slack-complaints node consumer.mjs
import { connect, headers } from "@nats-io/transport-node";
import { jetstream } from "@nats-io/jetstream";

const STREAM = "CUSTOMERIO";
const TRIES = 3;
const consumer = process.env.CONSUMER;
const { protocol, host, username, password } = new URL(process.env.NATS_URL);

const nc = await connect({
  servers: `${protocol}//${host}`,
  user: decodeURIComponent(username) || undefined,
  pass: decodeURIComponent(password) || undefined,
  name: consumer,
  // Answers come to subjects with this prefix: the program may subscribe to no other.
  inboxPrefix: `_INBOX_${consumer}`,
  maxReconnectAttempts: -1,
});
const source = await jetstream(nc).consumers.get(STREAM, consumer);
const messages = await source.consume({ max_messages: 100 });
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => messages.close());
}

for await (const m of messages) {
  await settle(m).catch((err) => console.error(`message ${m.seq} comes again: ${err.message}`));
}
await nc.drain();

// settle handles a message and always ends it on purpose: ack, another try, or dead letter.
async function settle(m) {
  const tries = m.info.deliveryCount;
  try {
    handle(m);
    m.ack();
  } catch (err) {
    if (tries < TRIES) {
      m.nak(tries * tries * 1000);
      return;
    }
    await bury(m, err);
    m.term(); // only after the dead letter is stored
  }
}

// handle must tolerate a message that comes twice. Here that is a second line.
function handle(m) {
  const event = JSON.parse(new TextDecoder().decode(m.data));
  const metric = m.subject.split(".").at(-1); // the body may have another word for it
  console.log(m.headers.get("Cio-Id"), metric, event.data?.identifiers?.cio_id ?? "");
}

// bury stores a dead letter, which cioctl dead list shows and cioctl dead redrive sends to
// this consumer again.
async function bury(m, err) {
  const h = headers();
  for (const name of m.headers.keys().filter((k) => k.startsWith("Cio-"))) {
    h.set(name, m.headers.get(name));
  }
  h.set("Nats-Msg-Id", `${consumer}:${h.get("Cio-Id")}:${m.timestampNanos}`);
  h.set("Cio-Reason", "rejected");
  h.set("Cio-Error", String(err.message).replaceAll("\n", " "));
  h.set("Cio-Attempts", String(m.info.deliveryCount));
  h.set("Cio-Subject", m.subject);
  h.set("Cio-Sequence", String(m.seq));
  h.set("Cio-Stored-At", m.time.toISOString());
  h.set("Cio-Died-At", new Date().toISOString());
  await nc.request(`customerio.dead.${consumer}.rejected`, m.data, { headers: h, timeout: 5000 });
}
