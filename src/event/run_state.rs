//! The fold of all events: what every display reads.

use super::{Event, TaskCounts, TaskFailure};
use crate::plan::StepKind;

/// The state of a run so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunState {
    /// The steps that began, in order.
    pub steps: Vec<StepState>,
    pub tasks: TaskCounts,
    pub nodes: Vec<(String, u64)>,
    pub failures: Vec<TaskFailure>,
    pub warnings: Vec<String>,
    pub bytes_up: u64,
    pub bytes_down: u64,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepState {
    pub step: StepKind,
    pub done: u64,
    pub total: u64,
    pub bytes: u64,
    pub finished: bool,
}

impl RunState {
    /// Takes one event in.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::StepStarted { step, total } => self.steps.push(StepState {
                step: *step,
                done: 0,
                total: *total,
                bytes: 0,
                finished: false,
            }),
            Event::StepProgress { step, done, bytes } => {
                if let Some(s) = self.step_mut(*step) {
                    s.done = *done;
                    s.bytes = *bytes;
                }
                match step {
                    StepKind::Uploads => self.bytes_up = *bytes,
                    StepKind::Download => self.bytes_down = *bytes,
                    _ => {}
                }
            }
            Event::StepFinished { step } => {
                if let Some(s) = self.step_mut(*step) {
                    s.finished = true;
                }
            }
            Event::TaskCounts(counts) => self.tasks = *counts,
            Event::NodeCounts { states } => self.nodes.clone_from(states),
            Event::TaskFailed(failure) => self.failures.push(failure.clone()),
            Event::Warning { message } => self.warnings.push(message.clone()),
            Event::Changed { .. } | Event::TaskCompleted { .. } | Event::Downloaded { .. } => {}
        }
    }

    /// The step that runs now.
    pub fn current(&self) -> Option<&StepState> {
        self.steps.last().filter(|s| !s.finished)
    }

    fn step_mut(&mut self, step: StepKind) -> Option<&mut StepState> {
        self.steps.iter_mut().rfind(|s| s.step == step)
    }
}
