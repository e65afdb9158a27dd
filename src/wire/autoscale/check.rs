//! What can be known to be wrong before anything is evaluated: names nobody gave a value, functions and methods
//! that do not exist, too many arguments.

use std::collections::BTreeSet;

use super::ast::{Expression, Formula, Kind};
use super::evaluate::TARGETS;
use super::functions;
use super::history::Metric;
use super::problem::Problem;
use super::sampling::METHODS;
use super::value::constant;

const FIELDS: [&str; 7] = [
    "year", "month", "day", "hour", "minute", "second", "weekday",
];

pub(super) fn check(formula: &Formula) -> Vec<Problem> {
    let mut checker = Checker::default();
    for statement in &formula.statements {
        checker.expression(&statement.value);
        if let Some((name, span)) = &statement.name {
            let is_fixed = Metric::of(name).is_some() || constant(name).is_some();
            if is_fixed {
                let message = format!("`{name}` cannot be given a value");
                checker.problems.push(Problem::new(*span, message));
            }
            checker.known.insert(name);
        }
    }
    checker.problems
}

#[derive(Default)]
struct Checker<'a> {
    known: BTreeSet<&'a str>,
    problems: Vec<Problem>,
}

impl<'a> Checker<'a> {
    fn expression(&mut self, expression: &'a Expression) {
        match &expression.kind {
            Kind::Number(_) | Kind::Text(_) => {}
            Kind::Name(name) => {
                let is_known = self.known.contains(name.as_str())
                    || TARGETS.contains(&name.as_str())
                    || Metric::of(name).is_some()
                    || constant(name).is_some();
                if !is_known {
                    self.unknown(expression, name);
                }
            }
            Kind::Unary(_, value) => self.expression(value),
            Kind::Binary(_, left, right) => {
                self.expression(left);
                self.expression(right);
            }
            Kind::Choice(parts) => parts.iter().for_each(|part| self.expression(part)),
            Kind::Call(name, arguments) => {
                match functions::arity(name) {
                    None => self.say(expression, format!("there is no function `{name}`")),
                    Some(arity) => self.count(expression, name, arity, arguments.len()),
                }
                arguments.iter().for_each(|a| self.expression(a));
            }
            Kind::Method(target, name, arguments) => {
                match METHODS.iter().find(|(known, _)| known == name) {
                    None => self.say(expression, format!("there is no method `{name}`")),
                    Some((_, arity)) => {
                        self.count(expression, name, arity.clone(), arguments.len());
                    }
                }
                let before = self.problems.len();
                self.expression(target);
                let is_measured = matches!(&target.kind, Kind::Name(n) if Metric::of(n).is_some());
                if !is_measured && self.problems.len() == before {
                    self.say(
                        target,
                        "only variables of the service have samples".to_owned(),
                    );
                }
                arguments.iter().for_each(|a| self.expression(a));
            }
            Kind::Field(target, name) => {
                if !FIELDS.contains(&name.as_str()) {
                    self.say(expression, format!("there is no field `{name}`"));
                }
                self.expression(target);
            }
        }
    }

    fn count(
        &mut self,
        at: &Expression,
        name: &str,
        arity: std::ops::RangeInclusive<usize>,
        given: usize,
    ) {
        if arity.contains(&given) {
            return;
        }
        let wanted = match (*arity.start(), *arity.end()) {
            (a, b) if a == b => a.to_string(),
            (a, usize::MAX) => format!("at least {a}"),
            (a, b) => format!("{a} to {b}"),
        };
        self.say(
            at,
            format!("`{name}` takes {wanted} arguments, not {given}"),
        );
    }

    fn unknown(&mut self, at: &Expression, name: &str) {
        let problem = Problem::new(at.span, format!("`{name}` has no value here"));
        let measured = Metric::ALL.iter().map(|metric| metric.as_str());
        let help = measured
            .chain(TARGETS)
            .map(|known| (strsim::levenshtein(known, name), known))
            .filter(|(distance, known)| *distance <= known.len() / 4)
            .min()
            .map(|(_, known)| format!("did you mean `{known}`?"));
        self.problems.push(Problem { help, ..problem });
    }

    fn say(&mut self, at: &Expression, message: String) {
        self.problems.push(Problem::new(at.span, message));
    }
}
