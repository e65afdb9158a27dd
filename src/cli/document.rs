//! A manifest file, read, checked and compiled, with every problem shown.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::args::ManifestArgs;
use super::error::CliError;
use super::output;
use crate::clock;
use crate::desired::{self, Desired};
use crate::diagnostic::Diagnostic;
use crate::inputs;
use crate::manifest::{self, Account, Manifest};
use crate::report::diagnostic::render;

/// A manifest that is in order, with what it asks for.
pub(super) struct Document {
    pub(super) path: PathBuf,
    pub(super) account: Option<Account>,
    pub(super) desired: Desired,
}

impl Document {
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

fn folder(path: &Path) -> &Path {
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

/// Reads the manifest and the files it names; problems go to stderr.
pub(super) fn load(args: &ManifestArgs) -> Result<Document, CliError> {
    let page = Page::read(&args.manifest)?;
    let (manifest, mut diagnostics) = page.manifest(&args.vars)?;
    let cache = state_dir(&page.path).join("digests");
    let folder = folder(&page.path);
    let (snapshot, found) = inputs::scan(
        &desired::sources(&manifest),
        folder,
        Some(&cache),
        clock::now(),
    );
    diagnostics.extend(found);
    let (lists, found) = inputs::read_lists(&desired::lists(&manifest), folder);
    diagnostics.extend(found);
    let snapshot = snapshot.with_lists(lists);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(page.failed(&diagnostics));
    }
    let desired = desired::compile(&manifest, &snapshot, folder);
    page.document(manifest, desired, diagnostics)
}

/// Reads the manifest alone: what a destroy needs.
pub(super) fn load_footprint(args: &ManifestArgs) -> Result<Document, CliError> {
    let page = Page::read(&args.manifest)?;
    let (manifest, diagnostics) = page.manifest(&args.vars)?;
    let desired = desired::compile_footprint(&manifest, folder(&page.path));
    page.document(manifest, desired, diagnostics)
}

/// The autoscale formula of a manifest; problems go to stderr. The files it names are not read.
pub(super) fn formula(path: &Path, vars: &[(String, String)]) -> Result<String, CliError> {
    let page = Page::read(path)?;
    let (manifest, diagnostics) = page.manifest(vars)?;
    page.show(&diagnostics);
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

    /// The checked manifest and its warnings.
    fn manifest(&self, vars: &[(String, String)]) -> Result<(Manifest, Vec<Diagnostic>), CliError> {
        match manifest::load(&self.text, vars) {
            (Some(manifest), diagnostics) => Ok((manifest, diagnostics)),
            (None, diagnostics) => Err(self.failed(&diagnostics)),
        }
    }

    fn document(
        &self,
        manifest: Manifest,
        desired: Result<Desired, Vec<Diagnostic>>,
        mut diagnostics: Vec<Diagnostic>,
    ) -> Result<Document, CliError> {
        match desired {
            Ok(mut desired) => {
                self.show(&diagnostics);
                if let Some(download) = &mut desired.download {
                    download.to = tidy(&download.to);
                }
                Ok(Document {
                    path: self.path.clone(),
                    account: manifest.account,
                    desired,
                })
            }
            Err(found) => {
                diagnostics.extend(found);
                Err(self.failed(&diagnostics))
            }
        }
    }

    fn failed(&self, diagnostics: &[Diagnostic]) -> CliError {
        self.show(diagnostics);
        let errors: Vec<_> = diagnostics.iter().filter(|d| d.is_error()).collect();
        CliError::Manifest {
            problems: errors.len(),
            first: errors.first().map(|d| d.code),
        }
    }

    fn show(&self, diagnostics: &[Diagnostic]) {
        if !diagnostics.is_empty() {
            let name = self.path.display().to_string();
            output::talk(&render(
                diagnostics,
                &name,
                &self.text,
                output::stderr_color(),
            ));
        }
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
