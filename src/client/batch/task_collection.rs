//! Adding many tasks: at most 100 and 1 MiB in a request, several requests at once.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};

use super::super::error::{ClientError, Failure};
use super::super::refused::Refused;
use super::super::retry::{self, Outcome};
use super::Batch;
use crate::clock;
use crate::wire::batch::error_body::ErrorBody;
use crate::wire::batch::operation::Operation;
use crate::wire::batch::task::{TaskAddResult, TaskAddStatus, TaskCollectionResult, TaskCreate};

/// Tasks in a request.
const MOST_TASKS: usize = 100;
/// Bytes of a request's body.
const MOST_BYTES: usize = 1024 * 1024;
const OPEN: &str = r#"{"value":["#;
const CLOSE: &str = "]}";

/// What became of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedTask {
    pub id: String,
    pub addition: TaskAddition,
}

/// How adding a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskAddition {
    Added,
    /// There is one of that id. After a lost answer it may be our own.
    Existing,
    /// Not added, and asking again would not help.
    Refused(Box<Refused>),
}

/// A task on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    id: String,
    json: String,
}

impl Batch {
    /// Adds tasks to a job, with up to `concurrency` requests at once. Every task comes out once, in no
    /// promised order and many at a time. An error ends the work of one request, not of the stream: whoever
    /// drops the stream stops adding.
    pub fn add_tasks<I>(
        &self,
        job: &str,
        tasks: I,
        concurrency: usize,
    ) -> impl Stream<Item = Result<Vec<AddedTask>, ClientError>> + Send + Unpin + use<I>
    where
        I: IntoIterator<Item = TaskCreate>,
        I::IntoIter: Send + 'static,
    {
        let batch = self.clone();
        let job = job.to_owned();
        let chunks = Chunks {
            tasks: tasks.into_iter(),
            carried: None,
        };
        let additions = stream::iter(chunks).map(move |chunk| {
            let (batch, job) = (batch.clone(), job.clone());
            async move { batch.add_chunk(&job, chunk?).await }
        });
        Box::pin(additions.buffer_unordered(concurrency.max(1)))
    }

    /// Adds a chunk whatever it takes: halves when it is too large, again what the service failed at.
    async fn add_chunk(&self, job: &str, chunk: Vec<Item>) -> Result<Vec<AddedTask>, ClientError> {
        let start = clock::monotonic();
        let mut done = Vec::with_capacity(chunk.len());
        let mut queue = VecDeque::from([(chunk, 1_u32)]);
        while let Some((mut chunk, tries)) = queue.pop_front() {
            let results = match self.post(job, &chunk).await {
                Ok(results) => results,
                Err(error) if error.is("RequestBodyTooLarge") && chunk.len() > 1 => {
                    let half = chunk.split_off(chunk.len() / 2);
                    queue.extend([(chunk, tries), (half, tries)]);
                    continue;
                }
                Err(error) => match (error.refused(), chunk.pop()) {
                    (Some(refused), Some(item)) if error.is("RequestBodyTooLarge") => {
                        done.push(AddedTask {
                            id: item.id,
                            addition: TaskAddition::Refused(Box::new(refused.clone())),
                        });
                        continue;
                    }
                    _ => return Err(error),
                },
            };
            let (additions, failed) = self.match_up(job, chunk, results)?;
            done.extend(additions);
            if failed.is_empty() {
                continue;
            }
            let outcome = Outcome::Answer {
                status: 503,
                retry_after: None,
            };
            let policy = self.0.exchange.retry;
            match policy.wait(tries, start.elapsed(), outcome, retry::jitter()) {
                Some(wait) => {
                    tokio::time::sleep(wait).await;
                    let items = failed.into_iter().map(|(item, _)| item).collect();
                    queue.push_back((items, tries + 1));
                }
                None => done.extend(failed.into_iter().map(|(item, refused)| AddedTask {
                    id: item.id,
                    addition: TaskAddition::Refused(Box::new(refused)),
                })),
            }
        }
        Ok(done)
    }

    async fn post(&self, job: &str, chunk: &[Item]) -> Result<Vec<TaskAddResult>, ClientError> {
        let call = self
            .call(Operation::CreateTaskCollection, &[job])
            .attempting(format!("add tasks to job `{job}`"));
        let answer = call.json_bytes(body(chunk)).send().await?;
        answer.json::<TaskCollectionResult>().map(|r| r.value)
    }

    /// Results come in any order; those the service itself failed at come back apart.
    #[allow(clippy::type_complexity, reason = "the two halves of one answer")]
    fn match_up(
        &self,
        job: &str,
        chunk: Vec<Item>,
        results: Vec<TaskAddResult>,
    ) -> Result<(Vec<AddedTask>, Vec<(Item, Refused)>), ClientError> {
        let mut by_id: HashMap<String, TaskAddResult> = results
            .into_iter()
            .map(|result| (result.task_id.to_ascii_lowercase(), result))
            .collect();
        let mut additions = Vec::with_capacity(chunk.len());
        let mut failed = Vec::new();
        for item in chunk {
            let Some(result) = by_id.remove(&item.id.to_ascii_lowercase()) else {
                return Err(ClientError::new(
                    format!("add task `{job}/{}`", item.id),
                    Failure::Unreadable {
                        endpoint: self.endpoint().to_string(),
                        source: "the answer does not say what became of the task".into(),
                    },
                ));
            };
            let error = result.error.unwrap_or_default();
            let addition = match result.status {
                TaskAddStatus::Success => TaskAddition::Added,
                TaskAddStatus::ServerError => {
                    failed.push((item, Refused::of_task(500, error)));
                    continue;
                }
                _ if is_task_exists(&error) => TaskAddition::Existing,
                _ => TaskAddition::Refused(Box::new(Refused::of_task(400, error))),
            };
            additions.push(AddedTask {
                id: item.id,
                addition,
            });
        }
        Ok((additions, failed))
    }
}

fn is_task_exists(error: &ErrorBody) -> bool {
    let code = error.code.as_deref();
    code.is_some_and(|c| c.eq_ignore_ascii_case("TaskExists"))
}

fn body(chunk: &[Item]) -> Bytes {
    let mut text = String::with_capacity(body_length(chunk.iter()));
    text.push_str(OPEN);
    for (n, item) in chunk.iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        text.push_str(&item.json);
    }
    text.push_str(CLOSE);
    text.into()
}

fn body_length<'a>(chunk: impl Iterator<Item = &'a Item>) -> usize {
    OPEN.len() + CLOSE.len() + chunk.map(|item| item.json.len() + 1).sum::<usize>()
}

/// Cuts tasks into requests. A task that is too large alone still gets one, for the service to refuse.
struct Chunks<I> {
    tasks: I,
    /// The task that did not fit into the chunk before.
    carried: Option<Item>,
}

impl<I: Iterator<Item = TaskCreate>> Iterator for Chunks<I> {
    type Item = Result<Vec<Item>, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut chunk: Vec<Item> = self.carried.take().into_iter().collect();
        let mut length = body_length(chunk.iter());
        while chunk.len() < MOST_TASKS {
            let Some(task) = self.tasks.next() else { break };
            let item = match item(task) {
                Ok(item) => item,
                Err(error) => return Some(Err(error)),
            };
            length += item.json.len() + 1;
            if length > MOST_BYTES && !chunk.is_empty() {
                self.carried = Some(item);
                break;
            }
            chunk.push(item);
        }
        (!chunk.is_empty()).then_some(Ok(chunk))
    }
}

fn item(task: TaskCreate) -> Result<Item, ClientError> {
    match serde_json::to_string(&task) {
        Ok(json) => Ok(Item { id: task.id, json }),
        Err(error) => Err(ClientError::new(
            format!("add task `{}`", task.id),
            Failure::Unsendable {
                reason: format!("the task has no JSON form: {error}"),
            },
        )),
    }
}

#[cfg(test)]
#[path = "task_collection_tests.rs"]
mod tests;
