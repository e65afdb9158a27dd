//! A tree to the size a pool should have.

use std::collections::BTreeMap;

use super::ast::{Expression, Formula, Kind};
use super::functions::{self, Context};
use super::history::{History, Metric};
use super::operators;
use super::problem::Problem;
use super::sampling;
use super::value::{Value, constant};
use crate::wire::batch::pool::NodeDeallocationOption;
use crate::wire::time::Time;

const DEDICATED: &str = "$TargetDedicatedNodes";
const LOW_PRIORITY: &str = "$TargetLowPriorityNodes";
const DEALLOCATION: &str = "$NodeDeallocationOption";
/// What a formula is there to set; the last is an old name of the first.
pub(super) const TARGETS: [&str; 4] = [DEDICATED, LOW_PRIORITY, DEALLOCATION, "$TargetDedicated"];

/// What a formula is evaluated with.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    pub now: Time,
    /// The targets before.
    pub dedicated: i32,
    pub low_priority: i32,
    pub history: &'a History,
    /// What `rand` is made from.
    pub seed: u64,
}

/// What a formula wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub dedicated: i32,
    pub low_priority: i32,
    pub deallocation: NodeDeallocationOption,
    /// All variables, as `results` of the REST API has them.
    pub results: String,
}

/// Why an expression has no value.
enum Halt {
    /// `stop()`: what has been set until then counts.
    Stop,
    Problem(Problem),
}

impl Formula {
    /// The variables of samples that the formula uses.
    pub fn metrics(&self) -> Vec<Metric> {
        let mut found = Vec::new();
        for statement in &self.statements {
            collect(&statement.value, &mut found);
        }
        found.sort();
        found.dedup();
        found
    }

    pub fn evaluate(&self, inputs: &Inputs<'_>) -> Result<Outcome, Problem> {
        let mut run = Run {
            history: inputs.history,
            context: Context {
                now: inputs.now,
                seed: inputs.seed,
            },
            variables: BTreeMap::from([
                (DEDICATED, Value::Number(f64::from(inputs.dedicated))),
                (LOW_PRIORITY, Value::Number(f64::from(inputs.low_priority))),
                (DEALLOCATION, Value::Text("requeue".to_owned())),
            ]),
        };
        let mut outcome = Outcome {
            dedicated: inputs.dedicated,
            low_priority: inputs.low_priority,
            deallocation: NodeDeallocationOption::Requeue,
            results: String::new(),
        };
        for statement in &self.statements {
            let value = match run.value(&statement.value) {
                Ok(value) => value,
                Err(Halt::Stop) => break,
                Err(Halt::Problem(problem)) => return Err(problem),
            };
            let Some((name, _)) = &statement.name else {
                continue;
            };
            let name = current_name(name);
            outcome
                .set(name, &value)
                .map_err(|message| Problem::new(statement.value.span, message))?;
            run.variables.insert(name, value);
        }
        outcome.results = results(&outcome, &run.variables);
        Ok(outcome)
    }
}

fn current_name(name: &str) -> &str {
    if name == TARGETS[3] { DEDICATED } else { name }
}

impl Outcome {
    fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        match (name, value) {
            // Fractions are cut off and nothing is less than none [inf].
            (DEDICATED, Value::Number(n)) => self.dedicated = n.max(0.0) as i32,
            (LOW_PRIORITY, Value::Number(n)) => self.low_priority = n.max(0.0) as i32,
            (DEALLOCATION, Value::Text(word)) => {
                self.deallocation = NodeDeallocationOption::ALL
                    .iter()
                    .copied()
                    .find(|option| option.as_str() == word)
                    .ok_or_else(|| format!("`{word}` is not a deallocation option"))?;
            }
            (DEDICATED | LOW_PRIORITY, other) => {
                return Err(format!("`{name}` takes a double, not a {}", other.kind()));
            }
            (DEALLOCATION, other) => {
                let kind = other.kind();
                return Err(format!(
                    "`{name}` takes a deallocation option, not a {kind}"
                ));
            }
            _ => {}
        }
        Ok(())
    }
}

fn results(outcome: &Outcome, variables: &BTreeMap<&str, Value>) -> String {
    let mut text = format!(
        "{DEDICATED}={};{LOW_PRIORITY}={};{DEALLOCATION}={}",
        outcome.dedicated,
        outcome.low_priority,
        outcome.deallocation.as_str()
    );
    for (name, value) in variables.iter().filter(|(name, _)| !TARGETS.contains(name)) {
        text.push_str(&format!(";{name}={value}"));
    }
    text
}

fn collect(expression: &Expression, found: &mut Vec<Metric>) {
    match &expression.kind {
        Kind::Number(_) | Kind::Text(_) => {}
        Kind::Name(name) => found.extend(Metric::of(name)),
        Kind::Unary(_, value) | Kind::Field(value, _) => collect(value, found),
        Kind::Binary(_, left, right) => {
            collect(left, found);
            collect(right, found);
        }
        Kind::Choice(parts) => parts.iter().for_each(|p| collect(p, found)),
        Kind::Call(_, arguments) => arguments.iter().for_each(|a| collect(a, found)),
        Kind::Method(target, _, arguments) => {
            collect(target, found);
            arguments.iter().for_each(|a| collect(a, found));
        }
    }
}

struct Run<'a> {
    history: &'a History,
    context: Context,
    variables: BTreeMap<&'a str, Value>,
}

impl Run<'_> {
    /// The value of an expression, samples made a vector.
    fn value(&mut self, expression: &Expression) -> Result<Value, Halt> {
        match self.raw(expression)? {
            Value::Samples(metric) => {
                let all = self.history.of(metric).map(|(_, value)| value);
                Ok(Value::Vector(all.collect()))
            }
            value => Ok(value),
        }
    }

    fn values(&mut self, expressions: &[Expression]) -> Result<Vec<Value>, Halt> {
        expressions.iter().map(|e| self.value(e)).collect()
    }

    fn raw(&mut self, expression: &Expression) -> Result<Value, Halt> {
        let failed = |message: String| Halt::Problem(Problem::new(expression.span, message));
        match &expression.kind {
            Kind::Number(number) => Ok(Value::Number(*number)),
            Kind::Text(text) => Ok(Value::Text(text.clone())),
            Kind::Name(name) => {
                let known = self.variables.get(current_name(name)).cloned();
                known
                    .or_else(|| Metric::of(name).map(Value::Samples))
                    .or_else(|| constant(name))
                    .ok_or_else(|| failed(format!("`{name}` has no value here")))
            }
            Kind::Unary(operator, value) => {
                let value = self.value(value)?;
                operators::unary(*operator, value).map_err(failed)
            }
            Kind::Binary(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                operators::binary(*operator, left, right).map_err(failed)
            }
            Kind::Choice(parts) => {
                let [condition, yes, no] = parts.as_ref();
                match self.value(condition)? {
                    Value::Number(n) => self.value(if n == 0.0 { no } else { yes }),
                    other => Err(failed(format!(
                        "the condition is a double, not a {}",
                        other.kind()
                    ))),
                }
            }
            Kind::Call(name, _) if name == "stop" => Err(Halt::Stop),
            Kind::Call(name, arguments) => {
                let arguments = self.values(arguments)?;
                functions::call(name, arguments, &mut self.context).map_err(failed)
            }
            Kind::Method(target, name, arguments) => {
                let arguments = self.values(arguments)?;
                match self.raw(target)? {
                    Value::Samples(metric) => {
                        sampling::call(self.history, metric, name, &arguments, self.context.now)
                            .map_err(failed)
                    }
                    other => Err(failed(format!("a {} has no methods", other.kind()))),
                }
            }
            Kind::Field(target, name) => match self.value(target)? {
                Value::Time(time) => field(time, name)
                    .map(Value::Number)
                    .ok_or_else(|| failed(format!("there is no field `{name}`"))),
                other => Err(failed(format!("a {} has no fields", other.kind()))),
            },
        }
    }
}

fn field(time: Time, name: &str) -> Option<f64> {
    let at = jiff::Timestamp::from(time).to_zoned(jiff::tz::TimeZone::UTC);
    Some(match name {
        "year" => f64::from(at.year()),
        "month" => f64::from(at.month()),
        "day" => f64::from(at.day()),
        "hour" => f64::from(at.hour()),
        "minute" => f64::from(at.minute()),
        "second" => f64::from(at.second()),
        // Sunday is 0 [doc: weekday is 0 to 6, of which 1 to 5 are working days].
        "weekday" => f64::from(at.weekday().to_sunday_zero_offset()),
        _ => return None,
    })
}
