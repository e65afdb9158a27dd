// Blob Storage with @azure/storage-blob: containers, content, lists, signatures.
const assert = require("node:assert/strict");
const { createHash, randomBytes } = require("node:crypto");
const { BlobServiceClient, BlobSASPermissions, BlockBlobClient } = require("@azure/storage-blob");

async function refused(status, code, call) {
  const error = await call().then(
    () => assert.fail(`not refused with ${code}`),
    (error) => error,
  );
  assert.equal(error.statusCode, status, String(error));
  assert.equal(error.code ?? error.details?.errorCode, code);
}

async function main() {
  const blobs = BlobServiceClient.fromConnectionString(process.env.AZURE_STORAGE_CONNECTION_STRING);
  const box = blobs.getContainerClient("from-js");
  await box.create({ metadata: { k: "v" } });
  await refused(409, "ContainerAlreadyExists", () => box.create());
  assert.deepEqual((await box.getProperties()).metadata, { k: "v" });

  const small = box.getBlockBlobClient("dir/a b+ü%.txt");
  await small.upload("0123456789", 10, { blobHTTPHeaders: { blobContentType: "text/plain" }, metadata: { n: "1" } });
  assert.equal((await small.downloadToBuffer()).toString(), "0123456789");
  assert.equal((await small.downloadToBuffer(6, 2)).toString(), "67");
  const properties = await small.getProperties();
  assert.deepEqual([properties.contentLength, properties.contentType, properties.metadata], [10, "text/plain", { n: "1" }]);
  assert.deepEqual(Buffer.from(properties.contentMD5), createHash("md5").update("0123456789").digest());

  const content = randomBytes(9 * 1024 * 1024 + 5);
  const large = box.getBlockBlobClient("large");
  await large.uploadData(content, { blockSize: 1024 * 1024, maxSingleShotSize: 1024 * 1024, concurrency: 4 });
  assert(content.equals(await large.downloadToBuffer(0, undefined, { blockSize: 2 * 1024 * 1024, concurrency: 4 })));

  await refused(412, "ConditionNotMet", () => small.upload("x", 1, { conditions: { ifMatch: '"0x1"' } }));
  await refused(409, "BlobAlreadyExists", () => small.upload("x", 1, { conditions: { ifNoneMatch: "*" } }));

  const names = [];
  for await (const page of box.listBlobsFlat({ includeMetadata: true }).byPage({ maxPageSize: 1 })) {
    names.push(page.segment.blobItems.map((blob) => [blob.name, blob.metadata?.n]));
  }
  assert.deepEqual(names, [[["dir/a b+ü%.txt", "1"]], [["large", undefined]]]);
  const top = [];
  for await (const item of box.listBlobsByHierarchy("/")) top.push([item.kind, item.name]);
  assert.deepEqual(top.sort(), [["blob", "large"], ["prefix", "dir/"]]);

  const url = await small.generateSasUrl({ permissions: BlobSASPermissions.parse("r"), expiresOn: new Date(Date.now() + 3600e3) });
  assert.equal(await (await fetch(url)).text(), "0123456789");
  await refused(403, "AuthorizationPermissionMismatch", () => new BlockBlobClient(url).upload("x", 1));

  assert.equal((await blobs.getAccountInfo()).accountKind, "StorageV2");
  const serviceProperties = await blobs.getProperties();
  assert.equal(serviceProperties.staticWebsite.enabled, false);
  await blobs.setProperties({ cors: [], staticWebsite: { enabled: false } });
  await refused(501, "NotImplemented", () => blobs.setProperties({ staticWebsite: { enabled: true } }));
  assert.deepEqual((await box.getAccessPolicy()).signedIdentifiers, []);
  await box.setAccessPolicy();
  await refused(409, "PublicAccessNotPermitted", () => box.setAccessPolicy("container"));

  const lease = small.getBlobLeaseClient();
  const { leaseId } = await lease.acquireLease(15);
  await refused(409, "LeaseAlreadyPresent", () => small.getBlobLeaseClient().acquireLease(-1));
  await refused(412, "LeaseIdMissing", () => small.delete());
  await small.setMetadata({ n: "2" }, { conditions: { leaseId } });
  await lease.renewLease();
  const held = await small.getProperties({ conditions: { leaseId } });
  assert.deepEqual([held.leaseState, held.leaseStatus, held.leaseDuration], ["leased", "locked", "fixed"]);
  assert.equal((await lease.breakLease(0)).leaseTime, 0);
  await refused(412, "LeaseLost", () => small.delete({ conditions: { leaseId } }));
  await lease.releaseLease();
  const onBox = box.getBlobLeaseClient();
  await onBox.acquireLease(-1);
  await refused(412, "LeaseIdMissing", () => box.delete());
  await onBox.releaseLease();

  await small.delete();
  assert.equal(await small.exists(), false);
  await box.delete();
  assert.equal(await box.exists(), false);
  console.log("ok blob.js");
}

main();
