//! The fold of all events into a record.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::record::{NodeSample, Record, StepRecord, TaskRecord};
use crate::clock;
use crate::event::{Event, Sink};

/// Takes part in a run and remembers it. Cheap to clone.
#[derive(Clone)]
pub struct Recorder(Arc<Mutex<Record>>);

impl Recorder {
    /// A run begins now.
    pub fn start(manifest: &str, target: &str) -> Self {
        let record = Record::new(manifest, target, clock::now());
        Self(Arc::new(Mutex::new(record)))
    }

    /// Remembers each event and hands it on.
    pub fn before(&self, next: Sink) -> Sink {
        let recorder = self.clone();
        Sink::new(move |event| {
            take(&mut recorder.record(), &event, clock::now());
            next.emit(event);
        })
    }

    /// The run ended now.
    pub fn finish(&self) -> Record {
        let mut record = self.record().clone();
        record.ended = clock::now();
        record
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take(record: &mut Record, event: &Event, now: Timestamp) {
    match event {
        Event::StepStarted { step, total } => record.steps.push(StepRecord {
            step: *step,
            began: now,
            ended: None,
            items: *total,
            bytes: 0,
        }),
        Event::StepProgress { step, bytes, .. } => {
            if let Some(found) = record.steps.iter_mut().rfind(|s| s.step == *step) {
                found.bytes = *bytes;
            }
        }
        Event::StepFinished { step } => {
            if let Some(found) = record.steps.iter_mut().rfind(|s| s.step == *step) {
                found.ended = Some(now);
            }
        }
        Event::TaskCompleted {
            task,
            success,
            exit_code,
            run,
        } => record.tasks.push(TaskRecord {
            id: task.clone(),
            success: *success,
            exit_code: *exit_code,
            run: run.clone(),
        }),
        Event::TaskFailed(failure) => record.failures.push(failure.clone()),
        Event::NodeCounts { states } => record.nodes.push(NodeSample {
            at: now,
            states: states.clone(),
        }),
        Event::Warning { message } => record.warnings.push(message.clone()),
        Event::Changed { .. } | Event::TaskCounts(_) | Event::Downloaded { .. } => {}
    }
}
