// ioredis and node-redis against a running server: node clients.mjs TCP_PORT
// Every verb, one at a time and pipelined, over RESP2 and RESP3. Any warning or error fails.
import assert from "node:assert/strict";
import Redis from "ioredis";
import { createClient } from "redis";

const port = Number(process.argv[2]);
const warnings = [];
process.on("warning", (warning) => warnings.push(String(warning)));
for (const name of ["warn", "error"]) {
  console[name] = (...words) => warnings.push(words.join(" "));
}

// RESP2 answers a record as a flat list, RESP3 as a map or object.
function record(answer) {
  if (answer instanceof Map) return Object.fromEntries(answer);
  if (!Array.isArray(answer)) return answer;
  return Object.fromEntries(answer.flatMap((name, i) => (i % 2 ? [] : [[name, answer[i + 1]]])));
}

// `send(words)` resolves to the answer; `pipeline(list of words)` to the list of answers.
async function everyVerb(tag, send, pipeline) {
  const tenant = `tenant=${tag}`;
  assert.equal(await send(["PING"]), "PONG");
  assert.equal(await send(["PING", "hello"]), "hello");
  assert.equal(await send(["ECHO", "hello"]), "hello");
  assert.equal((await send(["TIME"])).length, 2);
  assert.equal(await send(["SELECT", "0"]), "OK");
  assert.ok((await send(["COMMAND", "COUNT"])) > 10);
  assert.ok(Array.isArray(await send(["COMMAND"])));
  assert.match(await send(["INFO"]), /redis_version:/);
  assert.ok((await send(["CLIENT", "ID"])) > 0);
  assert.ok(await send(["HELP", "CHECK"]));
  assert.ok(await send(["CONFIG", "GET", "*"]));

  assert.equal(record(await send(["CHECK", "api", tenant, "COST", "2"])).remaining, 3);
  assert.equal(record(await send(["CHECK", "api", tenant, "DRYRUN"])).allowed, 1);
  const reservation = await send(["RESERVE", "api", tenant, "COST", "2", "TTL", "60000"]);
  assert.equal(await send(["COMMIT", reservation, "1"]), 1);
  const other = await send(["RESERVE", "api", tenant, "COST", "1", "TTL", "60000"]);
  assert.equal(await send(["CANCEL", other]), "OK");
  const hold = await send(["ACQUIRE", "api", tenant, "TTL", "60000"]);
  assert.equal(await send(["RENEW", hold, "60000"]), "OK");
  assert.equal(await send(["RELEASE", hold]), "OK");
  await assert.rejects(send(["RELEASE", hold]), /NOTFOUND/);
  assert.equal((await send(["WHY", "api", tenant])).length, 2);
  assert.equal((await send(["LIMITS", "api"])).length, 3);
  assert.equal(await send(["BLOCK", "api", tenant, "60000"]), "OK");
  assert.equal(record(await send(["CHECK", "api", tenant])).limited_by, "blocked");
  assert.equal(await send(["FORGET", "api", tenant]), "OK");
  assert.equal(record(await send(["CHECK", "api", tenant])).remaining, 4);
  assert.deepEqual(await send(["CL.THROTTLE", tag, "15", "30", "60"]), [0, 16, 15, -1, 2]);
  await assert.rejects(send(["NOSUCHVERB"]), /unknown command/);

  const many = Array.from({ length: 1000 }, (_, i) => ["CL.THROTTLE", `${tag}${i % 10}`, "9", "1", "3600"]);
  const answers = await pipeline(many);
  assert.equal(answers.length, 1000);
  assert.equal(answers.filter((answer) => answer[0] === 0).length, 100);
}

async function withIoredis() {
  const client = new Redis({ port, lazyConnect: true, maxRetriesPerRequest: 0 });
  client.on("error", (error) => warnings.push(String(error)));
  await client.connect();
  await everyVerb("ioredis", ([verb, ...words]) => client.call(verb, ...words), async (list) => {
    const pipe = client.pipeline();
    for (const [verb, ...words] of list) pipe.call(verb, ...words);
    return (await pipe.exec()).map(([error, answer]) => {
      assert.equal(error, null);
      return answer;
    });
  });
  await client.quit();
}

async function withNodeRedis(RESP) {
  const client = createClient({ RESP, socket: { port, host: "127.0.0.1", reconnectStrategy: false } });
  client.on("error", (error) => warnings.push(String(error)));
  await client.connect();
  await everyVerb(`node${RESP}`, (words) => client.sendCommand(words),
                  (list) => Promise.all(list.map((words) => client.sendCommand(words))));
  await client.close();
}

await withIoredis();
await withNodeRedis(2);
await withNodeRedis(3);
assert.deepEqual(warnings, []);
process.stdout.write("ioredis, node-redis (RESP2, RESP3): every verb, no warning\n");
