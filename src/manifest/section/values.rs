//! Lists and ranges of values: what `range`, `list`, `zip` and `matrix` are made of.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use crate::diagnostic::codes;
use crate::manifest::at::{At, Scalar};
use crate::manifest::check::Checker;

/// Values of a matrix or zip: a list of them, or a range of numbers.
#[derive(Debug)]
pub(in crate::manifest) enum RawAxis {
    List(Vec<Scalar>),
    Range(RawNumbers),
}

/// A range of numbers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "numbers")]
pub(in crate::manifest) struct RawNumbers {
    /// From the first to before the second.
    range: At<[i64; 2]>,
    /// From one number to the next; default 1.
    #[schemars(range(min = 1))]
    step: Option<At<i64>>,
    /// How many digits the numbers have at least, zeros in front; default: none are added.
    #[schemars(range(min = 1, max = 18))]
    width: Option<At<i64>>,
}

/// Named values.
#[derive(Debug, Clone)]
pub struct Axis {
    pub name: String,
    pub values: Values,
}

/// Values in their order.
#[derive(Debug, Clone)]
pub enum Values {
    List(Vec<Scalar>),
    Numbers {
        range: Range<i64>,
        /// 1 or more.
        step: i64,
        /// Digits at least; 0: as many as there are.
        width: usize,
    },
}

/// More items than this are a slip of the keyboard.
pub const MOST_ITEMS: usize = 10_000_000;

impl Values {
    pub fn len(&self) -> usize {
        match self {
            Self::List(values) => values.len(),
            Self::Numbers { range, step, .. } => {
                let length = (i128::from(range.end) - i128::from(range.start)).max(0);
                let step = i128::from(*step).max(1);
                usize::try_from((length + step - 1) / step).unwrap_or(usize::MAX)
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As templates see it.
    pub fn get(&self, index: usize) -> Option<serde_json::Value> {
        match self {
            Self::List(values) => values.get(index).map(Scalar::to_json),
            Self::Numbers { range, step, width } => {
                let offset = i64::try_from(index).ok()?.checked_mul(*step)?;
                let number = range.start.checked_add(offset)?;
                if !range.contains(&number) {
                    return None;
                }
                Some(match width {
                    0 => number.into(),
                    width => format!("{number:0width$}").into(),
                })
            }
        }
    }
}

pub(super) fn numbers(
    range: &At<[i64; 2]>,
    step: Option<&At<i64>>,
    width: Option<&At<i64>>,
    checker: &mut Checker<'_>,
) -> Option<Values> {
    let [start, end] = range.value;
    let values = Values::Numbers {
        range: start..end,
        step: step.map_or(1, |s| s.value),
        width: width.map_or(0, |w| usize::try_from(w.value).unwrap_or(0)),
    };
    if values.len() > MOST_ITEMS {
        checker.error(
            codes::OUT_OF_RANGE,
            "the range is too long",
            &range.span,
            "at most 10 million numbers",
        );
        return None;
    }
    Some(values)
}

pub(super) fn axes(
    raw: &BTreeMap<At<String>, At<RawAxis>>,
    checker: &mut Checker<'_>,
) -> Option<Vec<Axis>> {
    let axes: Vec<Option<Axis>> = raw
        .iter()
        .map(|(name, axis)| {
            let values = match &axis.value {
                RawAxis::List(values) => Values::List(values.clone()),
                RawAxis::Range(raw) => {
                    numbers(&raw.range, raw.step.as_ref(), raw.width.as_ref(), checker)?
                }
            };
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if !name.value.chars().all(plain)
                || name.value.starts_with(|c: char| c.is_ascii_digit())
            {
                checker.error(
                    codes::INVALID_NAME,
                    format!("`{}` cannot be named in a template", name.value),
                    &name.span,
                    "letters, digits and `_`, not a digit first",
                );
                return None;
            }
            Some(Axis {
                name: name.value.clone(),
                values,
            })
        })
        .collect();
    axes.into_iter().collect()
}

impl<'de> Deserialize<'de> for RawAxis {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = RawAxis;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of values or a table with a range")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawAxis, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                Ok(RawAxis::List(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawAxis, A::Error> {
                RawNumbers::deserialize(MapAccessDeserializer::new(map)).map(RawAxis::Range)
            }
        }
        d.deserialize_any(V)
    }
}

impl JsonSchema for RawAxis {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "axis".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let list = generator.subschema_for::<Vec<Scalar>>();
        let numbers = generator.subschema_for::<RawNumbers>();
        json_schema!({ "anyOf": [list, numbers] })
    }
}
