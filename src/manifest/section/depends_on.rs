//! `depends_on` and `gather`: which tasks must be done before a task runs.

use std::collections::BTreeSet;
use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::{Diagnostic, codes, nearest};
use crate::manifest::at::{At, OneOrMany};
use crate::manifest::check::Checker;
use crate::manifest::template::{Quoting, Scope, Template};

/// The tasks that must be done before a task runs.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "depends_on")]
pub(in crate::manifest) struct RawDependsOn {
    /// All tasks of the `[[tasks]]` entries with these names.
    tasks: Option<At<OneOrMany>>,
    /// Tasks by their ids.
    #[serde(default)]
    task_ids: Vec<At<String>>,
    /// Tasks whose ids are whole numbers, from `start` to `end`.
    #[serde(default)]
    task_id_ranges: Vec<At<RawTaskIdRange>>,
}

/// Tasks whose ids are whole numbers; both ends are included.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "task_id_range")]
pub(in crate::manifest) struct RawTaskIdRange {
    /// The first number.
    start: i32,
    /// The last number.
    end: i32,
}

/// The tasks that must be done before a task runs.
#[derive(Debug, Clone, Default)]
pub struct DependsOn {
    /// Names of entries of `[[tasks]]`.
    pub tasks: Vec<At<String>>,
    pub task_ids: Vec<Template>,
    /// First and last.
    pub task_id_ranges: Vec<At<(i32, i32)>>,
}

impl DependsOn {
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.task_ids.is_empty() && self.task_id_ranges.is_empty()
    }
}

impl RawDependsOn {
    pub(super) fn check(
        raw: &At<Self>,
        scope: Scope<'_>,
        groups: &BTreeSet<String>,
        checker: &mut Checker<'_>,
    ) -> Option<DependsOn> {
        let RawDependsOn {
            tasks,
            task_ids,
            task_id_ranges,
        } = &raw.value;
        if tasks.is_none() && task_ids.is_empty() && task_id_ranges.is_empty() && checker.whole {
            checker.error(
                codes::MISSING_KEY,
                "this `depends_on` names no task",
                &raw.span,
                "`tasks`, `task_ids` or `task_id_ranges` must be set here",
            );
            return None;
        }
        let tasks = names(tasks.as_ref(), groups, checker);
        let ids: Vec<_> = task_ids
            .iter()
            .map(|id| checker.template(id, scope, Quoting::None))
            .collect();
        let mut sound = true;
        for range in task_id_ranges {
            sound &= check_range(range.value.start, range.value.end, &range.span, checker);
        }
        Some(DependsOn {
            tasks: tasks?,
            task_ids: ids.into_iter().collect::<Option<_>>()?,
            task_id_ranges: task_id_ranges
                .iter()
                .map(|r| r.with((r.value.start, r.value.end)))
                .collect(),
        })
        .filter(|_| sound)
    }
}

/// Whether a range does not end before it starts.
pub(super) fn check_range(
    start: i32,
    end: i32,
    span: &Range<usize>,
    checker: &mut Checker<'_>,
) -> bool {
    if start > end {
        checker.error(
            codes::OUT_OF_RANGE,
            "this range ends before it starts",
            span,
            "`start` must not be greater than `end`",
        );
    }
    start <= end
}

/// Names of `[[tasks]]` entries that exist.
pub(super) fn names(
    raw: Option<&At<OneOrMany>>,
    groups: &BTreeSet<String>,
    checker: &mut Checker<'_>,
) -> Option<Vec<At<String>>> {
    let mut sound = true;
    let names = raw.map(At::items).unwrap_or_default();
    for name in names.iter().filter(|n| !groups.contains(n.as_str())) {
        sound = false;
        // An entry that is cut out takes its name with it.
        if !checker.whole {
            continue;
        }
        let help = match nearest(name.as_str(), groups.iter().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "give the entry that is meant a `name`".to_owned(),
        };
        checker.report(
            Diagnostic::error(
                codes::UNKNOWN_GROUP,
                format!("no entry of `[[tasks]]` has the name \"{}\"", name.as_str()),
            )
            .label(name.span.clone(), "there are no such tasks")
            .help(help),
        );
    }
    sound.then_some(names)
}
