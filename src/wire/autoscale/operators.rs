//! The operators, by the types they are documented for.

use super::ast::{Binary, Unary};
use super::value::Value;
use crate::wire::time::{Duration, Time};

pub(super) fn unary(operator: Unary, value: Value) -> Result<Value, String> {
    match (operator, value) {
        (Unary::Minus, Value::Number(n)) => Ok(Value::Number(-n)),
        (Unary::Minus, Value::Interval(i)) => Ok(Value::Interval(Duration::from_ticks(
            i.ticks().saturating_neg(),
        ))),
        (Unary::Minus, Value::Vector(v)) => Ok(Value::Vector(v.into_iter().map(|n| -n).collect())),
        (Unary::Not, Value::Number(n)) => Ok((n == 0.0).into()),
        (operator, value) => {
            let sign = match operator {
                Unary::Minus => "-",
                Unary::Not => "!",
            };
            Err(format!("`{sign}` does not go with a {}", value.kind()))
        }
    }
}

/// Both sides are evaluated: `&&` and `||` come here as well.
pub(super) fn binary(operator: Binary, left: Value, right: Value) -> Result<Value, String> {
    use Binary as Op;
    use Value as V;
    let (left_kind, right_kind) = (left.kind(), right.kind());
    let undefined = || {
        let sign = operator.sign();
        format!("`{sign}` does not go between a {left_kind} and a {right_kind}")
    };
    Ok(match (left, operator, right) {
        (V::Number(a), Op::And, V::Number(b)) => (a != 0.0 && b != 0.0).into(),
        (V::Number(a), Op::Or, V::Number(b)) => (a != 0.0 || b != 0.0).into(),
        (V::Number(a), _, V::Number(b)) => match arithmetic(operator, a, b) {
            Some(n) => V::Number(finite(n)?),
            None => compare(operator, &a, &b).ok_or_else(undefined)?,
        },
        (V::Vector(v), _, V::Number(n)) => each(&v, |x| arithmetic(operator, x, n), undefined)?,
        (V::Number(n), Op::Add | Op::Multiply, V::Vector(v)) => {
            each(&v, |x| arithmetic(operator, n, x), undefined)?
        }
        (V::Vector(a), _, V::Vector(b)) => {
            if a.len() != b.len() {
                let (a, b) = (a.len(), b.len());
                return Err(format!("the vectors have {a} and {b} elements"));
            }
            let mut right = b.into_iter();
            let combine = |x| arithmetic(operator, x, right.next()?);
            each(&a, combine, undefined)?
        }
        (V::Number(n), Op::Multiply, V::Interval(i))
        | (V::Interval(i), Op::Multiply, V::Number(n)) => scaled(i, n),
        (V::Interval(i), Op::Divide, V::Number(n)) => scaled(i, 1.0 / finite_divisor(n)?),
        (V::Interval(a), Op::Add, V::Interval(b)) => interval(a.ticks().saturating_add(b.ticks())),
        (V::Interval(a), Op::Subtract, V::Interval(b)) => {
            interval(a.ticks().saturating_sub(b.ticks()))
        }
        (V::Interval(i), Op::Add, V::Time(t)) | (V::Time(t), Op::Add, V::Interval(i)) => {
            moment(t.ticks().saturating_add(i.ticks()))
        }
        (V::Time(t), Op::Subtract, V::Interval(i)) => moment(t.ticks().saturating_sub(i.ticks())),
        (V::Time(a), Op::Subtract, V::Time(b)) => interval(a.ticks().saturating_sub(b.ticks())),
        (V::Time(a), _, V::Time(b)) => compare(operator, &a, &b).ok_or_else(undefined)?,
        (V::Interval(a), _, V::Interval(b)) => compare(operator, &a, &b).ok_or_else(undefined)?,
        (V::Text(a), _, V::Text(b)) => compare(operator, &a, &b).ok_or_else(undefined)?,
        _ => return Err(undefined()),
    })
}

fn arithmetic(operator: Binary, a: f64, b: f64) -> Option<f64> {
    Some(match operator {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        _ => return None,
    })
}

fn compare<T: PartialOrd>(operator: Binary, a: &T, b: &T) -> Option<Value> {
    Some(Value::from(match operator {
        Binary::Less => a < b,
        Binary::LessOrEqual => a <= b,
        Binary::Equal => a == b,
        Binary::NotEqual => a != b,
        Binary::GreaterOrEqual => a >= b,
        Binary::Greater => a > b,
        _ => return None,
    }))
}

fn each(
    vector: &[f64],
    mut combine: impl FnMut(f64) -> Option<f64>,
    undefined: impl Fn() -> String,
) -> Result<Value, String> {
    let mut result = Vec::with_capacity(vector.len());
    for x in vector {
        result.push(finite(combine(*x).ok_or_else(&undefined)?)?);
    }
    Ok(Value::Vector(result))
}

pub(super) fn finite(n: f64) -> Result<f64, String> {
    if n.is_finite() {
        return Ok(n);
    }
    Err("the result is not a number (a division by zero?)".to_owned())
}

fn finite_divisor(n: f64) -> Result<f64, String> {
    finite(1.0 / n).map(|_| n)
}

fn interval(ticks: i64) -> Value {
    Value::Interval(Duration::from_ticks(ticks))
}

/// Kept within the calendar.
fn moment(ticks: i64) -> Value {
    const LAST: i64 = 3_155_378_975_999_999_999;
    Value::Time(Time::from_ticks(ticks.clamp(0, LAST)))
}

fn scaled(i: Duration, by: f64) -> Value {
    // The conversion saturates.
    interval((i.ticks() as f64 * by) as i64)
}
