//! Where text of others enters the program, as functions of bytes. None may panic, and each checks what must hold of
//! any input. The fuzz targets call them, and so do the tests in `tests/it/entries.rs`.

use batchflow::manifest::template::{quote, slug};
use batchflow::manifest::{CommandLine, load};
use batchflow::observed::Receipt;
use batchflow::wire::auth::{self, AccountKey, Request, Scheme};
use batchflow::wire::autoscale::{Formula, Inputs, Recorded};
use batchflow::wire::batch::job::{JobCreate, JobUpdate};
use batchflow::wire::batch::job_schedule::JobScheduleCreate;
use batchflow::wire::batch::pool::{PoolCreate, PoolUpdate};
use batchflow::wire::batch::task::TaskCreate;
use batchflow::wire::blob::block::{BlockId, parse_block_list};
use batchflow::wire::blob::{acl, listing, service_properties};
use batchflow::wire::filter::{Field, Filter, Filterable, Operand, lists};
use batchflow::wire::sas::{self, Resource, redact};
use batchflow::wire::time::{Duration, Time};

const KEY: &str = "a2V5IG9mIHRoZSB0ZXN0cw==";

/// The moment that dates in the seeds are near to: 2026-01-01.
fn now() -> Time {
    "2026-01-01T00:00:00Z"
        .parse()
        .unwrap_or(Time::from_ticks(0))
}

fn key() -> AccountKey {
    AccountKey::from_base64(KEY).expect("it is base64")
}

fn text(data: &[u8]) -> &str {
    std::str::from_utf8(data).unwrap_or_default()
}

/// The parts between zero bytes; those that are missing are empty.
fn parts<const N: usize>(data: &[u8]) -> [&str; N] {
    let mut parts = data.splitn(N, |byte| *byte == 0).map(text);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// Any text is a manifest or has problems, each of which points into it.
pub fn manifest(data: &[u8]) {
    let text = text(data);
    let (manifest, problems) = load(text, &[]);
    assert!(manifest.is_some() || !problems.is_empty());
    for problem in problems {
        for label in &problem.labels {
            assert!(text.get(label.span.clone()).is_some(), "{problem:?}");
        }
    }
}

/// A template in a command, and the name of the file that it is rendered for.
pub fn template(data: &[u8]) {
    let [command, name] = parts(data);
    let quoted = quote(name);
    assert_eq!(unquoted(&quoted).as_deref(), Some(name), "{quoted}");
    let slug = slug(name, 64);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    assert!(slug.len() <= 64 && slug.bytes().all(plain), "{slug}");
    let Ok(command) = serde_json::to_string(command) else {
        return;
    };
    let manifest = format!(
        "name = 'n'\nvars = {{ v = 'w' }}\ncontainers.c = {{}}\n\
         job.id = 'j'\n\
         [pool]\nid = 'p'\nvm_size = 's'\ntarget_dedicated_nodes = 1\n\
         image = {{ publisher = 'canonical', offer = 'ubuntu-24_04-lts', sku = 'server' }}\n\
         [[tasks]]\nid = '{{{{file.stem}}}}'\nfor_each = {{ container = 'c' }}\ncommands = [{command}]\n"
    );
    let (Some(manifest), _) = load(&manifest, &[]) else {
        return;
    };
    let mut bindings = manifest.bindings();
    bindings.set_file(name);
    for task in &manifest.tasks {
        let _ = task.id.render(&bindings);
        if let CommandLine::Shell(lines) = &task.command_line {
            for line in lines {
                let _ = line.render(&bindings);
            }
        }
    }
}

/// What a POSIX shell makes of one word; None when it is not one word of plain text.
fn unquoted(word: &str) -> Option<String> {
    let (mut text, mut rest) = (String::new(), word);
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('\'') {
            let (inside, after) = quoted.split_once('\'')?;
            text.push_str(inside);
            rest = after;
        } else if let Some(escaped) = rest.strip_prefix('\\') {
            let c = escaped.chars().next()?;
            text.push(c);
            rest = &escaped[c.len_utf8()..];
        } else {
            let c = rest.chars().next()?;
            if c.is_ascii() && !c.is_ascii_alphanumeric() && !"-_./:=,+@%^".contains(c) {
                return None;
            }
            text.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    Some(text).filter(|_| !word.is_empty())
}

struct Anything;

impl Filterable for Anything {
    fn operand(&self, field: &str) -> Option<Operand<'_>> {
        match field.len() % 4 {
            0 => Some("active".into()),
            1 => Some(now().into()),
            2 => Some(7.into()),
            _ => None,
        }
    }
}

/// A `$filter`, for each kind of list.
pub fn filter(data: &[u8]) {
    const LISTS: [&[Field]; 4] = [lists::POOLS, lists::JOBS, lists::TASKS, lists::FILES];
    for list in LISTS {
        if let Ok(filter) = Filter::parse(text(data), list) {
            assert_eq!(filter.matches(&Anything), filter.matches(&Anything));
        }
    }
}

/// An autoscale formula is evaluated, or has problems that point into it.
pub fn formula(data: &[u8]) {
    let text = text(data);
    let recorded = Recorded::idle(now());
    match Formula::parse(text) {
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                let span = problem.span.start..problem.span.end;
                assert!(text.get(span).is_some(), "{problem:?}");
            }
        }
        Ok(formula) => {
            let inputs = Inputs {
                now: recorded.now,
                dedicated: 3,
                low_priority: 0,
                history: &recorded.history,
                seed: 1,
            };
            let _ = formula.evaluate(&inputs);
        }
    }
}

/// A request whose signature is not ours is refused, and one that we sign is not.
pub fn shared_key(data: &[u8]) {
    let [method, path, query, name, value, authorization] = parts(data);
    let date = now().to_rfc1123();
    for scheme in [Scheme::Batch, Scheme::Blob] {
        let request = || {
            let request = Request::new(method, path, query);
            request.header(scheme.date_header(), &date)
        };
        let forged = request()
            .header(name, value)
            .header("authorization", authorization);
        assert!(auth::verify(scheme, "account", &key(), &forged, now()).is_err());
        let own = auth::authorization(scheme, "account", &key(), &request());
        let signed = request().header("authorization", &own);
        assert!(auth::verify(scheme, "account", &key(), &signed, now()).is_ok());
    }
}

/// No query that we did not sign gives any right, and none is shown with its signature.
pub fn sas(data: &[u8]) {
    let [query, container, blob] = parts(data);
    let targets = [
        None,
        Some(Resource::Container(container)),
        Some(Resource::Blob { container, blob }),
    ];
    for target in targets {
        assert!(sas::verify(query, "account", &key(), target, true, now()).is_err());
    }
    let url = format!("https://host/{container}?{query}");
    let shown = redact(&url);
    assert_eq!(redact(&shown), shown);
}

/// The documents and names that come to the Blob service.
pub fn blob_xml(data: &[u8]) {
    let text = text(data);
    if let Ok(blocks) = parse_block_list(text) {
        for (_, id) in blocks {
            assert!(BlockId::new(id.as_str()).is_ok());
        }
    }
    let _ = acl::check(text);
    let _ = service_properties::check(text);
    let _ = listing::from_marker(text);
}

/// The bodies, times and durations that come to the Batch service; what is read can be written and read again.
pub fn bodies(data: &[u8]) {
    macro_rules! again {
        ($($body:ty),+) => { $(
            if let Ok(body) = serde_json::from_slice::<$body>(data) {
                let text = serde_json::to_vec(&body).expect("a body can be written");
                assert!(serde_json::from_slice::<$body>(&text).is_ok());
            }
        )+ };
    }
    again!(
        PoolCreate,
        PoolUpdate,
        JobCreate,
        JobUpdate,
        JobScheduleCreate,
        TaskCreate
    );
    let text = text(data);
    if let Ok(time) = text.parse::<Time>() {
        assert_eq!(time.to_string().parse(), Ok(time));
        let _ = time.to_rfc1123();
    }
    if let Ok(duration) = text.parse::<Duration>() {
        assert_eq!(duration.to_string().parse(), Ok(duration));
        let _ = now().plus(duration);
    }
    let _ = Time::from_rfc1123(text);
}

/// A receipt that is read can be written and read again.
pub fn receipt(data: &[u8]) {
    if let Ok(receipt) = serde_json::from_slice::<Receipt>(data) {
        let text = serde_json::to_vec(&receipt).expect("a receipt can be written");
        assert_eq!(serde_json::from_slice::<Receipt>(&text).ok(), Some(receipt));
    }
}
