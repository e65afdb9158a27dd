// Jobs, their schedules and their tasks with @azure/batch: every verb.
const assert = require("node:assert/strict");
const { client, gone, pool, refused, task, until } = require("./service.js");

async function main() {
  const batch = client();
  await pool(batch, "js-jobs", 1);
  const poolInfo = { poolId: "js-jobs" };
  const reaches = (id, state) => until(`${id} is ${state}`, async () => (await batch.job.get(id)).state === state);

  await batch.job.add({
    id: "js-job",
    poolInfo,
    priority: 5,
    jobPreparationTask: { commandLine: "/bin/sh -c 'echo ready'" },
    jobReleaseTask: { commandLine: "/bin/true" },
  });
  await refused(409, "JobExists", () => batch.job.add({ id: "js-job", poolInfo }));
  await batch.job.patch("js-job", { priority: 6 });
  await batch.job.update("js-job", { priority: 7, poolInfo, constraints: { maxTaskRetryCount: 1 } });
  const changed = await batch.job.get("js-job");
  assert.deepEqual([changed.priority, changed.constraints.maxTaskRetryCount], [7, 1]);

  await batch.task.add("js-job", { id: "waits", commandLine: "/bin/sleep 600" });
  await task(batch, "js-job", "waits", "running");
  await batch.job.disable("js-job", "requeue");
  await reaches("js-job", "disabled");
  await batch.job.enable("js-job");
  await task(batch, "js-job", "waits", "running");
  await batch.task.terminate("js-job", "waits");
  const ended = await task(batch, "js-job", "waits");
  assert.equal(ended.executionInfo.failureInfo.code, "TaskEnded");
  assert.equal(ended.executionInfo.requeueCount, 1);
  await batch.task.reactivate("js-job", "waits");
  await task(batch, "js-job", "waits", "running");
  await batch.task.update("js-job", "waits", { constraints: { maxTaskRetryCount: 3 } });
  assert.equal((await batch.task.get("js-job", "waits")).constraints.maxTaskRetryCount, 3);
  await batch.task.deleteMethod("js-job", "waits");
  await refused(404, "TaskNotFound", () => batch.task.get("js-job", "waits"));

  await batch.job.terminate("js-job", { terminateReason: "enough" });
  await reaches("js-job", "completed");
  assert.equal((await batch.job.get("js-job")).executionInfo.terminateReason, "enough");
  const [status] = await batch.job.listPreparationAndReleaseTaskStatus("js-job");
  assert.equal(status.jobPreparationTaskExecutionInfo.exitCode, 0);
  assert.equal(status.jobReleaseTaskExecutionInfo.state, "completed");
  await refused(409, "JobCompleted", () => batch.task.add("js-job", { id: "late", commandLine: "/bin/true" }));

  const jobSpecification = { poolInfo, jobManagerTask: { id: "manager", commandLine: "/bin/true" } };
  await batch.jobSchedule.add({ id: "js-schedule", schedule: { recurrenceInterval: "PT1H" }, jobSpecification });
  await until("the job of the schedule", async () => {
    const jobs = await batch.job.listFromJobSchedule("js-schedule");
    return jobs.length === 1 && jobs[0].id === "js-schedule:job-1" && jobs[0].state === "completed";
  });
  assert.equal((await batch.jobSchedule.exists("js-schedule")).body, true);
  assert.equal((await batch.jobSchedule.exists("absent")).body, false);
  await batch.jobSchedule.disable("js-schedule");
  assert.equal((await batch.jobSchedule.get("js-schedule")).state, "disabled");
  await batch.jobSchedule.enable("js-schedule");
  await batch.jobSchedule.patch("js-schedule", { metadata: [{ name: "k", value: "v" }] });
  await batch.jobSchedule.update("js-schedule", { schedule: { recurrenceInterval: "PT2H" }, jobSpecification });
  const schedule = await batch.jobSchedule.get("js-schedule");
  assert.equal(schedule.schedule.recurrenceInterval, "PT2H");
  assert.equal(schedule.executionInfo.recentJob.id, "js-schedule:job-1");
  const schedules = await batch.jobSchedule.list({ jobScheduleListOptions: { filter: "id eq 'js-schedule'" } });
  assert.equal(schedules.length, 1);
  await batch.jobSchedule.terminate("js-schedule");
  await until("its end", async () => (await batch.jobSchedule.get("js-schedule")).state === "completed");
  await batch.jobSchedule.deleteMethod("js-schedule");
  await gone("the schedule", () => batch.jobSchedule.get("js-schedule"));

  await batch.job.deleteMethod("js-job");
  await gone("the job", () => batch.job.get("js-job"));
  await batch.pool.deleteMethod("js-jobs");
  await gone("the pool", () => batch.pool.get("js-jobs"));
  console.log("ok jobs.js");
}

main();
