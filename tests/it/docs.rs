//! README and `docs`: links lead somewhere, commands do what they say, tables are those of the code.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use batchflow::report::exit_code::EXIT_CODES;

use crate::support::{Ran, Workshop};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|e| panic!("{page}: {e}"))
}

/// All pages, by their paths from the root.
fn pages() -> Vec<String> {
    let samples = "samples/use-the-local-service/README.md";
    let mut pages: Vec<String> = ["README.md", "SECURITY.md", samples]
        .map(str::to_owned)
        .into();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            pages.push(format!("docs/{name}"));
        }
    }
    assert!(pages.len() > 12, "{pages:?}");
    pages
}

/// A block of a page between fences.
pub(crate) struct Block {
    pub(crate) kind: String,
    /// The file that the line before it names, as in "`words.toml`:".
    file: Option<String>,
    pub(crate) lines: Vec<String>,
}

pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut inside = false;
    let mut before = "";
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(_) if inside => inside = false,
            Some(kind) => {
                inside = true;
                let named = before.strip_suffix("`:").and_then(|b| b.rsplit_once('`'));
                found.push(Block {
                    kind: kind.to_owned(),
                    file: named
                        .map(|(_, file)| file.to_owned())
                        .filter(|f| f.contains('.')),
                    lines: Vec::new(),
                });
            }
            None if inside => found.last_mut().unwrap().lines.push(line.to_owned()),
            None => {}
        }
        if !line.is_empty() {
            before = line;
        }
    }
    found
}

/// Does what a page says: writes its files, runs its commands, and looks for what they are said to print.
fn follow(page: &str, shop: &Workshop) {
    let bin = shop.path("bin");
    fs::create_dir(&bin).unwrap();
    symlink(env!("CARGO_BIN_EXE_batchflow"), bin.join("batchflow")).unwrap();
    let mut commands = 0;
    for block in blocks(&text(page)) {
        if let Some(file) = &block.file {
            shop.write(file, &(block.lines.join("\n") + "\n"));
        }
        if block.kind != "console" {
            continue;
        }
        let mut said = String::new();
        let lines = block.lines.join("\n").replace("\\\n", "");
        for line in lines.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                commands += 1;
                let mut shell = Command::new("sh");
                shell
                    .args(["-c", command])
                    .current_dir(shop.path(""))
                    .env_clear()
                    .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
                    .env("HOME", shop.path(""));
                let ran = Ran::of(shell.output().unwrap()).ends_with(0);
                said = ran.stdout() + &ran.stderr();
            } else {
                assert!(
                    said.lines().any(|l| is_said(line, l)),
                    "{page}: {line}\nis not in\n{said}"
                );
            }
        }
    }
    assert!(commands > 0, "{page} has no commands");
}

/// Whether a line is what a page says; `…` stands for anything.
fn is_said(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split('…');
    let mut rest = parts.next().and_then(|first| line.strip_prefix(first));
    for part in parts {
        rest = rest.and_then(|r| r.find(part).map(|at| &r[at + part.len()..]));
    }
    rest.is_some_and(|r| r.is_empty() || pattern.ends_with('…'))
}

#[test]
fn the_readme_leads_to_twenty_files_of_your_own() {
    let shop = Workshop::new();
    for n in 1..=20 {
        shop.write(&format!("texts/{n}.txt"), &"word ".repeat(n));
    }
    follow("README.md", &shop);
    assert_eq!(shop.read("counts/17.count").trim(), "17");
    shop.write("photos/holiday/beach.jpg", "");
    shop.run(["validate", "thumbnails.toml"]).ends_with(0);
}

#[test]
fn the_quick_start_works() {
    follow("docs/quick-start.md", &Workshop::new());
}

#[test]
fn what_others_read_is_imported_as_the_page_says() {
    follow("docs/migration.md", &Workshop::new());
}

#[test]
fn exit_codes_are_on_their_page() {
    let page = text("docs/exit-codes.md");
    for (_, number, meaning) in EXIT_CODES {
        assert!(
            page.contains(&format!("\n| {number} | {meaning} | ")),
            "{number}"
        );
    }
    assert_eq!(
        page.lines().filter(|l| l.starts_with("| ")).count(),
        EXIT_CODES.len() + 1
    );
}

#[test]
fn every_reason_is_on_its_page() {
    let page = text("docs/why.md");
    let source = text("src/report/reason.rs");
    let quoted = source.split('"').skip(1).step_by(2);
    let snake = |c: char| c.is_ascii_lowercase() || c == '_';
    // No other text there has an underscore.
    let codes: BTreeSet<&str> = quoted
        .filter(|q| q.contains('_') && q.chars().all(snake) && *q != "stderr_tail")
        .collect();
    assert!(codes.len() > 20, "{codes:?}");
    let absent: Vec<_> = codes
        .iter()
        .filter(|code| !page.contains(&format!("`{code}`")))
        .collect();
    assert!(absent.is_empty(), "docs/why.md lacks {absent:?}");
}

#[test]
fn every_kind_of_failure_is_on_its_page() {
    let page = text("docs/why.md");
    let source = text("src/report/cause.rs");
    let camel = |q: &str| q.starts_with(char::is_uppercase) && q.chars().all(char::is_alphanumeric);
    let codes: Vec<&str> = source
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|q| camel(q))
        .collect();
    assert!(codes.len() > 4, "{codes:?}");
    let kinds = ["application", "scheduling", "constraint", "upload", "ended"];
    for word in codes.into_iter().chain(kinds) {
        assert!(
            page.contains(&format!("`{word}`")),
            "docs/why.md lacks {word}"
        );
    }
}

#[test]
fn the_index_names_every_page() {
    let index = text("docs/README.md");
    for page in pages() {
        if let Some(name) = page.strip_prefix("docs/").filter(|n| *n != "README.md") {
            assert!(index.contains(&format!("]({name})")), "{name}");
        }
    }
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    let lower = heading.trim().to_lowercase();
    lower
        .chars()
        .filter(kept)
        .collect::<String>()
        .replace(' ', "-")
}

fn anchors(page: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in page.lines() {
        fenced ^= line.starts_with("```");
        let heading = line.trim_start_matches('#');
        if !fenced && heading.len() < line.len() && heading.starts_with(' ') {
            found.push(anchor(heading));
        }
    }
    found
}

/// The targets of the links of a page, those in code left out.
fn links(page: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in page.lines() {
        fenced ^= line.starts_with("```");
        if fenced {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let targets = prose
            .split("](")
            .skip(1)
            .filter_map(|l| l.split(')').next());
        found.extend(targets.map(str::to_owned));
    }
    found
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for link in links(&text(&page)) {
            if link.contains("://") {
                continue;
            }
            seen += 1;
            let (file, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let target: PathBuf = match file {
                "" => root().join(&page),
                file => root().join(&page).parent().unwrap().join(file),
            };
            let there = match fragment {
                "" => target.exists(),
                fragment => fs::read_to_string(&target)
                    .is_ok_and(|text| anchors(&text).iter().any(|a| a == fragment)),
            };
            if !there {
                wrong.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(seen > 50, "only {seen} links found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
