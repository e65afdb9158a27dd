//! A manifest in the making.

use std::collections::BTreeSet;
use std::fmt::Write;

use toml::{Table, Value};

use crate::ids::{ContainerName, check_batch_id};
use crate::manifest::template::slug;

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Where it comes from, in words.
    pub(super) source: String,
    pub(super) vars: Table,
    containers: BTreeSet<String>,
    pub(super) uploads: Vec<Table>,
    pub(super) pool: Table,
    pub(super) job: Table,
    pub(super) tasks: Vec<Table>,
    left: Vec<String>,
}

impl Draft {
    pub(super) fn of(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            ..Self::default()
        }
    }

    /// Notes what a person has to see to.
    pub(super) fn leave(&mut self, what: impl Into<String>) {
        let what = what.into().replace(['\n', '\r'], " ");
        if !self.left.contains(&what) {
            self.left.push(what);
        }
    }

    pub(super) fn left(&self) -> &[String] {
        &self.left
    }

    /// The container of that name, declared; None when no container can have it.
    pub(super) fn container(&mut self, name: &str) -> Option<Value> {
        ContainerName::new(name).ok()?;
        self.containers.insert(name.to_owned());
        Some(Value::from(name))
    }

    /// The text of the manifest: always one that passes `validate`, with a stand-in for what is missing.
    pub(super) fn manifest(mut self) -> String {
        self.complete();
        let name = text(&self.job, "id").or(text(&self.pool, "id"));
        let name = name.unwrap_or("imported").to_owned();
        let mut out = format!("# Imported from {}.\n", self.source);
        if self.left.is_empty() {
            out.push_str("# Everything was carried over.\n");
        } else {
            out.push_str("# Not carried over, or to be seen to:\n");
        }
        for left in &self.left {
            let _ = writeln!(out, "#   {left}");
        }
        let _ = writeln!(out, "\nname = {}\n\n[account]", Value::from(name));
        if !self.vars.is_empty() {
            out.push_str(&section("vars", Value::Table(self.vars)));
        }
        for container in &self.containers {
            let _ = write!(out, "\n[containers.{container}]");
        }
        if !self.containers.is_empty() {
            out.push('\n');
        }
        if !self.uploads.is_empty() {
            out.push_str(&section("uploads", list(self.uploads)));
        }
        out.push_str(&section("pool", Value::Table(self.pool)));
        out.push_str(&section("job", Value::Table(self.job)));
        out.push_str(&section("tasks", list(self.tasks)));
        out
    }

    /// Puts something where a manifest must have something.
    fn complete(&mut self) {
        let id = text(&self.pool, "id").or(text(&self.job, "id"));
        let id = id.unwrap_or("imported").to_owned();
        for (section, what) in [(&mut self.pool, "pool"), (&mut self.job, "job")] {
            let own = text(section, "id").unwrap_or(&id).to_owned();
            let fits = if own.contains("{{") || check_batch_id(&own).is_ok() {
                own.clone()
            } else {
                slug(&own, 48)
            };
            if text(section, "id").is_none() || fits != own {
                let note = format!("{what}.id: `{fits}` is a stand-in");
                if !self.left.contains(&note) {
                    self.left.push(note);
                }
            }
            section.insert("id".to_owned(), Value::from(fits));
        }
        if !self.pool.contains_key("vm_size") {
            self.leave("pool.vm_size: `Standard_D2s_v5` is a stand-in");
            self.pool.insert("vm_size".into(), "Standard_D2s_v5".into());
        }
        if !self.pool.contains_key("image") {
            self.leave("pool.image: Ubuntu 24.04 is a stand-in");
            let image = [
                ("publisher", "canonical"),
                ("offer", "ubuntu-24_04-lts"),
                ("sku", "server"),
            ];
            let image = image.map(|(key, value)| (key.to_owned(), Value::from(value)));
            self.pool
                .insert("image".into(), Value::Table(image.into_iter().collect()));
            self.pool.remove("node_agent_sku_id");
        }
        let targets = ["target_dedicated_nodes", "target_low_priority_nodes"];
        if self.pool.contains_key("auto_scale_formula") {
            for target in targets {
                self.pool.remove(target);
            }
        } else if targets
            .iter()
            .all(|t| self.pool.get(*t).is_none_or(|n| n.as_integer() == Some(0)))
        {
            self.leave("pool.target_dedicated_nodes: 1 is a stand-in");
            self.pool
                .insert("target_dedicated_nodes".into(), Value::from(1));
        }
        if self.tasks.is_empty() {
            self.leave("tasks: the one here is a stand-in");
            let task = [("id", "stand-in"), ("command_line", "/bin/true")];
            let task = task.map(|(key, value)| (key.to_owned(), Value::from(value)));
            self.tasks.push(task.into_iter().collect());
        }
    }
}

fn text<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key).and_then(Value::as_str)
}

fn list(tables: Vec<Table>) -> Value {
    Value::Array(tables.into_iter().map(Value::Table).collect())
}

/// A section as text, its plain values before its tables.
fn section(name: &str, value: Value) -> String {
    let table = Table::from_iter([(name.to_owned(), value)]);
    format!("\n{}", toml::to_string(&table).unwrap_or_default())
}

/// Text that is to stand in a manifest as it is: `{{` would begin a template.
pub(super) fn literal(text: &str) -> String {
    text.replace("{{", "\\{{")
}
