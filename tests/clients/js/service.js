// What every scenario needs: the client, a small pool, and waiting with a deadline.
const assert = require("node:assert/strict");
const { BatchServiceClient, BatchSharedKeyCredentials } = require("@azure/batch");

const { AZURE_BATCH_ACCOUNT, AZURE_BATCH_ACCESS_KEY, AZURE_BATCH_ENDPOINT } = process.env;

function client(key = AZURE_BATCH_ACCESS_KEY) {
  const credentials = new BatchSharedKeyCredentials(AZURE_BATCH_ACCOUNT, key);
  return new BatchServiceClient(credentials, AZURE_BATCH_ENDPOINT);
}

async function until(what, holds, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await holds();
    if (found) return found;
    assert(Date.now() < end, `not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function refused(status, code, call) {
  const error = await call().then(
    () => assert.fail(`not refused with ${code}`),
    (error) => error,
  );
  assert.equal(error.statusCode, status, String(error));
  assert.equal(error.code ?? error.body?.code, code);
}

async function all(list, next, ...start) {
  const found = [];
  let page = await list(...start);
  for (;;) {
    found.push(...page);
    if (!page.odatanextLink) return found;
    page = await next(page.odatanextLink);
  }
}

async function text(download) {
  const response = await download;
  const chunks = [];
  for await (const chunk of response.readableStreamBody) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

// Creates a pool and waits for its nodes.
async function pool(batch, id, nodes, more = {}) {
  const images = await batch.account.listSupportedImages();
  const image = images.find((i) => i.imageReference.offer === "ubuntu-24_04-lts");
  await batch.pool.add({
    id,
    vmSize: "standard_d2s_v3",
    virtualMachineConfiguration: {
      imageReference: image.imageReference,
      nodeAgentSKUId: image.nodeAgentSKUId,
    },
    ...(more.enableAutoScale ? {} : { targetDedicatedNodes: nodes }),
    ...more,
  });
  return until(`${nodes} idle nodes`, async () => {
    const found = await batch.computeNode.list(id);
    return found.length === nodes && found.every((node) => node.state === "idle") && found;
  });
}

// Waits until a task is in a state, and gives it back.
function task(batch, job, id, state = "completed") {
  return until(`${job}/${id} is ${state}`, async () => {
    const found = await batch.task.get(job, id);
    return found.state === state && found;
  });
}

// Waits until something is no longer found.
function gone(what, read) {
  return until(`${what} is gone`, () =>
    read().then(
      () => false,
      (error) => error.statusCode === 404,
    ),
  );
}

module.exports = { all, client, gone, pool, refused, task, text, until };
