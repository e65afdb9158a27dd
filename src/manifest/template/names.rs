//! Every name a template uses, checked against what is defined at its place.

use std::collections::BTreeSet;
use std::ops::Range;

use handlebars::Path;
use handlebars::template::{HelperTemplate, Parameter, TemplateElement, TemplateMapping};

use crate::diagnostic::{Diagnostic, codes, nearest};
use crate::manifest::at::At;

/// What a task's `for_each` runs over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Items {
    /// Whether there is a `for_each`.
    pub many: bool,
    /// Whether each item is a file.
    pub files: bool,
    pub names: Names,
}

/// What `item` is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Names {
    #[default]
    None,
    /// A single value.
    Value,
    /// Values with these names.
    Fields(Vec<String>),
    /// Values with these names, and others that are known when a file is read.
    Columns(Vec<String>),
}

/// Which names exist where a template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// `vars` and `name`.
    Manifest,
    /// The same, and those of one task.
    Task {
        items: &'a Items,
        /// Whether the id is known already.
        id: bool,
    },
}

const FILE: [&str; 4] = ["file.name", "file.stem", "file.extension", "file.folder"];
const HELPERS: [&str; 1] = ["id"];
const BLOCKS: [&str; 2] = ["if", "unless"];
const CONDITIONS: [&str; 10] = [
    "eq", "ne", "gt", "gte", "lt", "lte", "and", "or", "not", "id",
];

impl Scope<'_> {
    fn names(self) -> Vec<String> {
        let mut names = vec!["name".to_owned()];
        let Self::Task { items, id } = self else {
            return names;
        };
        if items.files {
            names.extend(FILE.map(str::to_owned));
        }
        match &items.names {
            Names::None => {}
            Names::Value => names.push("item".to_owned()),
            Names::Fields(fields) | Names::Columns(fields) => {
                names.extend(fields.iter().map(|f| format!("item.{f}")));
            }
        }
        if items.many {
            names.push("index".to_owned());
        }
        if id {
            names.push("task.id".to_owned());
        }
        names
    }

    /// Whether a name can be a column of a file that is not read yet.
    fn may_be_column(self, name: &str) -> bool {
        matches!(self, Self::Task { items, .. } if matches!(items.names, Names::Columns(_)))
            && name.starts_with("item.")
    }

    /// Why a name that exists elsewhere does not exist here.
    fn why_not(self, name: &str) -> Option<&'static str> {
        let task = matches!(self, Self::Task { .. });
        match name.split('.').next() {
            Some("file" | "item" | "index" | "task") if !task => {
                Some("only the strings of `[[tasks]]` know the task they are rendered for")
            }
            Some("file") => Some(
                "`file` is defined in tasks with `for_each = { container = … }` or `{ files = … }`",
            ),
            Some("item") => Some(
                "`item` is defined in tasks with `for_each` over values: `range`, `list`, `rows`, `zip`, `matrix`",
            ),
            Some("index") => Some("`index` is defined in tasks with `for_each`"),
            Some("task") => Some("the id cannot name itself"),
            _ => None,
        }
    }
}

/// Where the parts of a template stand in the manifest.
pub(super) struct Places<'a> {
    source: &'a str,
    span: Range<usize>,
    /// Where the string's text begins, when the text stands there without escapes.
    start: Option<usize>,
}

impl<'a> Places<'a> {
    pub(super) fn new(raw: &'a At<String>, text: &str) -> Self {
        Self {
            source: &raw.value,
            span: raw.span.clone(),
            start: literal_start(raw, text),
        }
    }

    fn place(&self, range: Range<usize>) -> Range<usize> {
        match self.start {
            Some(start) => start + range.start..start + range.end,
            None => self.span.clone(),
        }
    }

    fn offset(&self, line: usize, column: usize) -> usize {
        let mut offset = 0;
        for _ in 1..line {
            offset += self.source[offset..].find('\n').map_or(0, |i| i + 1);
        }
        let rest = &self.source[offset..];
        let within = rest
            .char_indices()
            .nth(column.saturating_sub(1))
            .map_or(rest.len(), |(i, _)| i);
        offset + within
    }

    /// One character at a line and column of the template, both from 1.
    pub(super) fn at(&self, line: usize, column: usize) -> Range<usize> {
        let offset = self.offset(line, column);
        let length = self.source[offset..]
            .chars()
            .next()
            .map_or(0, char::len_utf8);
        self.place(offset..offset + length)
    }

    fn expression_range(&self, position: &TemplateMapping) -> Range<usize> {
        let start = self.offset(position.0, position.1);
        let rest = &self.source[start..];
        let mut end = rest.find("}}").map_or(rest.len(), |i| i + 2);
        if rest[end..].starts_with('}') {
            end += 1;
        }
        start..start + end
    }

    /// The whole `{{…}}`.
    pub(super) fn expression(&self, position: &TemplateMapping) -> Range<usize> {
        self.place(self.expression_range(position))
    }

    /// A word inside of an expression.
    fn word(&self, position: &TemplateMapping, word: &str) -> Range<usize> {
        let expression = self.expression_range(position);
        match self.source[expression.clone()].find(word) {
            Some(i) => {
                let start = expression.start + i;
                self.place(start..start + word.len())
            }
            None => self.place(expression),
        }
    }
}

/// TOML has four kinds of strings; where escapes change the text, there is no place inside it to point at.
fn literal_start(raw: &At<String>, text: &str) -> Option<usize> {
    let written = text.get(raw.span.clone())?;
    for quote in ["\"\"\"", "'''", "\"", "'"] {
        let Some(inner) = written
            .strip_prefix(quote)
            .and_then(|w| w.strip_suffix(quote))
        else {
            continue;
        };
        let skipped = if quote.len() == 3 {
            inner.len()
                - inner
                    .trim_start_matches('\r')
                    .strip_prefix('\n')
                    .map_or(inner.len(), str::len)
        } else {
            0
        };
        return (inner[skipped..] == raw.value).then_some(raw.span.start + quote.len() + skipped);
    }
    None
}

pub(super) fn check(
    template: &handlebars::Template,
    scope: Scope<'_>,
    vars: &BTreeSet<String>,
    places: &Places<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    Check {
        scope,
        vars,
        places,
        diagnostics,
    }
    .template(template);
}

struct Check<'a, 'p> {
    scope: Scope<'a>,
    vars: &'a BTreeSet<String>,
    places: &'a Places<'p>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Check<'_, '_> {
    fn template(&mut self, template: &handlebars::Template) {
        for (element, position) in template.elements.iter().zip(&template.mapping) {
            match element {
                TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
                TemplateElement::Expression(e) | TemplateElement::HtmlExpression(e) => {
                    self.expression(e, position);
                }
                TemplateElement::HelperBlock(block) => self.block(block, position),
                _ => self.diagnostics.push(
                    Diagnostic::error(
                        codes::UNKNOWN_HELPER,
                        "templates here have no partials and no decorators",
                    )
                    .label(self.places.expression(position), "not allowed"),
                ),
            }
        }
    }

    fn block(&mut self, block: &HelperTemplate, position: &TemplateMapping) {
        let name = block.name.as_name().unwrap_or_default();
        if BLOCKS.contains(&name) {
            for parameter in &block.params {
                self.parameter(parameter, position);
            }
        } else {
            self.unknown_helper(name, &BLOCKS, position);
        }
        for inner in [&block.template, &block.inverse].into_iter().flatten() {
            self.template(inner);
        }
    }

    fn expression(&mut self, expression: &HelperTemplate, position: &TemplateMapping) {
        if expression.params.is_empty() && expression.hash.is_empty() {
            if let Some(name) = expression.name.as_name()
                && HELPERS.contains(&name)
            {
                self.diagnostics.push(
                    Diagnostic::error(
                        codes::TEMPLATE_SYNTAX,
                        format!("`{name}` needs an argument"),
                    )
                    .label(self.places.expression(position), "such as {{id file.name}}"),
                );
                return;
            }
            self.parameter(&expression.name, position);
            return;
        }
        let name = expression.name.as_name().unwrap_or_default();
        if HELPERS.contains(&name) {
            for parameter in &expression.params {
                self.parameter(parameter, position);
            }
        } else {
            self.unknown_helper(name, &HELPERS, position);
        }
    }

    fn parameter(&mut self, parameter: &Parameter, position: &TemplateMapping) {
        match parameter {
            Parameter::Literal(_) => {}
            Parameter::Name(name) => self.name(name, position),
            Parameter::Path(Path::Relative((_, raw)) | Path::Local((_, _, raw))) => {
                self.name(raw, position)
            }
            Parameter::Subexpression(sub) => {
                if !CONDITIONS.contains(&sub.name()) {
                    self.unknown_helper(sub.name(), &CONDITIONS, position);
                }
                for parameter in sub.params().into_iter().flatten() {
                    self.parameter(parameter, position);
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, name: &str, position: &TemplateMapping) {
        let known = self.scope.names();
        let is_var = name
            .strip_prefix("vars.")
            .is_some_and(|v| self.vars.contains(v));
        if is_var || known.iter().any(|k| k == name) || self.scope.may_be_column(name) {
            return;
        }
        let vars: Vec<String> = self.vars.iter().map(|v| format!("vars.{v}")).collect();
        let all = known.iter().chain(&vars).map(String::as_str);
        let help = if self.vars.contains(name) {
            format!("write `vars.{name}`")
        } else if let Some(why) = self.scope.why_not(name).filter(|_| {
            !known
                .iter()
                .any(|k| k.split('.').next() == name.split('.').next())
        }) {
            why.to_owned()
        } else if let Some(near) = nearest(name, all.clone()) {
            format!("did you mean `{near}`?")
        } else {
            format!("defined here are {}", all.collect::<Vec<_>>().join(", "))
        };
        self.diagnostics.push(
            Diagnostic::error(
                codes::UNDEFINED_VARIABLE,
                format!("`{name}` is not defined here"),
            )
            .label(self.places.word(position, name), "undefined")
            .help(help),
        );
    }

    fn unknown_helper(&mut self, name: &str, known: &[&str], position: &TemplateMapping) {
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("available here: {}", known.join(", ")),
        };
        self.diagnostics.push(
            Diagnostic::error(
                codes::UNKNOWN_HELPER,
                format!("there is no helper `{name}` here"),
            )
            .label(self.places.word(position, name), "unknown helper")
            .help(help),
        );
    }
}
