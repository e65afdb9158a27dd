//! Pools that size themselves.

use std::collections::BTreeMap;

use serde_json::json;

use super::harness::{Harness, job, pool, task};
use crate::service::core::command::{PoolRequest, Reply};
use crate::service::core::effect::{Effect, Report};
use crate::wire::batch::error::Code;
use crate::wire::batch::pool::{
    AllocationState, AutoScaleRun, PoolEnableAutoScale, PoolEvaluateAutoScale, PoolResize,
};
use crate::wire::time::Duration;

const BY_QUEUE: &str = "$TargetDedicatedNodes = min(3, $PendingTasks.GetSample(1));";

impl Harness {
    fn enable(&mut self, formula: Option<&str>, interval: Option<i64>) -> Result<Reply, Code> {
        let body = PoolEnableAutoScale {
            auto_scale_formula: formula.map(str::to_owned),
            auto_scale_evaluation_interval: interval.map(Duration::from_secs),
        };
        let answer = self.pool_do("p", PoolRequest::EnableAutoScale(body));
        answer.map_err(|r| r.code)
    }

    fn evaluate(&mut self, formula: &str) -> Result<AutoScaleRun, Code> {
        let body = PoolEvaluateAutoScale {
            auto_scale_formula: formula.to_owned(),
        };
        match self.pool_do("p", PoolRequest::EvaluateAutoScale(body)) {
            Ok(Reply::AutoScaleRun(run)) => Ok(*run),
            Ok(other) => panic!("{other:?}"),
            Err(refusal) => Err(refusal.code),
        }
    }

    fn come_up(&mut self, nodes: usize) {
        for node in self.take_prepared(nodes) {
            self.report(Report::NodePrepared { node, error: None });
        }
    }
}

fn by_queue() -> serde_json::Value {
    json!({"enableAutoScale": true, "autoScaleFormula": BY_QUEUE, "autoScaleEvaluationInterval": "PT5M"})
}

#[test]
fn a_pool_follows_its_queue() {
    let mut h = Harness::new();
    h.must(job("j", "p", json!({})));
    for n in 0..5 {
        h.must(task("j", &format!("t{n}"), json!({})));
    }
    h.must(pool("p", by_queue()));
    h.come_up(3);
    let shown = h.pool("p");
    assert_eq!(shown.enable_auto_scale, Some(true));
    assert_eq!(shown.auto_scale_formula.as_deref(), Some(BY_QUEUE));
    assert_eq!(shown.target_dedicated_nodes, Some(3));
    let results = shown.auto_scale_run.and_then(|run| run.results);
    let expected =
        "$TargetDedicatedNodes=3;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue";
    assert_eq!(results.as_deref(), Some(expected));
    let mut running = h.take_tasks();
    assert_eq!(running.len(), 3);
    while let Some((_, run)) = running.pop() {
        h.started(run);
        h.ended(run, 0);
        running.extend(h.take_tasks());
    }
    h.nothing_left();
    h.pass(Duration::from_secs(5 * 60));
    assert_eq!(h.pool("p").target_dedicated_nodes, Some(0));
    let gone = h.drop_effects();
    assert_eq!(
        gone.iter()
            .filter(|e| matches!(e, Effect::RemoveNode(_)))
            .count(),
        3
    );
    assert_eq!(gone.len(), 3);
    let run = h.evaluate("x = $SucceededTasks.GetSample(1) + $RunningTasks.GetSample(1);");
    let results = run
        .expect("it is evaluated")
        .results
        .expect("it has results");
    assert!(results.ends_with(";x=[5]"), "{results}");
}

#[test]
fn samples_come_every_half_minute() {
    let mut h = Harness::new();
    h.must(pool("p", by_queue()));
    h.pass(Duration::from_secs(10 * 60));
    let run = h.evaluate(
        "a = $ActiveTasks.Count(); b = $ActiveTasks.GetSamplePercent(TimeInterval_Minute * 10);",
    );
    let results = run
        .expect("it is evaluated")
        .results
        .expect("it has results");
    assert!(results.ends_with(";a=21;b=100"), "{results}");
    h.nothing_left();
}

#[test]
fn on_and_off() {
    let mut h = Harness::new();
    h.must(pool("p", json!({"targetDedicatedNodes": 1})));
    assert_eq!(h.enable(Some(BY_QUEUE), None), Err(Code::PoolBeingResized));
    h.come_up(1);
    for (formula, interval, code) in [
        (None, None, Code::MissingRequiredProperty),
        (Some("x = ;"), None, Code::AutoScalingFormulaSyntaxError),
        (
            Some("x = $CPUPercent.GetSample(1);"),
            None,
            Code::UnsupportedProperty,
        ),
        (Some(BY_QUEUE), Some(60), Code::InvalidPropertyValue),
        (Some(BY_QUEUE), Some(8 * 86_400), Code::InvalidPropertyValue),
    ] {
        assert_eq!(h.enable(formula, interval), Err(code), "{formula:?}");
    }
    let long = format!("// {}", "x".repeat(8192));
    assert_eq!(
        h.enable(Some(&long), None),
        Err(Code::AutoScaleFormulaTooLong)
    );
    assert_eq!(
        h.evaluate("x = 1;"),
        Err(Code::OperationInvalidForCurrentState)
    );

    let etag = h.pool("p").etag;
    h.enable(Some("$TargetDedicatedNodes = 2;"), None)
        .expect("fine");
    assert_ne!(h.pool("p").etag, etag);
    assert_eq!(
        h.enable(None, Some(600)),
        Err(Code::TooManyEnableAutoScaleRequests)
    );
    h.come_up(1);
    assert_eq!(h.pool("p").allocation_state, Some(AllocationState::Steady));
    let resize = PoolResize {
        target_dedicated_nodes: Some(5),
        ..PoolResize::default()
    };
    let refused = h
        .pool_do("p", PoolRequest::Resize(resize))
        .expect_err("not by hand");
    assert_eq!(refused.code, Code::OperationNotValidOnPool);
    h.pass(Duration::from_secs(30));
    h.enable(None, Some(600)).expect("fine");
    let shown = h.pool("p");
    assert_eq!(
        shown.auto_scale_evaluation_interval,
        Some(Duration::from_secs(600))
    );
    h.pool_do("p", PoolRequest::DisableAutoScale).expect("fine");
    let shown = h.pool("p");
    assert_eq!(
        (shown.enable_auto_scale, shown.auto_scale_formula),
        (Some(false), None)
    );
    assert_eq!(shown.target_dedicated_nodes, Some(2));
    h.pass(Duration::from_days(1));
    h.nothing_left();
}

#[test]
fn a_formula_that_fails_says_where_and_changes_nothing() {
    let mut h = Harness::new();
    let formula = "$TargetDedicatedNodes = 1;\nx = 1 / $PendingTasks.Count() - 1 / 0;";
    h.must(pool(
        "p",
        json!({"enableAutoScale": true, "autoScaleFormula": formula}),
    ));
    let shown = h.pool("p");
    assert_eq!(shown.target_dedicated_nodes, Some(0));
    let error = shown
        .auto_scale_run
        .and_then(|run| run.error)
        .expect("it failed");
    let said = error.values[0].value.clone().unwrap_or_default();
    assert!(said.starts_with("line 2, column 33: "), "{said}");
    h.nothing_left();
}

#[test]
fn what_new_pools_may_not_say() {
    for (body, code, property) in [
        (
            json!({"enableAutoScale": true}),
            Code::MissingRequiredProperty,
            "autoScaleFormula",
        ),
        (
            json!({"autoScaleFormula": BY_QUEUE}),
            Code::InvalidPropertyValue,
            "autoScaleFormula",
        ),
        (
            json!({"autoScaleEvaluationInterval": "PT5M"}),
            Code::InvalidPropertyValue,
            "autoScaleEvaluationInterval",
        ),
        (
            json!({"enableAutoScale": true, "autoScaleFormula": BY_QUEUE, "targetDedicatedNodes": 1}),
            Code::InvalidPropertyValue,
            "targetDedicatedNodes",
        ),
        (
            json!({"enableAutoScale": true, "autoScaleFormula": BY_QUEUE, "autoScaleEvaluationInterval": "PT1M"}),
            Code::InvalidPropertyValue,
            "autoScaleEvaluationInterval",
        ),
    ] {
        let mut h = Harness::new();
        let refusal = h.ask(pool("p", body)).expect_err(property);
        assert_eq!(
            (refusal.code, refusal.values[0].1.as_str()),
            (code, property)
        );
    }
}

#[test]
fn it_goes_on_after_a_restart() {
    let mut h = Harness::new();
    h.must(pool("p", by_queue()));
    h.must(job("j", "p", json!({})));
    h.must(task("j", "t", json!({})));
    h.pass(Duration::from_secs(60));
    let mut stored = BTreeMap::new();
    h.restart(&mut stored);
    h.pass(Duration::from_secs(240));
    assert_eq!(h.pool("p").target_dedicated_nodes, Some(1));
    h.come_up(1);
    assert_eq!(h.take_tasks().len(), 1);
    h.nothing_left();
}

#[test]
fn the_service_can_be_more_eager_than_asked() {
    let mut h = Harness::new();
    h.world.site.autoscale_interval = Some(Duration::from_secs(2));
    h.must(pool("p", by_queue()));
    h.must(job("j", "p", json!({})));
    h.must(task("j", "t", json!({})));
    h.pass(Duration::from_secs(2));
    assert_eq!(h.pool("p").target_dedicated_nodes, Some(1));
    h.come_up(1);
    assert_eq!(h.take_tasks().len(), 1);
    h.nothing_left();
}
