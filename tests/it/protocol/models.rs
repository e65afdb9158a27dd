//! The bodies of requests as the REST reference describes them, and ways to get them wrong.

use std::collections::{BTreeMap, BTreeSet};

use batchflow::wire::batch::operation::{Body, Operation, Spec};
use serde_json::{Value, json};

const TABLE: &str = include_str!("../data/request-models.txt");

pub(super) struct Models(BTreeMap<&'static str, Vec<Property>>);

#[derive(Clone)]
struct Property {
    name: &'static str,
    required: bool,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Text,
    Integer,
    Bool,
    Time,
    Duration,
    Dictionary,
    /// One of its values.
    Enumeration(&'static str),
    Model(&'static str),
    List(Box<Kind>),
}

/// A body with one mistake, and the property that has it.
pub(super) struct Mistake {
    pub(super) body: Value,
    pub(super) property: String,
}

/// Where a model stands in a body: property names, each followed by whether it is a list.
type Place = Vec<(&'static str, bool)>;

impl Models {
    pub(super) fn read() -> Self {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        let models = lines.map(|line| {
            let (name, properties) = line.split_once(": ").unwrap();
            (name, properties.split("; ").map(property).collect())
        });
        Self(models.collect())
    }

    /// Each top-level property of an operation's body, and each one below that `seen` does not have yet, with
    /// values of every other type.
    pub(super) fn wrong_types(
        &self,
        root: &str,
        seen: &mut BTreeSet<&'static str>,
    ) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        self.walk(root, Vec::new(), seen, &mut |model, place| {
            for property in &self.0[model] {
                for wrong in wrong(&property.kind) {
                    // What is wrong comes first: nothing else is missed before.
                    mistakes.push(Mistake {
                        body: nest(place, json!({property.name: wrong}), None),
                        property: path(place, property.name),
                    });
                }
            }
        });
        mistakes
    }

    /// A property that nobody knows, in the body and in everything below that `seen` does not have yet.
    pub(super) fn unknown_properties(
        &self,
        root: &str,
        seen: &mut BTreeSet<&'static str>,
    ) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        self.walk(root, Vec::new(), seen, &mut |model, place| {
            for blank in [json!("red"), Value::Null, json!([])] {
                let mut inner = self.example(model);
                inner["colour"] = blank;
                let body = nest(place, inner, Some((self, root)));
                let property = path(place, "colour");
                mistakes.push(Mistake { body, property });
            }
        });
        mistakes
    }

    /// The least that is valid.
    pub(super) fn example(&self, model: &str) -> Value {
        let required = self.0[model].iter().filter(|p| p.required);
        required
            .map(|p| (p.name.to_owned(), self.value(&p.kind)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// The properties of a model.
    pub(super) fn names(&self, model: &str) -> Vec<&'static str> {
        self.0[model].iter().map(|property| property.name).collect()
    }

    fn value(&self, kind: &Kind) -> Value {
        match kind {
            Kind::Text => json!("x"),
            Kind::Integer => json!(1),
            Kind::Bool => json!(true),
            Kind::Time => json!("2026-01-02T03:04:05Z"),
            Kind::Duration => json!("PT5M"),
            Kind::Dictionary => json!({}),
            Kind::Enumeration(value) => json!(value),
            Kind::Model(model) => self.example(model),
            Kind::List(item) => json!([self.value(item)]),
        }
    }

    fn walk(
        &self,
        model: &str,
        place: Place,
        seen: &mut BTreeSet<&'static str>,
        visit: &mut impl FnMut(&'static str, &Place),
    ) {
        let (model, properties) = self
            .0
            .get_key_value(model)
            .unwrap_or_else(|| panic!("{model}"));
        visit(model, &place);
        for property in properties {
            let (below, is_list) = match &property.kind {
                Kind::Model(below) => (*below, false),
                Kind::List(item) => match **item {
                    Kind::Model(below) => (below, true),
                    _ => continue,
                },
                _ => continue,
            };
            if seen.insert(below) {
                let mut place = place.clone();
                place.push((property.name, is_list));
                self.walk(below, place, seen, visit);
            }
        }
    }

    /// The model that stands in a place below another.
    fn at(&self, root: &'static str, place: &[(&'static str, bool)]) -> &'static str {
        place.iter().fold(root, |model, (name, _)| {
            let property = self.0[model].iter().find(|p| p.name == *name).unwrap();
            match &property.kind {
                Kind::Model(below) => below,
                Kind::List(item) => match **item {
                    Kind::Model(below) => below,
                    _ => unreachable!("only models are walked into"),
                },
                _ => unreachable!("only models are walked into"),
            }
        })
    }
}

/// `inner` in its place; what lies around it empty, or with all that is required.
fn nest(place: &Place, inner: Value, around: Option<(&Models, &str)>) -> Value {
    let mut value = inner;
    for depth in (0..place.len()).rev() {
        let (name, is_list) = place[depth];
        let mut outer = match around {
            Some((models, root)) => {
                let (root, _) = models.0.get_key_value(root).unwrap();
                models.example(models.at(root, &place[..depth]))
            }
            None => json!({}),
        };
        outer[name] = if is_list { json!([value]) } else { value };
        value = outer;
    }
    value
}

fn path(place: &Place, name: &str) -> String {
    let mut path = String::new();
    for (name, is_list) in place {
        path.push_str(name);
        path.push_str(if *is_list { "[0]." } else { "." });
    }
    path + name
}

fn property(text: &'static str) -> Property {
    let (name, kind) = text.split_once(' ').unwrap();
    Property {
        name: name.trim_end_matches('*'),
        required: name.ends_with('*'),
        kind: self::kind(kind),
    }
}

fn kind(text: &'static str) -> Kind {
    if let Some(item) = text.strip_prefix("list[") {
        return Kind::List(Box::new(kind(item.trim_end_matches(']'))));
    }
    if let Some(value) = text.strip_prefix("enum ") {
        return Kind::Enumeration(value);
    }
    match text {
        "str" => Kind::Text,
        "int" => Kind::Integer,
        "bool" => Kind::Bool,
        "time" => Kind::Time,
        "duration" => Kind::Duration,
        "dict" => Kind::Dictionary,
        model => Kind::Model(model),
    }
}

/// Values that no property of the kind takes.
fn wrong(kind: &Kind) -> Vec<Value> {
    match kind {
        Kind::Text => vec![json!(7), json!({}), json!([]), json!(true)],
        Kind::Integer => vec![
            json!("seven"),
            json!(1.5),
            json!({}),
            json!([1]),
            json!(1e300),
        ],
        Kind::Bool => vec![json!("yes"), json!(1), json!({}), json!([true])],
        Kind::Time | Kind::Duration => vec![json!("soon"), json!(7), json!({}), json!([])],
        Kind::Enumeration(_) => vec![json!("nonsense"), json!(7), json!({}), json!([])],
        Kind::Dictionary | Kind::Model(_) => vec![json!("text"), json!(7), json!([]), json!(["x"])],
        Kind::List(_) => vec![json!("text"), json!(7), json!({}), json!([7.5])],
    }
}

/// The model of a body; None for what has none.
pub(super) fn body_of(spec: &Spec) -> Option<&'static str> {
    use Operation as Op;
    if spec.body == Body::Empty {
        return None;
    }
    Some(match spec.operation {
        Op::CreatePool => "BatchPoolCreateOptions",
        Op::UpdatePool => "BatchPoolUpdateOptions",
        Op::ReplacePoolProperties => "BatchPoolReplaceOptions",
        Op::EnablePoolAutoScale => "BatchPoolEnableAutoScaleOptions",
        Op::EvaluatePoolAutoScale => "BatchPoolEvaluateAutoScaleOptions",
        Op::ResizePool => "BatchPoolResizeOptions",
        Op::RemoveNodes => "BatchNodeRemoveOptions",
        Op::CreateJob => "BatchJobCreateOptions",
        Op::UpdateJob => "BatchJobUpdateOptions",
        Op::ReplaceJob => "JobReplacement",
        Op::DisableJob => "BatchJobDisableOptions",
        Op::TerminateJob => "BatchJobTerminateOptions",
        Op::CreateJobSchedule => "BatchJobScheduleCreateOptions",
        Op::UpdateJobSchedule => "BatchJobScheduleUpdateOptions",
        Op::ReplaceJobSchedule => "JobScheduleReplacement",
        Op::CreateTask => "BatchTaskCreateOptions",
        Op::CreateTaskCollection => "BatchTaskGroup",
        Op::ReplaceTask => "TaskReplacement",
        Op::CreateNodeUser => "BatchNodeUserCreateOptions",
        Op::ReplaceNodeUser => "BatchNodeUserReplaceOptions",
        Op::RebootNode => "BatchNodeRebootOptions",
        Op::ReimageNode => "BatchNodeReimageOptions",
        Op::DeallocateNode => "BatchNodeDeallocateOptions",
        Op::DisableNodeScheduling => "BatchNodeDisableSchedulingOptions",
        Op::UploadNodeLogs => "UploadBatchServiceLogsOptions",
        other => panic!("which body has {other:?}?"),
    })
}
