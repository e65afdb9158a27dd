//! Files of a task as a table.

use anstyle::Style;

use super::quantity::bytes;
use super::style::BOLD;
use super::table::Table;
use crate::wire::batch::file::FileEntry;

/// A line for each file, folders ending with a slash, no wider than `width`; styled.
pub fn table(files: &[FileEntry], width: Option<usize>) -> String {
    let mut table = Table::new(["FILE", "SIZE", "CHANGED"]);
    for file in files {
        let is_folder = file.is_directory == Some(true);
        let name = file.name.clone().unwrap_or_default();
        let name = if is_folder { format!("{name}/") } else { name };
        let properties = file.properties.as_ref().filter(|_| !is_folder);
        let size = properties.and_then(|p| u64::try_from(p.content_length).ok());
        let changed = properties.map(|p| p.last_modified.whole_seconds().to_string());
        table.row([
            (BOLD, name),
            (Style::new(), size.map(bytes).unwrap_or_default()),
            (Style::new(), changed.unwrap_or_default()),
        ]);
    }
    table.render(width)
}
