//! The functions.

use std::ops::RangeInclusive;

use super::operators::finite;
use super::value::Value;
use crate::wire::time::Time;

/// How many arguments a function takes; None when there is no such function.
pub(super) fn arity(name: &str) -> Option<RangeInclusive<usize>> {
    Some(match name {
        "avg" | "max" | "min" | "range" | "std" | "sum" => 1..=usize::MAX,
        "ceil" | "floor" | "len" | "lg" | "ln" | "log" | "norm" | "round" => 1..=1,
        "percentile" | "val" => 2..=2,
        "rand" | "stop" => 0..=0,
        "time" => 0..=1,
        _ => return None,
    })
}

/// What functions know besides their arguments.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) now: Time,
    /// What the next `rand` is made from.
    pub(super) seed: u64,
}

/// Samples have been made vectors; `stop` is not called but obeyed.
pub(super) fn call(
    name: &str,
    mut arguments: Vec<Value>,
    context: &mut Context,
) -> Result<Value, String> {
    let per_element: Option<fn(f64) -> f64> = match name {
        "ceil" => Some(f64::ceil),
        "floor" => Some(f64::floor),
        // Halves go away from zero.
        "round" => Some(f64::round),
        "lg" => Some(f64::log2),
        "ln" => Some(f64::ln),
        "log" => Some(f64::log10),
        _ => None,
    };
    if let Some(function) = per_element {
        return match arguments.pop() {
            Some(Value::Number(n)) => Ok(Value::Number(finite(function(n))?)),
            Some(Value::Vector(v)) => {
                let all: Result<Vec<f64>, String> =
                    v.into_iter().map(|n| finite(function(n))).collect();
                all.map(Value::Vector)
            }
            other => Err(wrong(name, other.as_ref())),
        };
    }
    let number = match name {
        "time" => return time(arguments.pop(), context.now),
        "rand" => random(&mut context.seed),
        "percentile" | "val" => {
            let (Some(Value::Number(n)), Some(vector)) = (arguments.pop(), arguments.pop()) else {
                return Err(format!("the second argument of `{name}` is a double"));
            };
            let numbers = flat(name, vec![vector])?;
            if name == "val" {
                element(&numbers, n)?
            } else {
                percentile(numbers, n)?
            }
        }
        _ => of_list(name, &flat(name, arguments)?)?,
    };
    Ok(Value::Number(finite(number)?))
}

fn wrong(name: &str, value: Option<&Value>) -> String {
    let kind = value.map_or("nothing", Value::kind);
    format!("`{name}` does not take a {kind}")
}

/// Doubles and vectors in one.
fn flat(name: &str, arguments: Vec<Value>) -> Result<Vec<f64>, String> {
    let mut all = Vec::new();
    for argument in arguments {
        match argument {
            Value::Number(n) => all.push(n),
            Value::Vector(v) => all.extend(v),
            other => return Err(wrong(name, Some(&other))),
        }
    }
    Ok(all)
}

fn of_list(name: &str, numbers: &[f64]) -> Result<f64, String> {
    let count = numbers.len() as f64;
    let sum: f64 = numbers.iter().sum();
    let least = numbers.iter().copied().reduce(f64::min);
    let most = numbers.iter().copied().reduce(f64::max);
    match (name, least, most) {
        ("len", ..) => Ok(count),
        ("sum", ..) => Ok(sum),
        ("norm", ..) => Ok(numbers.iter().map(|n| n * n).sum::<f64>().sqrt()),
        ("avg", Some(_), _) => Ok(sum / count),
        ("min", Some(least), _) => Ok(least),
        ("max", _, Some(most)) => Ok(most),
        ("range", Some(least), Some(most)) => Ok(most - least),
        // Of a sample.
        ("std", Some(_), _) if numbers.len() > 1 => {
            let mean = sum / count;
            let squares: f64 = numbers.iter().map(|n| (n - mean).powi(2)).sum();
            Ok((squares / (count - 1.0)).sqrt())
        }
        ("std", Some(_), _) => Ok(0.0),
        _ => Err(format!(
            "`{name}` has no values to work on (no samples yet?)"
        )),
    }
}

fn element(numbers: &[f64], index: f64) -> Result<f64, String> {
    let at = if index >= 0.0 {
        // The conversion saturates.
        numbers.get(index as usize).copied()
    } else {
        None
    };
    at.ok_or_else(|| {
        format!(
            "the vector has {} elements, not one at {index}",
            numbers.len()
        )
    })
}

/// With linear interpolation between the two nearest.
fn percentile(mut numbers: Vec<f64>, percent: f64) -> Result<f64, String> {
    if !(0.0..=100.0).contains(&percent) {
        return Err(format!("a percentile is 0 to 100, not {percent}"));
    }
    numbers.sort_by(f64::total_cmp);
    let place = percent / 100.0 * numbers.len().saturating_sub(1) as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    match (numbers.get(low), numbers.get(high)) {
        (Some(a), Some(b)) => Ok(a + (b - a) * place.fract()),
        _ => Err("`percentile` has no values to work on (no samples yet?)".to_owned()),
    }
}

fn time(text: Option<Value>, now: Time) -> Result<Value, String> {
    match text {
        None => Ok(Value::Time(now)),
        Some(Value::Text(text)) if text.is_empty() => Ok(Value::Time(now)),
        Some(Value::Text(text)) => text
            .parse()
            .ok()
            .or_else(|| Time::from_rfc1123(&text))
            .or_else(|| format!("{text}T00:00:00Z").parse().ok())
            .map(Value::Time)
            .ok_or_else(|| format!("`{text}` is not a time such as 2026-01-02T00:00:00Z")),
        other => Err(wrong("time", other.as_ref())),
    }
}

/// SplitMix64, of which the upper bits make a number from 0 up to 1.
fn random(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    (z >> 11) as f64 / (1_u64 << 53) as f64
}
