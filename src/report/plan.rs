//! The plan as text: the nine steps, each with what it does and why. Long lists are cut unless all is asked for.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::cost;
use super::quantity::{bytes, count};
use super::style::{BOLD, DIM, YELLOW, paint, symbol};
use crate::clock;
use crate::desired::{Desired, When};
use crate::plan::{Action, Change, Fate, Plan, Reason, StepKind, StrayKind, TaskWork};

/// Items of a step that are shown before the list is cut.
const SHOWN: usize = 8;

/// That the support of an image ends is said this long before.
const SUPPORT_WARNING: Duration = Duration::from_secs(180 * 24 * 3600);

/// What the plan is shown with.
#[derive(Debug, Clone, Copy)]
pub struct PlanView<'a> {
    /// Where it would be applied: the first line.
    pub target: &'a str,
    pub desired: &'a Desired,
    pub plan: &'a Plan,
    /// Show every item.
    pub verbose: bool,
}

impl PlanView<'_> {
    /// The whole plan; styled.
    pub fn render(&self) -> String {
        let mut out = format!("{} {}\n", paint(BOLD, "Target:"), self.target);
        if self.plan.is_empty() {
            let left = self.plan.tasks_left_out();
            let tasks = count(self.plan.tasks.len() - left, "task");
            let rest = match left {
                0 => String::new(),
                left => format!(", {left} left out"),
            };
            let _ = writeln!(
                out,
                "{} {tasks} up to date{rest}.",
                paint(BOLD, "No changes.")
            );
            return out;
        }
        let steps: &[StepKind] = if self.is_destroy() {
            let doomed = self
                .plan
                .cleanup
                .fates()
                .filter(|f| f.is_deleted(true))
                .count();
            let _ = writeln!(
                out,
                "{} {} to delete.\n",
                paint(BOLD, "Destroy:"),
                count(doomed, "resource")
            );
            &[StepKind::DeleteContainers, StepKind::DeleteJobAndPool]
        } else {
            let _ = writeln!(out, "{} {}\n", paint(BOLD, "Plan:"), self.summary());
            &StepKind::ALL
        };
        for step in steps {
            self.step(&mut out, *step);
        }
        if let Some(bound) = &self.plan.cost {
            let _ = writeln!(out, "{} {}", paint(BOLD, "Cost:"), cost::bound(bound));
        }
        out
    }

    /// What happens, in one line.
    pub fn summary(&self) -> String {
        let plan = self.plan;
        let mut parts = Vec::new();
        let mut note = |n: usize, what: &str| {
            if n > 0 {
                parts.push(format!("{n} {what}"));
            }
        };
        let tasks = |f: fn(TaskWork) -> bool| plan.tasks.iter().filter(|t| f(t.work)).count();
        note(tasks(TaskWork::is_added), "to run");
        note(tasks(|w| w == TaskWork::Await), "underway");
        note(tasks(|w| w == TaskWork::Fetch), "to fetch");
        note(tasks(|w| w == TaskWork::UpToDate), "up to date");
        note(tasks(|w| w == TaskWork::Left), "left out");
        let made = plan
            .containers
            .iter()
            .filter(|c| c.action == Action::Create)
            .count();
        note(
            made,
            if made == 1 {
                "container to create"
            } else {
                "containers to create"
            },
        );
        let (files, size) = self.sent();
        if files > 0 {
            parts.push(format!(
                "{} to upload ({})",
                count(files, "file"),
                bytes(size)
            ));
        }
        let step = |what: &str, action: Action| match action {
            Action::Keep => None,
            Action::Create => Some(format!("{what} to create")),
            Action::Replace => Some(format!("{what} to replace")),
            _ => Some(format!("{what} to change")),
        };
        parts.extend(plan.pool.as_ref().and_then(|p| step("pool", p.action)));
        parts.extend(plan.job.as_ref().and_then(|j| step("job", j.action)));
        let deleted = plan.cleanup.fates().filter(|f| f.is_deleted(true)).count();
        if deleted > 0 {
            parts.push(format!(
                "{} to delete at the end",
                count(deleted, "resource")
            ));
        }
        parts.join(", ") + "."
    }

    fn is_destroy(&self) -> bool {
        self.plan.tasks.iter().any(|t| t.reason == Reason::Destroy)
    }

    fn sent(&self) -> (usize, u64) {
        let sent = self
            .plan
            .uploads
            .iter()
            .filter(|u| u.action != Action::Keep);
        sent.fold((0, 0), |(n, size), u| {
            (n + 1, size + self.desired.uploads[u.item].length)
        })
    }

    fn step(&self, out: &mut String, step: StepKind) {
        let (note, lines) = match step {
            StepKind::Containers => self.containers(),
            StepKind::Uploads => self.uploads(),
            StepKind::Pool => self.pool(),
            StepKind::Job => self.job(),
            StepKind::Tasks => self.tasks(),
            StepKind::Monitor => (self.monitor(), Vec::new()),
            StepKind::Download => (self.download(), Vec::new()),
            StepKind::DeleteContainers => {
                let lines = self.strays(&[StrayKind::Container]);
                (self.delete_containers(), lines)
            }
            StepKind::DeleteJobAndPool => {
                let mut lines = self.strays(&[StrayKind::Job, StrayKind::Pool]);
                if self.plan.cleanup.pool.is_deleted(true) {
                    lines.extend(self.pool_users());
                }
                (self.delete_job_and_pool(), lines)
            }
        };
        let title = format!("{} {}", step.number(), step.title());
        let _ = match note.as_str() {
            "" => writeln!(out, "{}", paint(BOLD, title)),
            note => writeln!(out, "{} {note}", paint(BOLD, format!("{title:<22}"))),
        };
        let shown = if self.verbose || lines.len() <= SHOWN + 1 {
            lines.len()
        } else {
            SHOWN
        };
        for line in &lines[..shown] {
            let _ = writeln!(out, "{line}");
        }
        if shown < lines.len() {
            let more = format!(
                "      … and {} more (--verbose shows all)",
                lines.len() - shown
            );
            let _ = writeln!(out, "{}", paint(DIM, more));
        }
    }

    /// A note and a line for each item that is not kept.
    fn changes(
        &self,
        changes: &[Change<usize>],
        name: impl Fn(usize) -> String,
    ) -> (String, Vec<String>) {
        let lines = changes
            .iter()
            .filter(|c| self.verbose || c.action != Action::Keep)
            .map(|c| line(c.action, &name(c.item), &c.reason))
            .collect();
        let kept = changes.iter().filter(|c| c.action == Action::Keep).count();
        let note = match (changes.len(), kept) {
            (0, _) => "nothing to do".to_owned(),
            (all, kept) if all == kept => format!("{kept} unchanged"),
            (all, 0) => format!("{} to make", all),
            (all, kept) => format!("{} to make, {kept} unchanged", all - kept),
        };
        (note, lines)
    }

    fn containers(&self) -> (String, Vec<String>) {
        self.changes(&self.plan.containers, |i| {
            self.desired.containers[i].name.to_string()
        })
    }

    fn uploads(&self) -> (String, Vec<String>) {
        let (_, lines) = self.changes(&self.plan.uploads, |i| {
            let upload = &self.desired.uploads[i];
            format!(
                "{}/{} ({})",
                upload.container,
                upload.blob,
                bytes(upload.length)
            )
        });
        let (files, size) = self.sent();
        let kept = self.plan.uploads.len() - files;
        let note = match (files, kept) {
            (0, 0) => "nothing to do".to_owned(),
            (0, kept) => format!("{kept} unchanged"),
            (files, 0) => format!("{files} to send, {}", bytes(size)),
            (files, kept) => format!("{files} to send, {}; {kept} unchanged", bytes(size)),
        };
        (note, lines)
    }

    fn pool(&self) -> (String, Vec<String>) {
        let Some(pool) = &self.plan.pool else {
            return ("not needed".to_owned(), Vec::new());
        };
        let want = &self.desired.pool.template;
        let size = |n: Option<i32>, kind: &str| n.filter(|n| *n > 0).map(|n| format!("{n} {kind}"));
        let nodes: Vec<String> = [
            size(want.target_dedicated_nodes, "dedicated"),
            size(want.target_low_priority_nodes, "spot"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let nodes = if want.enable_auto_scale == Some(true) {
            "autoscale".to_owned()
        } else if nodes.is_empty() {
            "0".to_owned()
        } else {
            nodes.join(" + ")
        };
        let slots = want.task_slots_per_node.unwrap_or(1);
        let note = format!(
            "{nodes} × {}, {} a node{}",
            want.vm_size,
            count(usize::try_from(slots).unwrap_or(1), "task slot"),
            match pool.node_agent_sku.as_str() {
                "" => String::new(),
                sku => format!(", {sku}"),
            }
        );
        let id = match self.desired.pool.auto {
            Some(_) => format!("{}_…", self.desired.pool.id),
            None => self.desired.pool.id.to_string(),
        };
        let mut lines = resource(pool.action, &id, &pool.reason);
        let warning = |text: &str| paint(YELLOW, format!("    warning: {text}"));
        let now = clock::now();
        let ends = pool.image_support_ends.map(jiff::Timestamp::from);
        if let Some(ends) = ends.filter(|ends| *ends < now + SUPPORT_WARNING) {
            let day = ends.strftime("%F");
            lines.push(warning(&match ends < now {
                true => format!(
                    "Batch supported this image until {day} and may refuse it; `batchflow images` lists others"
                ),
                false => format!("Batch supports this image until {day}"),
            }));
        }
        if pool.image_is_unverified {
            lines.push(warning(
                "Batch has not verified this image with its node agent; `batchflow images` lists those that are",
            ));
        }
        if pool.action == Action::Replace {
            lines.extend(self.pool_users());
        }
        (note, lines)
    }

    fn pool_users(&self) -> Option<String> {
        let users = &self.plan.pool_users;
        (!users.is_empty()).then(|| {
            let warning = format!(
                "the pool is used by the {} {}, whose tasks are interrupted",
                if users.len() == 1 { "job" } else { "jobs" },
                users.join(", ")
            );
            format!("    {}", paint(YELLOW, warning))
        })
    }

    fn job(&self) -> (String, Vec<String>) {
        match &self.plan.job {
            None => ("not needed".to_owned(), Vec::new()),
            Some(job) => {
                let id = self.desired.job.id.as_str();
                let mut lines = resource(job.action, id, &job.reason);
                lines.extend(self.own_signature());
                (job_note(self.desired), lines)
            }
        }
    }

    /// Tasks whose lists of files are too long for a request.
    fn fetched_by_prefix(&self) -> Option<String> {
        let added = self.plan.tasks.iter().filter(|t| t.work.is_added());
        let mut many = added
            .map(|t| &self.desired.tasks[t.task])
            .filter(|t| t.fetched_by_prefix > 0);
        let first = many.next()?;
        let others = match many.count() {
            0 => String::new(),
            n => format!(", and those of {} more", count(n, "task")),
        };
        Some(format!(
            "      the list of files of `{}`{others} is too long for a request: they are fetched by what their names begin with",
            first.id
        ))
    }

    /// What a signature of the manifest's own will not be good for.
    fn own_signature(&self) -> Option<String> {
        let needed = self
            .desired
            .access_ends(clock::now().into())
            .whole_seconds();
        let own = self.desired.first_to_end()?;
        (own.ends < needed).then(|| {
            let warning = format!(
                "    warning: the signature of {} ends at {}, but the job may need it until {needed}",
                own.address, own.ends
            );
            paint(YELLOW, warning)
        })
    }

    fn tasks(&self) -> (String, Vec<String>) {
        let mut causes: BTreeMap<(TaskWork, String), usize> = BTreeMap::new();
        for task in &self.plan.tasks {
            *causes.entry((task.work, task.reason.group())).or_default() += 1;
        }
        let all = self.plan.tasks.len();
        let note = causes
            .iter()
            .map(|((work, reason), n)| match work {
                TaskWork::UpToDate => format!("{n} of {all} up to date"),
                TaskWork::Left => format!("{n} of {all} left out: {reason}"),
                TaskWork::Fetch => format!("{n} of {all} only downloaded: {reason}"),
                TaskWork::Await => format!("{n} of {all} awaited: {reason}"),
                TaskWork::Run | TaskWork::Rerun => format!("{n} of {all} to run: {reason}"),
            })
            .collect::<Vec<_>>()
            .join("; ");
        let lines = self
            .plan
            .tasks
            .iter()
            .filter(|t| self.verbose || t.work.is_something())
            .map(|t| {
                let action = match t.work {
                    TaskWork::UpToDate | TaskWork::Left | TaskWork::Await => Action::Keep,
                    TaskWork::Fetch => Action::Read,
                    TaskWork::Run => Action::Create,
                    TaskWork::Rerun => Action::Replace,
                };
                line(action, self.desired.tasks[t.task].id.as_str(), &t.reason)
            })
            .collect::<Vec<_>>();
        let lines = self.fetched_by_prefix().into_iter().chain(lines).collect();
        (
            if self.is_destroy() {
                "nothing to do".to_owned()
            } else {
                note
            },
            lines,
        )
    }

    fn monitor(&self) -> String {
        match self.plan.tasks_to_wait_for() {
            0 => "nothing to wait for".to_owned(),
            n => format!(
                "until {} {} completed",
                count(n, "task"),
                if n == 1 { "is" } else { "are" }
            ),
        }
    }

    fn download(&self) -> String {
        let plan = &self.plan.download;
        match (&self.desired.download, plan.fetched + plan.after_run) {
            (_, 0) => "nothing to do".to_owned(),
            (None, _) => "no [download] in the manifest: only the receipt is written".to_owned(),
            (Some(d), n) => format!(
                "outputs of {} from `{}` to {}",
                count(n, "task"),
                d.container,
                d.to.display()
            ),
        }
    }

    /// What is ours but not the manifest's any more.
    fn strays(&self, kinds: &[StrayKind]) -> Vec<String> {
        let strays = self.plan.cleanup.strays.iter();
        strays
            .filter(|s| kinds.contains(&s.kind))
            .map(|s| {
                let kind = match s.kind {
                    StrayKind::Container => "container",
                    StrayKind::Job => "job",
                    StrayKind::Pool => "pool",
                };
                let (action, fate) = match s.fate {
                    Fate::DeletedAlways => (Action::Delete, "deleted however the run ends"),
                    Fate::DeletedOnSuccess => (Action::Delete, "deleted when every task succeeded"),
                    _ => (Action::Keep, "kept"),
                };
                let note = format!("made by this manifest, not in it any more: {fate}");
                format!(
                    "  {} {kind} {}  {}",
                    symbol(action),
                    s.name,
                    paint(DIM, note)
                )
            })
            .collect()
    }

    fn delete_containers(&self) -> String {
        let name = |i: &usize| self.desired.containers[*i].name.to_string();
        let fates = self
            .plan
            .cleanup
            .containers
            .iter()
            .map(|(i, f)| (name(i), *f));
        fates_note(fates, self.desired.cleanup.containers)
    }

    fn delete_job_and_pool(&self) -> String {
        let cleanup = &self.plan.cleanup;
        let job = fates_note(
            [("job".to_owned(), cleanup.job)].into_iter(),
            self.desired.cleanup.job,
        );
        let pool = fates_note(
            [("pool".to_owned(), cleanup.pool)].into_iter(),
            self.desired.cleanup.pool,
        );
        if job == pool {
            job
        } else {
            format!("{job}; {pool}")
        }
    }
}

/// When the service makes the job.
fn job_schedule(desired: &Desired) -> Option<String> {
    let schedule = desired.job.schedule.as_ref()?;
    Some(match schedule.recurrence_interval {
        Some(interval) => format!("made by a schedule every {interval}"),
        None => "made by a schedule, once".to_owned(),
    })
}

/// What the job runs besides its tasks.
fn job_note(desired: &Desired) -> String {
    let job = &desired.job.template;
    let kinds: Vec<&str> = [
        job.job_manager_task.as_ref().map(|_| "manager"),
        job.job_preparation_task.as_ref().map(|_| "preparation"),
        job.job_release_task.as_ref().map(|_| "release"),
    ]
    .into_iter()
    .flatten()
    .collect();
    match kinds.split_last() {
        None => String::new(),
        _ if job_schedule(desired).is_some() => {
            let when = job_schedule(desired).unwrap_or_default();
            format!("{when}, with {} task", kinds.join(", "))
        }
        Some((one, [])) => format!("with a {one} task"),
        Some((last, rest)) => format!("with {} and {last} task", rest.join(", ")),
    }
}

/// What is made because it is not there needs no reason.
fn line(action: Action, name: &str, reason: &Reason) -> String {
    match reason {
        Reason::Absent | Reason::NeverRan => format!("  {} {name}", symbol(action)),
        reason => format!("  {} {name}  {}", symbol(action), paint(DIM, reason)),
    }
}

/// The line of a resource and one for each field that changes.
fn resource(action: Action, name: &str, reason: &Reason) -> Vec<String> {
    let mut lines = vec![line(action, name, reason)];
    lines.extend(reason.fields().iter().map(|c| {
        let forced = if c.forces_replacement {
            paint(YELLOW, "  # forces replacement")
        } else {
            String::new()
        };
        format!(
            "        {} {}: {} → {}{forced}",
            symbol(Action::Update),
            c.field,
            c.before,
            c.after
        )
    }));
    lines
}

fn fates_note(fates: impl Iterator<Item = (String, Fate)>, policy: When) -> String {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, fate) in fates {
        let group = match fate {
            Fate::Absent => "nothing to delete",
            Fate::Kept => "kept",
            Fate::KeptForTheRest => "kept for the tasks that are left out",
            Fate::NotOurs => "kept, not made by this manifest",
            Fate::DeletedOnSuccess => "deleted when every task succeeded",
            Fate::DeletedAlways => "deleted however the run ends",
            Fate::GoesWithJob => "deleted by the service with its job",
        };
        groups.entry(group).or_default().push(name);
    }
    if groups.is_empty() {
        return match policy {
            When::Never => "kept".to_owned(),
            _ => "nothing to delete".to_owned(),
        };
    }
    groups
        .into_iter()
        .map(|(group, names)| match group {
            "nothing to delete" => group.to_owned(),
            group => format!("{}: {group}", names.join(", ")),
        })
        .collect::<Vec<_>>()
        .join("; ")
}
