//! What a service refused, shown at the value of the manifest that it came from.

use std::collections::{BTreeMap, HashMap};

use super::document::Document;
use crate::apply::{ApplyError, RefusedTask};
use crate::client::Refused;
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{Resource, origin};
use crate::plan::StepKind;
use crate::wire::batch::error::property_of;

/// Problems at values of the manifest; none when the error is not about one.
pub(super) fn diagnostics(error: &ApplyError, document: &Document) -> Vec<Diagnostic> {
    match error {
        ApplyError::Client { step, source } => {
            let refused = source.refused();
            let resource = match step {
                StepKind::Pool => Resource::Pool,
                StepKind::Job if document.desired.job.schedule.is_some() => Resource::JobSchedule,
                // What names no property may be about either.
                StepKind::Job if is_of_auto_pool(refused, document) => Resource::Pool,
                StepKind::Job => Resource::Job,
                _ => return Vec::new(),
            };
            refused
                .and_then(|refused| said(refused, &resource, document, ""))
                .into_iter()
                .collect()
        }
        ApplyError::TasksRefused(tasks) => of_tasks(tasks, document),
        ApplyError::Allocation { code, message, .. } => {
            let property = property_of(code);
            let found = property.and_then(|p| origin(&document.text, &Resource::Pool, p, None));
            let found = found.map(|origin| {
                let what = format!("`{}` gets the pool no nodes: {code}", origin.key);
                Diagnostic::error(codes::REFUSED_VALUE, what).label(origin.span, message)
            });
            found.into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn is_of_auto_pool(refused: Option<&Refused>, document: &Document) -> bool {
    document.desired.pool.auto.is_some()
        && refused.is_some_and(|refused| refused.value("PropertyName").is_none())
}

/// One for each property of an entry, however many tasks were made from it.
fn of_tasks(tasks: &[RefusedTask], document: &Document) -> Vec<Diagnostic> {
    let desired = document.desired.tasks.iter();
    let entries: HashMap<&str, usize> = desired.map(|t| (t.id.as_str(), t.span.start)).collect();
    let mut alike: BTreeMap<(usize, &str), Vec<&RefusedTask>> = BTreeMap::new();
    for task in tasks {
        let entry = entries.get(task.id.as_str());
        if let (Some(entry), Some(property)) = (entry, task.refused.property()) {
            alike.entry((*entry, property)).or_default().push(task);
        }
    }
    let found = alike.into_iter().filter_map(|((entry, _), tasks)| {
        let first = tasks.first()?;
        let whose = match tasks.len() {
            1 => format!(" of the task `{}`", first.id),
            number => format!(" of {number} tasks, such as `{}`", first.id),
        };
        said(&first.refused, &Resource::Task(entry), document, &whose)
    });
    found.collect()
}

fn said(
    refused: &Refused,
    resource: &Resource,
    document: &Document,
    whose: &str,
) -> Option<Diagnostic> {
    let property = refused.property()?;
    let value = refused.value("PropertyValue");
    let origin = origin(&document.text, resource, property, value)?;
    let reason = refused.value("Reason").unwrap_or(&refused.message);
    let what = format!("the service refuses `{}`{whose}", origin.key);
    Some(Diagnostic::error(codes::REFUSED_VALUE, what).label(origin.span, reason))
}
