//! Pools that size themselves: samples taken, the formula evaluated on its interval, its targets followed.

use serde::{Deserialize, Serialize};

use super::allocation::Targets;
use super::check;
use super::command::{Answer, Reply};
use super::effect::Effect;
use super::key::Key;
use super::limits;
use super::pool::Pool;
use super::world::World;
use crate::wire::autoscale::{
    Formula, History, Inputs, MAX_BYTES, Metric, Outcome, Problem, SAMPLE_PERIOD,
};
use crate::wire::batch::command::NameValuePair;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::job::JobState;
use crate::wire::batch::node::NodeState;
use crate::wire::batch::pool::{
    AllocationState, AutoScaleRun, AutoScaleRunError, PoolCreate, PoolEnableAutoScale,
};
use crate::wire::time::{Duration, Time};

/// What a pool that sizes itself goes by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct AutoScale {
    pub(super) formula: String,
    pub(super) interval: Duration,
    sampled: Time,
    evaluated: Time,
    /// The last evaluation.
    pub(super) run: Option<AutoScaleRun>,
    /// Begins anew after a restart.
    #[serde(skip)]
    history: History,
}

impl AutoScale {
    /// When it next wants to do something; `pace` goes before its own interval.
    pub(super) fn deadline(&self, pace: Option<Duration>) -> Time {
        let sample = self.sampled.plus(SAMPLE_PERIOD);
        sample.min(self.next_evaluation(pace))
    }

    fn next_evaluation(&self, pace: Option<Duration>) -> Time {
        self.evaluated.plus(pace.unwrap_or(self.interval))
    }

    #[cfg(test)]
    pub(super) fn forget_history(&mut self) {
        self.history = History::default();
    }
}

/// Reads the autoscale properties of a new pool and takes them out of its description.
pub(super) fn of_new_pool(spec: &mut PoolCreate, now: Time) -> Result<Option<AutoScale>, Refusal> {
    let formula = spec.auto_scale_formula.take();
    let interval = spec.auto_scale_evaluation_interval.take();
    let is_on = spec.enable_auto_scale == Some(true);
    spec.enable_auto_scale = Some(is_on);
    if !is_on {
        return match (formula, interval) {
            (None, None) => Ok(None),
            (Some(_), _) => Err(not_enabled("autoScaleFormula")),
            _ => Err(not_enabled("autoScaleEvaluationInterval")),
        };
    }
    for (property, target) in [
        ("targetDedicatedNodes", spec.target_dedicated_nodes),
        ("targetLowPriorityNodes", spec.target_low_priority_nodes),
    ] {
        if let Some(target) = target {
            return Err(Refusal::property(
                property,
                target.to_string(),
                "The formula of an autoscale pool sets its targets",
            ));
        }
    }
    let formula = formula.ok_or_else(|| check::missing("autoScaleFormula"))?;
    read(&formula)?;
    let interval = check_interval(interval)?.unwrap_or(limits::DEFAULT_AUTOSCALE_INTERVAL);
    Ok(Some(AutoScale::new(formula, interval, now)))
}

fn not_enabled(property: &str) -> Refusal {
    Refusal::property(
        property,
        "",
        "The property goes with enableAutoScale = true",
    )
}

fn check_interval(interval: Option<Duration>) -> Result<Option<Duration>, Refusal> {
    match interval {
        Some(i) if !limits::AUTOSCALE_INTERVALS.contains(&i) => Err(Refusal::property(
            "autoScaleEvaluationInterval",
            i.to_string(),
            "The value is 5 minutes to 168 hours",
        )),
        other => Ok(other),
    }
}

/// What is measured of a pool here.
const MEASURED: [Metric; 11] = [
    Metric::ActiveTasks,
    Metric::RunningTasks,
    Metric::PendingTasks,
    Metric::SucceededTasks,
    Metric::FailedTasks,
    Metric::TaskSlotsPerNode,
    Metric::CurrentDedicatedNodes,
    Metric::CurrentLowPriorityNodes,
    Metric::UsableNodeCount,
    Metric::PreemptedNodeCount,
    Metric::SampleNodeCount,
];

fn read(text: &str) -> Result<Formula, Refusal> {
    if text.len() > MAX_BYTES {
        return Err(
            Refusal::new(Code::AutoScaleFormulaTooLong).with("Length", text.len().to_string())
        );
    }
    let formula = Formula::parse(text).map_err(|problems| {
        let refusal = Refusal::new(Code::AutoScalingFormulaSyntaxError);
        problems
            .iter()
            .fold(refusal, |r, problem| r.with("Reason", at(problem, text)))
    })?;
    match formula.metrics().iter().find(|m| !MEASURED.contains(m)) {
        Some(metric) => Err(check::unsupported(
            "autoScaleFormula",
            &format!("samples of {}", metric.as_str()),
        )),
        None => Ok(formula),
    }
}

fn at(problem: &Problem, text: &str) -> String {
    let (line, column) = problem.position(text);
    format!("line {line}, column {column}: {problem}")
}

fn run_of(text: &str, result: &Result<Outcome, Problem>, now: Time) -> AutoScaleRun {
    AutoScaleRun {
        timestamp: now,
        results: result.as_ref().ok().map(|outcome| outcome.results.clone()),
        // The code is a guess [inf].
        error: result.as_ref().err().map(|problem| AutoScaleRunError {
            code: Some("AutoScalingFormulaEvaluationError".to_owned()),
            message: Some("The formula could not be evaluated".to_owned()),
            values: vec![NameValuePair {
                name: Some("Message".to_owned()),
                value: Some(at(problem, text)),
            }],
        }),
    }
}

impl AutoScale {
    fn new(formula: String, interval: Duration, now: Time) -> Self {
        Self {
            formula,
            interval,
            sampled: now,
            evaluated: now,
            run: None,
            history: History::default(),
        }
    }

    fn evaluate(&self, formula: &Formula, targets: Targets, now: Time) -> Result<Outcome, Problem> {
        formula.evaluate(&Inputs {
            now,
            dedicated: targets.dedicated,
            low_priority: targets.low_priority,
            history: &self.history,
            seed: now.ticks().unsigned_abs(),
        })
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> f64 {
    f64::from(u32::try_from(items.count()).unwrap_or(u32::MAX))
}

impl World {
    pub(super) fn enable_autoscale(
        &mut self,
        key: &Key,
        body: PoolEnableAutoScale,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        let pool = self.pools.get_mut(key).ok_or(Code::PoolNotFound)?;
        let interval = check_interval(body.auto_scale_evaluation_interval)?;
        if let Some(text) = &body.auto_scale_formula {
            read(text)?;
        }
        if pool
            .auto_enabled
            .is_some_and(|last| now < last.plus(limits::AUTOSCALE_PAUSE))
        {
            return Err(Code::TooManyEnableAutoScaleRequests.into());
        }
        match &mut pool.auto {
            Some(auto) => {
                if let Some(formula) = body.auto_scale_formula {
                    auto.formula = formula;
                }
                if let Some(interval) = interval {
                    auto.interval = interval;
                }
            }
            None => {
                if pool.allocation != AllocationState::Steady {
                    return Err(Code::PoolBeingResized.into());
                }
                let formula = body
                    .auto_scale_formula
                    .ok_or_else(|| check::missing("autoScaleFormula"))?;
                let interval = interval.unwrap_or(limits::DEFAULT_AUTOSCALE_INTERVAL);
                pool.auto = Some(Box::new(AutoScale::new(formula, interval, now)));
            }
        }
        pool.spec.enable_auto_scale = Some(true);
        pool.auto_enabled = Some(now);
        pool.modified = now;
        self.begin_autoscale(key, now, effects);
        Ok(Reply::Changed(now))
    }

    pub(super) fn disable_autoscale(&mut self, key: &Key, now: Time) -> Answer {
        let pool = self.pools.get_mut(key).ok_or(Code::PoolNotFound)?;
        if pool.auto.take().is_some() {
            pool.spec.enable_auto_scale = Some(false);
            pool.modified = now;
        }
        let modified = pool.modified;
        self.touch_pool(key);
        Ok(Reply::Changed(modified))
    }

    /// Evaluates a formula and changes nothing.
    pub(super) fn try_autoscale(&mut self, key: &Key, text: &str, now: Time) -> Answer {
        let pool = self.pools.get(key).ok_or(Code::PoolNotFound)?;
        let Some(auto) = &pool.auto else {
            return Err(Refusal::new(Code::OperationInvalidForCurrentState)
                .with("Reason", "Autoscale is not enabled on the pool"));
        };
        let formula = read(text)?;
        let result = auto.evaluate(&formula, pool.targets, now);
        Ok(Reply::AutoScaleRun(Box::new(run_of(text, &result, now))))
    }

    /// The first sample and the first evaluation.
    pub(super) fn begin_autoscale(&mut self, key: &Key, now: Time, effects: &mut Vec<Effect>) {
        self.take_sample(key, now);
        self.follow_formula(key, now, effects);
        self.touch_pool(key);
    }

    pub(super) fn autoscale_timer(&mut self, key: &Key, now: Time, effects: &mut Vec<Effect>) {
        let pace = self.site.autoscale_interval;
        let auto = self.pools.get(key).and_then(|pool| pool.auto.as_deref());
        let Some(auto) = auto.filter(|auto| auto.deadline(pace) <= now) else {
            return;
        };
        let evaluates = auto.next_evaluation(pace) <= now;
        // A formula that is evaluated more often than samples are taken is to see something new.
        if auto.sampled.plus(SAMPLE_PERIOD) <= now || (evaluates && auto.sampled < now) {
            self.take_sample(key, now);
        }
        if evaluates {
            self.follow_formula(key, now, effects);
        }
        self.touch_pool(key);
    }

    fn take_sample(&mut self, key: &Key, now: Time) {
        let values = self.measure(key);
        let auto = self.pools.get_mut(key).and_then(|pool| pool.auto.as_mut());
        if let Some(auto) = auto {
            auto.history.record(now, values);
            auto.sampled = now;
        }
    }

    fn measure(&self, key: &Key) -> Vec<(Metric, f64)> {
        let Some(pool) = self.pools.get(key) else {
            return Vec::new();
        };
        let (mut active, mut running, mut succeeded, mut failed) = (0.0, 0.0, 0.0, 0.0);
        let bound = self.bound.get(key).into_iter().flatten();
        for job in bound.filter_map(|job| self.jobs.get(job)) {
            if job.state == JobState::Active {
                active += job.runnable.values().map(|q| count(q.iter())).sum::<f64>();
            }
            running += f64::from(job.counts.running.tasks);
            succeeded += f64::from(job.counts.succeeded.tasks);
            failed += f64::from(job.counts.failed.tasks);
        }
        let nodes = |wanted: &dyn Fn(&super::node::Node) -> bool| {
            count(pool.nodes.values().filter(|n| wanted(n)))
        };
        let is_there = |state: NodeState| state != NodeState::Creating;
        vec![
            (Metric::ActiveTasks, active),
            (Metric::RunningTasks, running),
            (Metric::PendingTasks, active + running),
            (Metric::SucceededTasks, succeeded),
            (Metric::FailedTasks, failed),
            (Metric::TaskSlotsPerNode, f64::from(pool.slots_per_node())),
            (
                Metric::CurrentDedicatedNodes,
                nodes(&|n| n.dedicated && is_there(n.state)),
            ),
            (
                Metric::CurrentLowPriorityNodes,
                nodes(&|n| !n.dedicated && is_there(n.state)),
            ),
            (Metric::UsableNodeCount, nodes(&super::node::Node::is_open)),
            (
                Metric::PreemptedNodeCount,
                nodes(&|n| n.state == NodeState::Preempted),
            ),
            (Metric::SampleNodeCount, nodes(&super::node::Node::is_open)),
        ]
    }

    /// Evaluates the pool's formula and sets out for the targets it gives.
    fn follow_formula(&mut self, key: &Key, now: Time, effects: &mut Vec<Effect>) {
        let Some(pool) = self.pools.get_mut(key) else {
            return;
        };
        let Some(auto) = &mut pool.auto else {
            return;
        };
        auto.evaluated = now;
        // It was read when it was set; should that not hold any more, the run says so.
        let result = match Formula::parse(&auto.formula) {
            Ok(formula) => auto.evaluate(&formula, pool.targets, now),
            Err(mut problems) => Err(problems.remove(0)),
        };
        auto.run = Some(run_of(&auto.formula, &result, now));
        if let Ok(outcome) = result {
            self.go_to(key, &outcome, now, effects);
        }
    }

    fn go_to(&mut self, key: &Key, outcome: &Outcome, now: Time, effects: &mut Vec<Effect>) {
        let Some(pool) = self.pools.get_mut(key) else {
            return;
        };
        let targets = Targets {
            dedicated: outcome.dedicated,
            low_priority: outcome.low_priority,
        };
        // A resize that is being stopped is let come to its end first.
        if targets == pool.targets || pool.allocation == AllocationState::Stopping {
            return;
        }
        pool.targets = targets;
        pool.deallocation = outcome.deallocation;
        pool.enter_allocation(AllocationState::Resizing, now);
        self.allocate(key, now, effects);
    }
}

impl Pool {
    /// Refuses what the formula of a pool decides.
    pub(super) fn check_fixed_size(&self) -> Result<(), Refusal> {
        if self.auto.is_some() {
            return Err(Refusal::new(Code::OperationNotValidOnPool)
                .with("Reason", "Autoscale is enabled on the pool"));
        }
        Ok(())
    }
}
