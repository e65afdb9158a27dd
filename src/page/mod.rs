//! What the HTML report and the live page of the local service share: colours, type, and a table that stays quick
//! with very many rows. Text alone; it knows neither runs nor services.

/// Colours for light and dark, type, and the look of tables, tiles and badges.
pub const THEME: &str = include_str!("theme.css");

/// A JavaScript module: `Table`, which draws only the rows in sight, and `span`, a length of time in words.
pub const TABLE: &str = include_str!("table.js");
