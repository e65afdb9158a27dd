//! A manifest file, read, checked and compiled, with every problem shown.

use std::fs;
use std::path::{Path, PathBuf};

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

fn state_dir(path: &Path) -> PathBuf {
    folder(path)
        .join(".batchflow")
        .join(path.file_stem().unwrap_or_default())
}

/// Reads the manifest and the files it names; problems go to stderr.
pub(super) fn load(args: &ManifestArgs) -> Result<Document, CliError> {
    let page = Page::read(&args.manifest)?;
    let (manifest, mut diagnostics) = page.manifest(args)?;
    let cache = state_dir(&page.path).join("digests");
    let folder = folder(&page.path);
    let (snapshot, found) = inputs::scan(
        &desired::sources(&manifest),
        folder,
        Some(&cache),
        clock::now(),
    );
    diagnostics.extend(found);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(page.failed(&diagnostics));
    }
    let desired = desired::compile(&manifest, &snapshot, folder);
    page.document(manifest, desired, diagnostics)
}

/// Reads the manifest alone: what a destroy needs.
pub(super) fn load_footprint(args: &ManifestArgs) -> Result<Document, CliError> {
    let page = Page::read(&args.manifest)?;
    let (manifest, diagnostics) = page.manifest(args)?;
    let desired = desired::compile_footprint(&manifest, folder(&page.path));
    page.document(manifest, desired, diagnostics)
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
    fn manifest(&self, args: &ManifestArgs) -> Result<(Manifest, Vec<Diagnostic>), CliError> {
        match manifest::load(&self.text, &args.vars) {
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
            Ok(desired) => {
                self.show(&diagnostics);
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
        CliError::Manifest {
            problems: diagnostics.iter().filter(|d| d.is_error()).count(),
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
