//! `for_each`: what an entry of `[[tasks]]` makes one task each for.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use globset::GlobMatcher;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::values::{Axis, MOST_ITEMS, RawAxis, Values, axes, numbers};
use crate::diagnostic::{Diagnostic, codes, nearest};
use crate::ids::ContainerName;
use crate::manifest::at::{At, OneOrMany, Scalar};
use crate::manifest::check::Checker;
use crate::manifest::template::{Items, Names};

/// What to make one task each for: files, numbers, a list, or the rows of a file; and every combination of these with a `matrix`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "for_each")]
pub(in crate::manifest) struct RawForEach {
    /// One task for each file that this manifest uploads to this container: `file.name`, `file.stem`, `file.extension`, `file.folder`.
    container: Option<At<String>>,
    /// Only blob names that match; default `**`.
    pattern: Option<At<String>>,
    /// One task for each file on this disk that matches, such as `../runs/*.toml`; `file.name` is relative to the part before the first wildcard. The files are not uploaded.
    files: Option<At<OneOrMany>>,
    /// One task for each number from the first to before the second: `item`.
    range: Option<At<[i64; 2]>>,
    /// From one number of the range to the next; default 1.
    #[schemars(range(min = 1))]
    step: Option<At<i64>>,
    /// How many digits the numbers have at least, zeros in front; default: none are added.
    #[schemars(range(min = 1, max = 18))]
    width: Option<At<i64>>,
    /// One task for each value: `item`.
    list: Option<At<Vec<At<Scalar>>>>,
    /// One task for each row of this file on this disk: CSV (`.csv`, `.tsv`; the first line names the columns) or JSON Lines (`.jsonl`): `item.COLUMN`.
    rows: Option<At<String>>,
    /// Lists or ranges by name, all of one length: one task for the first values of all, one for the second ...: `item.NAME`.
    zip: Option<At<BTreeMap<At<String>, At<RawAxis>>>>,
    /// Lists or ranges by name: one task for each combination of their values, and of these with what else there is here: `item.NAME`.
    matrix: Option<At<BTreeMap<At<String>, At<RawAxis>>>>,
    /// Only what matches one of these: patterns over the file name or the value, or tables of patterns by name, such as `{ seed = 1 }`.
    #[serde(default)]
    include: Vec<At<RawFilter>>,
    /// Nothing that matches one of these.
    #[serde(default)]
    exclude: Vec<At<RawFilter>>,
    /// Whether it is all right when there are none; default false.
    #[serde(default)]
    allow_empty: bool,
}

/// A pattern over a single value, or patterns over named ones.
#[derive(Debug)]
pub(in crate::manifest) enum RawFilter {
    Text(String),
    Fields(BTreeMap<At<String>, At<Scalar>>),
}

/// What an entry of `[[tasks]]` makes tasks for.
#[derive(Debug, Clone)]
pub struct ForEach {
    /// None: only the matrix.
    pub source: Option<ItemSource>,
    /// Every combination of their values; empty: one.
    pub matrix: Vec<Axis>,
    /// Empty: everything.
    pub include: Vec<Filter>,
    pub exclude: Vec<Filter>,
    pub allow_empty: bool,
    /// Where the source, or else the matrix, stands.
    pub span: Range<usize>,
}

/// Where items come from.
#[derive(Debug, Clone)]
pub enum ItemSource {
    Container {
        container: At<ContainerName>,
        /// Matched against whole blob names.
        pattern: At<GlobMatcher>,
    },
    /// Patterns over files on this disk.
    Files(Vec<At<String>>),
    Values(Values),
    /// A file on this disk.
    Rows(At<String>),
    /// All of one length.
    Zip(Vec<Axis>),
}

/// What an item has to be like.
#[derive(Debug, Clone)]
pub enum Filter {
    /// Matched against the file name or the value.
    Text(GlobMatcher),
    /// Matched against named values: all of them.
    Fields(Vec<(At<String>, GlobMatcher)>),
}

impl RawForEach {
    /// What templates may name.
    pub(super) fn items(&self) -> Items {
        let fields = |axes: &At<BTreeMap<At<String>, At<RawAxis>>>| {
            axes.value
                .keys()
                .map(|k| k.value.clone())
                .collect::<Vec<_>>()
        };
        let mut named: Vec<String> = self.zip.iter().flat_map(fields).collect();
        named.extend(self.matrix.iter().flat_map(fields));
        let names = if self.rows.is_some() {
            Names::Columns(named)
        } else if !named.is_empty() {
            Names::Fields(named)
        } else if self.range.is_some() || self.list.is_some() {
            Names::Value
        } else {
            Names::None
        };
        Items {
            many: true,
            files: self.container.is_some() || self.files.is_some(),
            names,
        }
    }

    pub(super) fn check(&self, span: &Range<usize>, checker: &mut Checker<'_>) -> Option<ForEach> {
        let (source, span) = self.source(span, checker)?;
        let matrix = match &self.matrix {
            Some(raw) => axes(&raw.value, checker)?,
            None => Vec::new(),
        };
        let scalar = matches!(source, Some(ItemSource::Values(_)));
        if let Some(raw) = self.matrix.as_ref().filter(|_| scalar) {
            checker.report(
                Diagnostic::error(
                    codes::CONFLICTING_KEYS,
                    "values without a name cannot be combined with a `matrix`",
                )
                .label(span.clone(), "has no name")
                .label(raw.span.clone(), "has names")
                .help("put it into the matrix under a name of its own"),
            );
            return None;
        }
        if let Some(ItemSource::Zip(zip)) = &source
            && let Some(twice) = matrix.iter().find(|m| zip.iter().any(|z| z.name == m.name))
        {
            let message = format!("`item.{}` would be two things", twice.name);
            let label = "this name stands in `zip` and in `matrix`";
            checker.error(codes::CONFLICTING_KEYS, message, &span, label);
            return None;
        }
        let lengths = matrix.iter().map(|a| a.values.len());
        let own = match &source {
            Some(ItemSource::Values(values)) => values.len(),
            _ => 1,
        };
        if lengths.fold(own, usize::saturating_mul) > MOST_ITEMS {
            checker.error(
                codes::OUT_OF_RANGE,
                "these are too many tasks",
                &span,
                "at most 10 million",
            );
            return None;
        }
        Some(ForEach {
            include: self.filters(&self.include, checker)?,
            exclude: self.filters(&self.exclude, checker)?,
            source,
            matrix,
            allow_empty: self.allow_empty,
            span,
        })
    }

    /// The source with its place; the one thing that is set besides the matrix.
    fn source(
        &self,
        span: &Range<usize>,
        checker: &mut Checker<'_>,
    ) -> Option<(Option<ItemSource>, Range<usize>)> {
        let set: Vec<(&str, &Range<usize>)> = [
            ("container", self.container.as_ref().map(|v| &v.span)),
            ("files", self.files.as_ref().map(|v| &v.span)),
            ("range", self.range.as_ref().map(|v| &v.span)),
            ("list", self.list.as_ref().map(|v| &v.span)),
            ("rows", self.rows.as_ref().map(|v| &v.span)),
            ("zip", self.zip.as_ref().map(|v| &v.span)),
        ]
        .into_iter()
        .filter_map(|(name, span)| Some((name, span?)))
        .collect();
        if let [(first, _), (second, at), ..] = set.as_slice() {
            checker.error(
                codes::CONFLICTING_KEYS,
                format!("`{first}` and `{second}` exclude each other"),
                at,
                "remove this or the other",
            );
            return None;
        }
        self.misplaced(checker);
        let Some((_, at)) = set.first() else {
            let Some(matrix) = &self.matrix else {
                // What was of a wrong type is cut out; then there was something.
                if checker.whole {
                    checker.error(
                        codes::MISSING_KEY,
                        "this `for_each` has nothing to run over",
                        span,
                        "`container`, `files`, `range`, `list`, `rows`, `zip` or `matrix` must be set here",
                    );
                }
                return None;
            };
            return Some((None, matrix.span.clone()));
        };
        let source = if let Some(container) = &self.container {
            let container = checker.container(container);
            let pattern = match &self.pattern {
                Some(raw) => checker.text(raw)?,
                None => At::new("**".to_owned(), span.clone()),
            };
            let pattern = checker.glob(&pattern);
            ItemSource::Container {
                container: container?,
                pattern: pattern?,
            }
        } else if let Some(files) = &self.files {
            let files = files.items();
            let patterns = files.iter().map(|f| checker.text(f));
            ItemSource::Files(patterns.collect::<Option<_>>()?)
        } else if let Some(range) = &self.range {
            ItemSource::Values(numbers(
                range,
                self.step.as_ref(),
                self.width.as_ref(),
                checker,
            )?)
        } else if let Some(list) = &self.list {
            let values = list.value.iter().map(|v| v.value.clone());
            ItemSource::Values(Values::List(values.collect()))
        } else if let Some(rows) = &self.rows {
            ItemSource::Rows(rows_file(rows, checker)?)
        } else {
            let zip = self.zip.as_ref()?;
            ItemSource::Zip(zipped(zip, checker)?)
        };
        Some((Some(source), (*at).clone()))
    }

    /// Keys that belong to another key that is not there.
    fn misplaced(&self, checker: &mut Checker<'_>) {
        let of = |here: bool, span: Option<&Range<usize>>| span.filter(|_| !here).cloned();
        let container = self.container.is_some();
        let range = self.range.is_some();
        for (span, name, owner) in [
            (
                of(container, self.pattern.as_ref().map(|v| &v.span)),
                "pattern",
                "container",
            ),
            (
                of(range, self.step.as_ref().map(|v| &v.span)),
                "step",
                "range",
            ),
            (
                of(range, self.width.as_ref().map(|v| &v.span)),
                "width",
                "range",
            ),
        ] {
            if let Some(span) = span.filter(|_| checker.whole) {
                checker.error(
                    codes::CONFLICTING_KEYS,
                    format!("`{name}` has nothing to work on"),
                    &span,
                    &format!("belongs to `{owner}`"),
                );
            }
        }
    }

    fn filters(&self, raw: &[At<RawFilter>], checker: &mut Checker<'_>) -> Option<Vec<Filter>> {
        let items = self.items();
        raw.iter()
            .map(|filter| match &filter.value {
                RawFilter::Text(text) => {
                    if !items.files && !matches!(items.names, Names::Value) {
                        checker.report(
                            Diagnostic::error(
                                codes::CONFLICTING_KEYS,
                                "it is not clear which value this is about",
                            )
                            .label(filter.span.clone(), "a pattern for a single value")
                            .help("name it, as in `{ NAME = \"pattern\" }`"),
                        );
                        return None;
                    }
                    let text = checker.text(&filter.with(text.clone()))?;
                    checker.glob(&text).map(|g| Filter::Text(g.value))
                }
                RawFilter::Fields(fields) => {
                    let fields: Vec<_> = fields
                        .iter()
                        .map(|(name, value)| {
                            check_field(name, &items.names, checker)?;
                            let text = checker.text(&value.with(value.value.to_string()))?;
                            checker.glob(&text).map(|g| (name.clone(), g.value))
                        })
                        .collect();
                    fields
                        .into_iter()
                        .collect::<Option<_>>()
                        .map(Filter::Fields)
                }
            })
            .collect()
    }
}

fn check_field(name: &At<String>, names: &Names, checker: &mut Checker<'_>) -> Option<()> {
    let known: &[String] = match names {
        // The columns are known when the file is read.
        Names::Columns(_) => return Some(()),
        Names::Fields(known) => known,
        Names::None | Names::Value => &[],
    };
    if known.contains(&name.value) {
        return Some(());
    }
    let help = match nearest(&name.value, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "write the pattern alone, without a name".to_owned(),
        None => format!("the names here are {}", known.join(", ")),
    };
    checker.report(
        Diagnostic::error(
            codes::UNDEFINED_VARIABLE,
            format!("nothing here is called `{}`", name.value),
        )
        .label(name.span.clone(), "undefined")
        .help(help),
    );
    None
}

fn zipped(
    raw: &At<BTreeMap<At<String>, At<RawAxis>>>,
    checker: &mut Checker<'_>,
) -> Option<Vec<Axis>> {
    let axes = axes(&raw.value, checker)?;
    let mut lengths = axes.iter().zip(&raw.value);
    let Some((first, (first_name, first_span))) = lengths.next() else {
        return Some(axes);
    };
    if let Some((other, (_, span))) = lengths.find(|(a, _)| a.values.len() != first.values.len()) {
        checker.report(
            Diagnostic::error(
                codes::OUT_OF_RANGE,
                format!(
                    "`{}` and `{}` do not have the same length",
                    first_name.value, other.name
                ),
            )
            .label(span.span.clone(), format!("{} values", other.values.len()))
            .label(
                first_span.span.clone(),
                format!("{} values", first.values.len()),
            )
            .help("`zip` takes the values side by side; `matrix` combines each with each"),
        );
        return None;
    }
    Some(axes)
}

fn rows_file(raw: &At<String>, checker: &mut Checker<'_>) -> Option<At<String>> {
    let path = checker.text(raw)?;
    let extension = path.value.rsplit_once('.').map_or("", |(_, e)| e);
    if ["csv", "tsv", "jsonl", "ndjson"].contains(&extension) {
        return Some(path);
    }
    checker.error(
        codes::INVALID_ROWS,
        format!("it is not clear what kind of rows \"{}\" has", path.value),
        &path.span,
        "its name must end in .csv, .tsv, .jsonl or .ndjson",
    );
    None
}

impl<'de> Deserialize<'de> for RawFilter {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = RawFilter;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pattern or a table of patterns")
            }

            fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<RawFilter, E> {
                Ok(RawFilter::Text(v.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawFilter, A::Error> {
                let fields = BTreeMap::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RawFilter::Fields(fields))
            }
        }
        d.deserialize_any(V)
    }
}

impl JsonSchema for RawFilter {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "filter".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = generator.subschema_for::<BTreeMap<String, Scalar>>();
        json_schema!({ "anyOf": [{ "type": "string" }, fields] })
    }
}
