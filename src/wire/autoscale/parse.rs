//! Tokens to a tree. After a mistake it goes on behind the next `;`, so that all of them are found in one pass.

use super::ast::{Binary, Expression, Formula, Kind, Statement, Unary};
use super::lexer::{Token, lex};
use super::problem::{Problem, Span};
use super::{MAX_BYTES, MAX_STATEMENTS, check};

/// How deep parentheses and the like may be nested: bounds the stack.
const MAX_DEPTH: usize = 64;
/// Operators, fields and methods of one statement: bounds the height of its tree.
const MAX_OPERATORS: usize = 300;
/// How tightly the operators before a value bind.
const UNARY: u8 = 7;

impl Formula {
    /// Reads a formula and checks everything that can be known before it is evaluated. Problems come in the order
    /// of the text.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        if text.len() > MAX_BYTES {
            let span = Span::new(0, text.len());
            let message = format!("the formula has {} bytes; 8192 are allowed", text.len());
            return Err(vec![Problem::new(span, message)]);
        }
        let (tokens, problems) = lex(text);
        let mut parser = Parser {
            tokens,
            at: 0,
            depth: 0,
            operators: 0,
            problems,
        };
        let formula = parser.formula();
        let mut problems = parser.problems;
        if problems.is_empty() {
            problems = check::check(&formula);
        }
        if formula.statements.len() > MAX_STATEMENTS {
            let count = formula.statements.len();
            let span = formula.statements[MAX_STATEMENTS].value.span;
            let message = format!("the formula has {count} statements; 100 are allowed");
            problems.push(Problem::new(span, message));
        }
        if problems.is_empty() {
            return Ok(formula);
        }
        problems.sort_by_key(|p| (p.span.start, p.span.end));
        Err(problems)
    }
}

struct Parser {
    tokens: Vec<(Token, Span)>,
    at: usize,
    depth: usize,
    operators: usize,
    problems: Vec<Problem>,
}

type Parsed<T> = Result<T, Problem>;

impl Parser {
    fn formula(&mut self) -> Formula {
        let mut statements = Vec::new();
        loop {
            while self.eat(";") {}
            if *self.token() == Token::End {
                return Formula { statements };
            }
            (self.depth, self.operators) = (0, 0);
            match self.statement() {
                Ok(statement) => statements.push(statement),
                Err(problem) => {
                    self.problems.push(problem);
                    while !matches!(self.token(), Token::End | Token::Sign(";")) {
                        self.at += 1;
                    }
                }
            }
        }
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let name = match (self.token(), self.tokens.get(self.at + 1)) {
            (Token::Name(name), Some((Token::Sign("="), _))) => {
                let name = (name.clone(), self.span());
                self.at += 2;
                Some(name)
            }
            _ => None,
        };
        let value = self.expression(0)?;
        if *self.token() == Token::End || self.eat(";") {
            return Ok(Statement { name, value });
        }
        Err(self.unexpected("an operator or `;`"))
    }

    fn expression(&mut self, tightness: u8) -> Parsed<Expression> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Problem::new(self.span(), "this is nested too deeply"));
        }
        let mut left = self.operand()?;
        while let &Token::Sign(sign) = self.token() {
            if let Some((operator, binds)) = Binary::of(sign) {
                if binds <= tightness {
                    break;
                }
                self.count()?;
                self.at += 1;
                let right = self.expression(binds)?;
                let span = left.span.to(right.span);
                let kind = Kind::Binary(operator, Box::new(left), Box::new(right));
                left = Expression { span, kind };
            } else if sign == "?" && tightness == 0 {
                self.count()?;
                self.at += 1;
                let yes = self.expression(0)?;
                self.expect(":")?;
                let no = self.expression(0)?;
                let span = left.span.to(no.span);
                let kind = Kind::Choice(Box::new([left, yes, no]));
                left = Expression { span, kind };
            } else {
                break;
            }
        }
        self.depth -= 1;
        Ok(left)
    }

    /// A value with the operators before it and the fields and methods behind it.
    fn operand(&mut self) -> Parsed<Expression> {
        let start = self.span();
        for (sign, operator) in [("-", Unary::Minus), ("!", Unary::Not)] {
            if self.eat(sign) {
                let value = self.expression(UNARY)?;
                let span = start.to(value.span);
                let kind = Kind::Unary(operator, Box::new(value));
                return Ok(Expression { span, kind });
            }
        }
        let mut value = self.value()?;
        while self.eat(".") {
            self.count()?;
            let Token::Name(name) = self.token().clone() else {
                return Err(self.unexpected("the name of a field or method"));
            };
            let mut span = value.span.to(self.span());
            self.at += 1;
            let kind = if self.eat("(") {
                let (arguments, end) = self.arguments()?;
                span = span.to(end);
                Kind::Method(Box::new(value), name, arguments)
            } else {
                Kind::Field(Box::new(value), name)
            };
            value = Expression { span, kind };
        }
        Ok(value)
    }

    fn value(&mut self) -> Parsed<Expression> {
        let span = self.span();
        let kind = match self.token().clone() {
            Token::Number(number) => Kind::Number(number),
            Token::Text(text) => Kind::Text(text),
            Token::Name(name) => {
                self.at += 1;
                if !self.eat("(") {
                    let kind = Kind::Name(name);
                    return Ok(Expression { span, kind });
                }
                let (arguments, end) = self.arguments()?;
                let kind = Kind::Call(name, arguments);
                let span = span.to(end);
                return Ok(Expression { span, kind });
            }
            Token::Sign("(") => {
                self.at += 1;
                let inner = self.expression(0)?;
                let end = self.expect(")")?;
                let span = span.to(end);
                return Ok(Expression { span, ..inner });
            }
            _ => return Err(self.unexpected("a value")),
        };
        self.at += 1;
        Ok(Expression { span, kind })
    }

    /// What stands between `(`, which is eaten, and `)`, whose place comes back.
    fn arguments(&mut self) -> Parsed<(Vec<Expression>, Span)> {
        let mut arguments = Vec::new();
        let end = self.span();
        if self.eat(")") {
            return Ok((arguments, end));
        }
        loop {
            arguments.push(self.expression(0)?);
            if !self.eat(",") {
                let end = self.expect(")")?;
                return Ok((arguments, end));
            }
        }
    }

    fn count(&mut self) -> Parsed<()> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            let message = "this statement is too long: make several of it";
            return Err(Problem::new(self.span(), message));
        }
        Ok(())
    }

    fn token(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(t, _)| t)
    }

    fn span(&self) -> Span {
        let last = self.tokens.len().saturating_sub(1);
        let here = self.tokens.get(self.at.min(last));
        here.map_or(Span::new(0, 0), |(_, span)| *span)
    }

    fn eat(&mut self, sign: &str) -> bool {
        let is_there = matches!(self.token(), Token::Sign(s) if *s == sign);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, sign: &str) -> Parsed<Span> {
        let span = self.span();
        if self.eat(sign) {
            return Ok(span);
        }
        Err(self.unexpected(&format!("`{sign}`")))
    }

    fn unexpected(&self, wanted: &str) -> Problem {
        let found = match self.token() {
            Token::Number(_) => "a number".to_owned(),
            Token::Text(_) => "a string".to_owned(),
            Token::Name(name) => format!("`{name}`"),
            Token::Sign("=") => "`=`, which is not an operator (`==` compares)".to_owned(),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::End => "the end".to_owned(),
        };
        Problem::new(
            self.span(),
            format!("{wanted} is expected here, not {found}"),
        )
    }
}
