//! Templates: Handlebars in strict mode, every name checked when the manifest is read.
//!
//! Only expressions, `if` and `unless` are allowed: loops and partials would make names impossible to check. What
//! is inserted into shell commands is quoted for POSIX sh; `{{{ }}}` is not.

mod bindings;
mod names;
mod shell;
mod slug;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use handlebars::{Handlebars, RenderContext, Renderable};

pub use bindings::Bindings;
pub use names::{Items, Names, Scope};
pub use shell::quote;
pub use slug::slug;

use super::at::At;
use crate::diagnostic::{Diagnostic, codes};

/// What happens to inserted text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// It is inserted as it is.
    None,
    /// It becomes one word of POSIX sh.
    Shell,
}

/// A compiled string: text, or text with insertions.
#[derive(Clone)]
pub struct Template {
    source: String,
    span: Range<usize>,
    quoting: Quoting,
    /// None: nothing to insert.
    compiled: Option<Box<handlebars::Template>>,
}

/// A template that could not be rendered. Names are checked before, so this is rare: a helper's argument of a
/// wrong kind, for example.
#[derive(Debug, thiserror::Error)]
#[error("cannot render the template `{template}`")]
pub struct RenderFault {
    pub template: String,
    pub span: Range<usize>,
    #[source]
    source: Box<handlebars::RenderError>,
}

impl RenderFault {
    /// The name that a strict rendering did not find.
    pub fn missing(&self) -> Option<&str> {
        match self.source.reason() {
            handlebars::RenderErrorReason::MissingVariable(name) => name.as_deref(),
            _ => None,
        }
    }
}

impl Template {
    /// Text without insertions.
    pub fn fixed(text: impl Into<String>, span: Range<usize>) -> Self {
        Self {
            source: text.into(),
            span,
            quoting: Quoting::None,
            compiled: None,
        }
    }

    /// Compiles and checks; every problem goes to `diagnostics`, pointing into `text`, the whole manifest.
    pub(super) fn compile(
        raw: &At<String>,
        text: &str,
        scope: Scope<'_>,
        quoting: Quoting,
        vars: &BTreeSet<String>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let mut template = Self::fixed(raw.value.clone(), raw.span.clone());
        template.quoting = quoting;
        if !raw.value.contains("{{") {
            return Some(template);
        }
        let places = names::Places::new(raw, text);
        let compiled = match handlebars::Template::compile(&raw.value) {
            Ok(compiled) => compiled,
            Err(error) => {
                let span = error
                    .pos()
                    .map_or(raw.span.clone(), |(line, column)| places.at(line, column));
                diagnostics.push(
                    Diagnostic::error(codes::TEMPLATE_SYNTAX, "this is not a Handlebars template")
                        .label(span, "the template breaks off here")
                        .help("insertions look like `{{vars.name}}`; write `\\{{` for two literal braces"),
                );
                return None;
            }
        };
        let before = diagnostics.len();
        names::check(&compiled, scope, vars, &places, diagnostics);
        if quoting == Quoting::Shell {
            shell::check_insertions(&compiled, &places, diagnostics);
        }
        template.compiled = Some(Box::new(compiled));
        (diagnostics.len() == before).then_some(template)
    }

    /// The text it was written as.
    pub fn source(&self) -> &str {
        &self.source
    }

    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// True when there is nothing to insert.
    pub fn is_fixed(&self) -> bool {
        self.compiled.is_none()
    }

    /// Fills in the insertions.
    pub fn render(&self, bindings: &Bindings) -> Result<String, RenderFault> {
        let Some(compiled) = &self.compiled else {
            return Ok(self.source.clone());
        };
        let engine: &Handlebars<'_> = match self.quoting {
            Quoting::None => &PLAIN,
            Quoting::Shell => &SHELL,
        };
        let mut text = Text(String::with_capacity(self.source.len() + 32));
        compiled
            .render(
                engine,
                bindings.context(),
                &mut RenderContext::new(None),
                &mut text,
            )
            .map_err(|source| RenderFault {
                template: self.source.clone(),
                span: self.span.clone(),
                source: Box::new(source),
            })?;
        Ok(text.0)
    }
}

/// The engine's own output keeps 8 KiB for each string, of which a large manifest has some hundred thousand.
struct Text(String);

impl handlebars::Output for Text {
    fn write(&mut self, segment: &str) -> std::io::Result<()> {
        self.0.push_str(segment);
        Ok(())
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

static PLAIN: LazyLock<Handlebars<'static>> = LazyLock::new(|| engine(handlebars::no_escape));
static SHELL: LazyLock<Handlebars<'static>> = LazyLock::new(|| engine(quote));

fn engine(escape: fn(&str) -> String) -> Handlebars<'static> {
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.register_escape_fn(escape);
    engine.register_helper("id", Box::new(slug::IdHelper));
    engine
}
