//! Formulas by example, and any text.

use proptest::prelude::*;

use super::{Formula, History, Inputs, Metric, Outcome, Problem};
use crate::wire::batch::pool::NodeDeallocationOption;
use crate::wire::time::{Duration, Time};

/// A Friday.
const NOW: &str = "2026-01-02T10:30:00Z";

fn now() -> Time {
    NOW.parse().unwrap()
}

/// Ten samples of active tasks, 1 to 10, the last now.
fn history() -> History {
    let mut history = History::default();
    for n in 1..=10_i64 {
        let at = now().ticks() - Duration::from_secs(30 * (10 - n)).ticks();
        let values = vec![(Metric::ActiveTasks, n as f64), (Metric::RunningTasks, 2.0)];
        history.record(Time::from_ticks(at), values);
    }
    history
}

fn evaluate(formula: &Formula) -> Result<Outcome, Problem> {
    formula.evaluate(&Inputs {
        now: now(),
        dedicated: 4,
        low_priority: 1,
        history: &history(),
        seed: 7,
    })
}

fn run(text: &str) -> Result<Outcome, Problem> {
    let formula = Formula::parse(text).unwrap_or_else(|p| panic!("{text}: {p:?}"));
    evaluate(&formula)
}

fn value(expression: &str) -> String {
    let outcome = run(&format!("x = {expression};"));
    let outcome = outcome.unwrap_or_else(|p| panic!("{expression}: {p}"));
    let shown = outcome.results.split(";x=").nth(1);
    shown.expect("x is shown").to_owned()
}

#[test]
fn expressions() {
    for (expression, expected) in [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("8 - 4 - 2", "2"),
        ("-2 * -3", "6"),
        ("- 2 - 1", "-3"),
        ("!0 + !5", "1"),
        ("1.5e1 / 4", "3.75"),
        (".5 + .5", "1"),
        ("1 < 2 && 2 < 1 || 1", "1"),
        ("1 ? 2 : 0 ? 3 : 4", "2"),
        ("0 ? 2 : 0 ? 3 : 4", "4"),
        ("2 > 1 ? 10 : 20", "10"),
        ("\"a\" == \"a\"", "1"),
        ("requeue != terminate", "1"),
        ("avg(1, 2, 6)", "3"),
        ("max(0, $ActiveTasks.GetSample(1))", "10"),
        ("min(3, 2) + sum(1, 2) + range(1, 5)", "9"),
        ("ceil(1.2) + floor(1.8) + round(2.5)", "6"),
        ("lg(8) + ln(1) + log(1000)", "6"),
        ("std(2, 4, 4, 4, 5, 5, 7, 9)", "2.138089935299395"),
        ("norm($RunningTasks.GetSample(4))", "4"),
        ("len($ActiveTasks)", "10"),
        ("val($ActiveTasks.GetSample(3), 0)", "8"),
        ("percentile($ActiveTasks.GetSample(10), 50)", "5.5"),
        ("$ActiveTasks.GetSample(2) * 2 + 1", "[19,21]"),
        (
            "$ActiveTasks.GetSample(2) - $RunningTasks.GetSample(2)",
            "[7,8]",
        ),
        ("$ActiveTasks.GetSample(TimeInterval_Minute)", "[8,9,10]"),
        (
            "$ActiveTasks.GetSample(60 * TimeInterval_Second, 90 * TimeInterval_Second)",
            "[7,8]",
        ),
        (
            "$ActiveTasks.GetSample(time() - TimeInterval_Second, 50)",
            "[10]",
        ),
        (
            "$ActiveTasks.GetSamplePercent(TimeInterval_Minute * 10)",
            "50",
        ),
        (
            "$ActiveTasks.GetSamplePercent(TimeInterval_Minute * 2, TimeInterval_Minute)",
            "100",
        ),
        ("$ActiveTasks.GetSamplePeriod()", "PT30S"),
        ("$ActiveTasks.Count() + $CPUPercent.Count()", "10"),
        ("$ActiveTasks.HistoryBeginTime()", "2026-01-02T10:25:30Z"),
        ("time()", NOW),
        ("time().hour + time().weekday", "15"),
        (
            "time().year + time().month + time().day + time().minute + time().second",
            "2059",
        ),
        ("time(\"2026-01-04T00:00:00Z\").weekday", "0"),
        ("time() + TimeInterval_Day > time()", "1"),
        ("time() - time(\"2026-01-02\")", "PT10H30M"),
        (
            "TimeInterval_Hour / 2 + TimeInterval_Minute - TimeInterval_Second",
            "PT30M59S",
        ),
        ("-TimeInterval_Hour < TimeInterval_Zero", "1"),
        ("$TargetDedicatedNodes / 2", "2"),
        ("rand() >= 0 && rand() < 1", "1"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn formulas_of_the_documentation() {
    let by_hour = "$curTime = time();
        $workHours = $curTime.hour >= 8 && $curTime.hour < 18;
        $isWeekday = $curTime.weekday >= 1 && $curTime.weekday <= 5;
        $isWorkingWeekdayHour = $workHours && $isWeekday;
        $TargetDedicatedNodes = $isWorkingWeekdayHour ? 20:10;
        $NodeDeallocationOption = taskcompletion;";
    let outcome = run(by_hour).unwrap();
    assert_eq!((outcome.dedicated, outcome.low_priority), (20, 1));
    assert_eq!(outcome.deallocation, NodeDeallocationOption::TaskCompletion);
    assert_eq!(
        outcome.results,
        "$TargetDedicatedNodes=20;$TargetLowPriorityNodes=1;$NodeDeallocationOption=taskcompletion;\
         $curTime=2026-01-02T10:30:00Z;$isWeekday=1;$isWorkingWeekdayHour=1;$workHours=1"
    );
    let by_tasks = "// the pool follows the queue
        startingNumberOfVMs = 1;
        maxNumberofVMs = 25;
        pendingTaskSamplePercent = $ActiveTasks.GetSamplePercent(180 * TimeInterval_Second);
        pendingTaskSamples = pendingTaskSamplePercent < 70 ? startingNumberOfVMs : avg($ActiveTasks.GetSample(180 * TimeInterval_Second));
        $TargetDedicatedNodes=min(maxNumberofVMs, pendingTaskSamples);
        $TargetLowPriorityNodes = -3";
    let outcome = run(by_tasks).unwrap();
    assert_eq!((outcome.dedicated, outcome.low_priority), (7, 0));
    let stopped = run("$TargetDedicated = 9; stop(); $TargetDedicated = 10;").unwrap();
    assert_eq!(stopped.dedicated, 9);
}

#[test]
fn mistakes_at_their_places() {
    for (text, expected) in [
        (
            "a = 1 +; b = (2; c = ;",
            "7+1 a value|15+1 `)`|21+1 a value",
        ),
        ("a = 1 b = 2;", "6+1 an operator"),
        (
            "x = $ActiveTask.GetSample(1);",
            "4+11 `$ActiveTask` has no value",
        ),
        ("x = y; y = 1; z = y;", "4+1 `y` has no value"),
        ("$CPUPercent = 3;", "0+11 `$CPUPercent` cannot"),
        ("x = average(1);", "4+10 there is no function"),
        (
            "x = avg(); y = val(1);",
            "4+5 `avg` takes at least 1|15+6 `val` takes 2",
        ),
        ("x = $ActiveTasks.Samples();", "4+22 there is no method"),
        (
            "x = $ActiveTasks.GetSample();",
            "4+24 `GetSample` takes 1 to 3",
        ),
        ("x = time().minutes;", "4+14 there is no field"),
        (
            "x = 1 = 2;",
            "6+1 an operator or `;` is expected here, not `=`",
        ),
        ("x = \"open;", "4+6 the string has no end"),
        ("x = 1 # 2;", "6+1 `#` means nothing"),
        ("x = 1e999;", "4+5 `1e999` is not a number"),
        ("x = ünder;", "4+2 `ü` means nothing"),
    ] {
        let problems = Formula::parse(text).expect_err(text);
        let expected: Vec<&str> = expected.split('|').collect();
        assert!(problems.len() >= expected.len(), "{text}: {problems:?}");
        for (problem, expected) in problems.iter().zip(expected) {
            let (place, words) = expected.split_once(' ').unwrap();
            assert!(problem.message.starts_with(words), "{text}: {problem:?}");
            let span = problem.span;
            let found = format!("{}+{}", span.start, span.end - span.start);
            assert_eq!(found, place, "{text}: {problem:?}");
        }
    }
}

#[test]
fn what_fails_when_it_is_evaluated() {
    for (text, place, words) in [
        ("x = 1 / 0;", "1 / 0", "the result is not a number"),
        (
            "x = avg($CPUPercent.GetSample(3));",
            "avg($CPUPercent.GetSample(3))",
            "`avg` has no values",
        ),
        (
            "x = 1 + time();",
            "1 + time()",
            "`+` does not go between a double and a timestamp",
        ),
        (
            "$TargetDedicatedNodes = $ActiveTasks;",
            "$ActiveTasks",
            "`$TargetDedicatedNodes` takes a double",
        ),
        (
            "$NodeDeallocationOption = 3;",
            "3",
            "`$NodeDeallocationOption` takes",
        ),
        (
            "x = \"a\" ? 1 : 2;",
            "\"a\" ? 1 : 2",
            "the condition is a double",
        ),
        (
            "x = time(\"soon\");",
            "time(\"soon\")",
            "`soon` is not a time",
        ),
        (
            "x = $ActiveTasks.GetSample(TimeInterval_Hour, 90);",
            "$ActiveTasks.GetSample(TimeInterval_Hour, 90)",
            "only 8 % of the samples",
        ),
        (
            "x = val($ActiveTasks, 10);",
            "val($ActiveTasks, 10)",
            "the vector has 10 elements",
        ),
        (
            "x = $ActiveTasks.GetSample(3) + $ActiveTasks.GetSample(2);",
            "$ActiveTasks.GetSample(3) + $ActiveTasks.GetSample(2)",
            "the vectors have 3 and 2",
        ),
        ("x = (1).hour;", "(1).hour", "a double has no fields"),
    ] {
        let problem = run(text).expect_err(text);
        assert!(problem.message.starts_with(words), "{text}: {problem:?}");
        assert_eq!(&text[problem.span.start..problem.span.end], place, "{text}");
    }
}

#[test]
fn limits() {
    let long = format!("x = 1; // {}", "x".repeat(8192));
    assert!(
        Formula::parse(&long).unwrap_err()[0]
            .message
            .contains("8192")
    );
    let many = "x = 1;".repeat(101);
    assert!(
        Formula::parse(&many).unwrap_err()[0]
            .message
            .contains("100")
    );
    assert!(Formula::parse(&"x = 1;".repeat(100)).is_ok());
    for deep in [
        format!("x = {}1{};", "(".repeat(2000), ")".repeat(2000)),
        format!("x = {}1;", "-".repeat(8000)),
        format!("x = {}1;", "1?".repeat(3000)),
        format!("x = 1{};", "+1".repeat(4000)),
        format!("x = 1{};", ".a".repeat(4000)),
    ] {
        let problem = &Formula::parse(&deep).unwrap_err()[0];
        assert!(problem.message.contains("too"), "{problem:?}");
    }
}

#[test]
fn positions_are_of_characters() {
    let text = "a = 1;\n// ü\nb = \"ü\" + ;";
    let problem = &Formula::parse(text).unwrap_err()[0];
    assert_eq!(problem.position(text), (3, 11));
}

fn check(text: &str) {
    match Formula::parse(text) {
        Ok(formula) => {
            if let Err(problem) = evaluate(&formula) {
                assert!(text.get(problem.span.start..problem.span.end).is_some());
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                let span = problem.span;
                assert!(
                    text.get(span.start..span.end).is_some(),
                    "{text:?}: {problem:?}"
                );
                problem.position(text);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_panic(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn any_tokens_are_read_without_panic(words in prop::collection::vec(prop::sample::select(vec![
        "x", "=", ";", "(", ")", "1", "0", "2.5", "1e300", "+", "-", "*", "/", "<", "==", "&&", "||", "!", "?", ":", ",",
        ".", "$ActiveTasks", "GetSample", "$TargetDedicatedNodes", "time()", "hour", "TimeInterval_Year", "\"a\"", "\"",
        "avg", "max", "val", "percentile", "stop()", "requeue", "//", "\n", "ü", "$",
    ]), 0..60)) {
        check(&words.join(" "));
        check(&words.concat());
    }
}
