//! A manifest file, read, checked and compiled, with every problem shown.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::args::ManifestArgs;
use super::error::CliError;
use super::{output, refused_value};
use crate::apply::ApplyError;
use crate::clock;
use crate::desired::{self, Desired};
use crate::diagnostic::Diagnostic;
use crate::inputs;
use crate::manifest::{self, Account, Manifest};
use crate::report::diagnostic::render;
use crate::report::json::Validation;

/// A manifest that is in order, with what it asks for.
pub(super) struct Document {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) account: Option<Account>,
    pub(super) desired: Desired,
}

impl Document {
    /// Shows where an apply failed because of a value of the manifest.
    pub(super) fn show_refused(&self, error: &ApplyError) {
        show(
            &refused_value::diagnostics(error, self),
            &self.path,
            &self.text,
        );
    }

    /// Where everything local to the manifest is kept: the state of the local service and the digest cache.
    pub(super) fn state_dir(&self) -> PathBuf {
        state_dir(&self.path)
    }

    /// The folder the receipt lies in.
    pub(super) fn receipt_folder(&self) -> PathBuf {
        match &self.desired.download {
            Some(download) => download.to.clone(),
            None => self.state_dir(),
        }
    }
}

/// The folder that a manifest's paths are relative to.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

pub(super) fn state_dir(path: &Path) -> PathBuf {
    folder(path)
        .join(".batchflow")
        .join(path.file_stem().unwrap_or_default())
}

/// What was found in a manifest and the files it names.
pub(super) struct Checked {
    page: Page,
    diagnostics: Vec<Diagnostic>,
    /// Some: there is no error.
    pub(super) document: Option<Document>,
}

impl Checked {
    /// Everything that was found, for machines.
    pub(super) fn validation(&self) -> Validation {
        let name = self.page.path.to_string_lossy();
        Validation::new(&name, &self.page.text, &self.diagnostics)
    }

    /// The document; problems go to stderr.
    pub(super) fn shown(self) -> Result<Document, CliError> {
        self.page.show(&self.diagnostics);
        self.document.ok_or_else(|| invalid(&self.diagnostics))
    }
}

/// Reads the manifest and the files it names; problems go to stderr.
pub(super) fn load(args: &ManifestArgs) -> Result<Document, CliError> {
    check(args)?.shown()
}

/// Reads the manifest and the files it names.
pub(super) fn check(args: &ManifestArgs) -> Result<Checked, CliError> {
    let page = Page::read(&args.manifest)?;
    let (manifest, mut diagnostics) = manifest::load(&page.text, &args.vars);
    let document = manifest.and_then(|manifest| {
        let desired = page.desired(&manifest, &mut diagnostics)?;
        Some(page.document(manifest, desired))
    });
    Ok(Checked {
        page,
        diagnostics,
        document,
    })
}

/// Reads the manifest alone: what a destroy needs.
pub(super) fn load_footprint(args: &ManifestArgs) -> Result<Document, CliError> {
    let page = Page::read(&args.manifest)?;
    let manifest = page.manifest(&args.vars)?;
    let desired = desired::compile_footprint(&manifest, folder(&page.path));
    match desired {
        Ok(desired) => Ok(page.document(manifest, desired)),
        Err(diagnostics) => {
            page.show(&diagnostics);
            Err(invalid(&diagnostics))
        }
    }
}

fn invalid(diagnostics: &[Diagnostic]) -> CliError {
    let errors: Vec<_> = diagnostics.iter().filter(|d| d.is_error()).collect();
    CliError::Manifest {
        problems: errors.len(),
        first: errors.first().map(|d| d.code),
    }
}

/// The autoscale formula of a manifest; problems go to stderr. The files it names are not read.
pub(super) fn formula(path: &Path, vars: &[(String, String)]) -> Result<String, CliError> {
    let page = Page::read(path)?;
    let manifest = page.manifest(vars)?;
    let auto_scale = manifest.pool.auto_scale;
    auto_scale
        .map(|a| a.formula.value)
        .ok_or_else(|| CliError::NoFormula(path.to_owned()))
}

/// The same path without `folder/..`, unless that folder is a link and `..` leads elsewhere.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        let goes_back = part == Component::ParentDir
            && matches!(tidy.components().next_back(), Some(Component::Normal(_)))
            && !tidy.is_symlink();
        if goes_back {
            tidy.pop();
        } else {
            tidy.push(part);
        }
    }
    tidy
}

fn show(diagnostics: &[Diagnostic], path: &Path, text: &str) {
    if !diagnostics.is_empty() {
        let name = path.display().to_string();
        let (color, width) = (output::stderr_color(), output::stderr_width());
        output::talk(&render(diagnostics, &name, text, color, width));
    }
}

/// The text of a manifest.
struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    fn read(path: &Path) -> Result<Self, CliError> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Self {
                path: path.to_owned(),
                text,
            }),
            Err(source) => Err(CliError::Unreadable {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// The checked manifest; problems go to stderr.
    fn manifest(&self, vars: &[(String, String)]) -> Result<Manifest, CliError> {
        let (manifest, diagnostics) = manifest::load(&self.text, vars);
        self.show(&diagnostics);
        manifest.ok_or_else(|| invalid(&diagnostics))
    }

    /// What a manifest asks for with the files that are there.
    fn desired(&self, manifest: &Manifest, diagnostics: &mut Vec<Diagnostic>) -> Option<Desired> {
        let cache = state_dir(&self.path).join("digests");
        let folder = folder(&self.path);
        let sources = desired::sources(manifest);
        let (snapshot, found) = inputs::scan(&sources, folder, Some(&cache), clock::now());
        diagnostics.extend(found);
        let (lists, found) = inputs::read_lists(&desired::lists(manifest), folder);
        diagnostics.extend(found);
        if diagnostics.iter().any(Diagnostic::is_error) {
            return None;
        }
        desired::compile(manifest, &snapshot.with_lists(lists), folder)
            .map_err(|found| diagnostics.extend(found))
            .ok()
    }

    fn document(&self, manifest: Manifest, mut desired: Desired) -> Document {
        if let Some(download) = &mut desired.download {
            download.to = tidy(&download.to);
        }
        Document {
            path: self.path.clone(),
            text: self.text.clone(),
            account: manifest.account,
            desired,
        }
    }

    fn show(&self, diagnostics: &[Diagnostic]) {
        show(diagnostics, &self.path, &self.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_without_detours() {
        for (path, tidied) in [
            ("manifests/../out/words", "out/words"),
            ("../out", "../out"),
            ("../../a/../b", "../../b"),
            ("./m/../out", "./out"),
            ("/a/b/../c", "/a/c"),
        ] {
            assert_eq!(tidy(Path::new(path)), Path::new(tidied), "{path}");
        }
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/usr/bin", &link).unwrap();
        assert_eq!(tidy(&link.join("../x")), link.join("../x"));
    }
}
