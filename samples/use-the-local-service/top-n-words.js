// The three most frequent words of each text, counted by Azure Batch.
//
//     node top-n-words.js OUTPUT_FOLDER
//
// Endpoint, account and key come from the environment; `batchflow serve` prints them. Against an account in Azure
// the program is the same.
const fs = require("node:fs");
const path = require("node:path");
const { BatchServiceClient, BatchSharedKeyCredentials } = require("@azure/batch");
const { BlobServiceClient, ContainerSASPermissions } = require("@azure/storage-blob");

const SAMPLE = path.join(__dirname, "..", "top-n-words");
const NAME = "words-javascript";
const { AZURE_BATCH_ACCOUNT, AZURE_BATCH_ACCESS_KEY, AZURE_BATCH_ENDPOINT } = process.env;

const blobs = BlobServiceClient.fromConnectionString(process.env.AZURE_STORAGE_CONNECTION_STRING);
const batch = new BatchServiceClient(
  new BatchSharedKeyCredentials(AZURE_BATCH_ACCOUNT, AZURE_BATCH_ACCESS_KEY),
  AZURE_BATCH_ENDPOINT,
);

const container = (name) => blobs.getContainerClient(`${NAME}-${name}`);

/** A URL with which a node may use a container for two hours. */
function containerUrl(name, permissions) {
  return container(name).generateSasUrl({
    permissions: ContainerSASPermissions.parse(permissions),
    expiresOn: new Date(Date.now() + 2 * 60 * 60 * 1000),
  });
}

/** Batch starts programs, not shells. */
const shell = (command) => `/bin/sh -c '${command}'`;

async function upload() {
  for (const name of ["application", "input", "output"]) await container(name).create();
  const script = path.join(SAMPLE, "top-n-words.sh");
  await container("application").getBlockBlobClient("top-n-words.sh").uploadFile(script);
  const folder = path.join(SAMPLE, "texts");
  const texts = fs.readdirSync(folder).filter((name) => name.endsWith(".txt"));
  for (const text of texts) {
    await container("input").getBlockBlobClient(text).uploadFile(path.join(folder, text));
  }
  return texts;
}

async function createPool() {
  const images = await batch.account.listSupportedImages();
  const { imageReference, nodeAgentSKUId } = images.find(
    ({ imageReference: image }) => image.offer === "ubuntu-24_04-lts" && image.sku === "server",
  );
  await batch.pool.add({
    id: NAME,
    vmSize: "standard_d2s_v5",
    targetDedicatedNodes: 2,
    virtualMachineConfiguration: { imageReference, nodeAgentSKUId },
    startTask: {
      commandLine: shell('cp -p top-n-words.sh "$AZ_BATCH_NODE_SHARED_DIR"'),
      resourceFiles: [{ storageContainerUrl: await containerUrl("application", "rl") }],
      waitForSuccess: true,
    },
  });
}

async function task(text) {
  const stem = path.parse(text).name;
  const output = `${stem}_OUTPUT.txt`;
  return {
    id: `topn-${stem}`,
    commandLine: shell(`"$AZ_BATCH_NODE_SHARED_DIR/top-n-words.sh" "${text}" 3 > "${output}"`),
    resourceFiles: [{ storageContainerUrl: await containerUrl("input", "rl"), blobPrefix: text }],
    outputFiles: [
      {
        filePattern: output,
        destination: { container: { containerUrl: await containerUrl("output", "cw"), path: output } },
        uploadOptions: { uploadCondition: "tasksuccess" },
      },
    ],
  };
}

async function wait() {
  const end = Date.now() + 10 * 60 * 1000;
  while (Date.now() < end) {
    const tasks = await batch.task.list(NAME, { taskListOptions: { select: "id,state,executionInfo" } });
    if (tasks.every((each) => each.state === "completed")) return tasks;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error("the tasks took longer than ten minutes");
}

async function main() {
  const output = process.argv[2];
  const texts = await upload();
  await createPool();
  await batch.job.add({ id: NAME, poolInfo: { poolId: NAME } });
  await batch.task.addCollection(NAME, await Promise.all(texts.map(task)));

  for (const each of await wait()) {
    if (each.executionInfo.exitCode !== 0) {
      process.exitCode = 1;
      console.error(`${each.id} failed:`, each.executionInfo.failureInfo);
    }
  }

  fs.mkdirSync(output, { recursive: true });
  for await (const { name } of container("output").listBlobsFlat()) {
    const content = await container("output").getBlobClient(name).downloadToBuffer();
    fs.writeFileSync(path.join(output, name), content);
    console.log(`${name}: ${content.toString().split(/\s/)[1]}`);
  }

  await batch.job.deleteMethod(NAME);
  await batch.pool.deleteMethod(NAME);
  for (const name of ["application", "input", "output"]) await container(name).delete();
}

main();
