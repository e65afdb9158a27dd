//! `batchflow logs`: what tasks wrote to stdout and stderr.

use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;

use super::document::{self, Document};
use super::error::CliError;
use super::output;
use super::run_args::LogsArgs;
use super::status::FAILED;
use super::target::Target;
use super::tasks::job_id;
use crate::observed::{self, Stream, read_log};
use crate::report::exit_code::ExitCode;
use crate::report::style::{BOLD, DIM, paint};
use crate::wire::batch::task::TaskState;

/// Tasks whose logs are shown when none is named.
const MOST: usize = 20;

/// How often a followed task is looked at.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn run(args: &LogsArgs) -> Result<ExitCode, CliError> {
    let document = document::load_footprint(&args.of.manifest)?;
    let mut logs = Logs {
        target: Target::reach(&document, &args.of.target).await?,
        document: &document,
        streams: streams(args),
        seen: [0; 2],
    };
    let mut result = logs.show(args).await;
    // The local service ended with the apply it belongs to: the rest is in its state.
    if let Err(CliError::Client(error)) = &result
        && error.is_transport()
        && logs.target.is_neighbour()
    {
        logs.target = Target::reach(&document, &args.of.target).await?;
        result = logs.show(args).await;
    }
    logs.target.close().await;
    result
}

fn streams(args: &LogsArgs) -> &'static [Stream] {
    match (args.stdout, args.stderr) {
        (true, _) => &[Stream::Stdout],
        (_, true) => &[Stream::Stderr],
        _ => &[Stream::Stdout, Stream::Stderr],
    }
}

struct Logs<'a> {
    document: &'a Document,
    target: Target,
    streams: &'static [Stream],
    /// Bytes of each that were printed already.
    seen: [u64; 2],
}

impl Logs<'_> {
    async fn show(&mut self, args: &LogsArgs) -> Result<ExitCode, CliError> {
        // The job may be gone by cleanup while the logs are still there.
        let job = match job_id(self.document, &self.target).await {
            Ok(job) => job,
            Err(CliError::NoJob { job }) if args.task.is_some() => job,
            Err(error) => return Err(error),
        };
        match &args.task {
            Some(task) if args.follow => self.follow(&job, task).await,
            Some(task) => {
                if !self.task(&job, task, false).await? {
                    return Err(CliError::NoLogs { task: task.clone() });
                }
                Ok(ExitCode::Ok)
            }
            None => self.failed(&job).await,
        }
    }

    async fn failed(&self, job: &str) -> Result<ExitCode, CliError> {
        let filter = Some(FAILED.to_owned());
        let failed = observed::tasks(&self.target.client, job, filter, MOST + 1).await?;
        if failed.is_empty() {
            output::talk("No task failed; name a task to see what it wrote.\n");
            return Ok(ExitCode::Ok);
        }
        for task in failed.iter().take(MOST) {
            if !self.task(job, &task.id, true).await? {
                output::talk(&format!("nothing is kept of what `{}` wrote\n", task.id));
            }
        }
        if failed.len() > MOST {
            output::talk(&format!("These are the first {MOST}; name others.\n"));
        }
        Ok(ExitCode::Ok)
    }

    /// Prints what one task wrote; false when nothing is kept of it.
    async fn task(&self, job: &str, task: &str, with_heading: bool) -> Result<bool, CliError> {
        let mut is_kept = false;
        for stream in self.streams {
            let Some(bytes) = self.read(job, task, *stream, 0).await? else {
                continue;
            };
            is_kept = true;
            if with_heading || (self.streams.len() > 1 && !bytes.is_empty()) {
                heading(task, *stream);
            }
            write(&bytes);
        }
        Ok(is_kept)
    }

    async fn read(
        &self,
        job: &str,
        task: &str,
        stream: Stream,
        from: u64,
    ) -> Result<Option<Bytes>, CliError> {
        let desired = &self.document.desired;
        let client = &self.target.client;
        Ok(read_log(desired, client, job, task, stream, from).await?)
    }

    /// Prints what the task writes as it comes, until it has ended.
    async fn follow(&mut self, job: &str, task: &str) -> Result<ExitCode, CliError> {
        loop {
            let live = self.target.client.batch.get_task(job, task).await?;
            // Asked before the files are read: what it wrote last is not missed.
            let is_over = live
                .as_ref()
                .is_none_or(|t| t.state == TaskState::Completed);
            let mut is_kept = live.is_some();
            for (index, stream) in self.streams.iter().enumerate() {
                let from = self.seen[index];
                if let Some(bytes) = self.read(job, task, *stream, from).await? {
                    self.seen[index] += bytes.len() as u64;
                    is_kept = true;
                    write(&bytes);
                }
            }
            if !is_kept {
                return Err(CliError::NoLogs {
                    task: task.to_owned(),
                });
            }
            if is_over {
                return Ok(ExitCode::Ok);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn heading(task: &str, stream: Stream) {
    let name = format!("{} {}", paint(BOLD, task), paint(DIM, stream.file()));
    output::talk(&format!("{name}\n"));
}

/// The bytes as they are: a log need not be text.
fn write(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}
