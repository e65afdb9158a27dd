//! `[prices]`: what a node costs, for the bound that a plan names.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::manifest::at::At;
use crate::manifest::check::Checker;

/// What a node costs for an hour, so that the plan can say what a run costs at most.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "prices")]
pub(in crate::manifest) struct RawPrices {
    /// The currency, such as `EUR`.
    currency: At<String>,
    /// A dedicated node for an hour.
    #[schemars(range(min = 0))]
    dedicated_node_hour: f64,
    /// A spot node for an hour; default as a dedicated one.
    #[schemars(range(min = 0))]
    low_priority_node_hour: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Prices {
    pub currency: String,
    pub dedicated_node_hour: f64,
    pub low_priority_node_hour: f64,
}

impl RawPrices {
    pub(in crate::manifest) fn check(&self, checker: &mut Checker<'_>) -> Option<Prices> {
        Some(Prices {
            currency: checker.text(&self.currency)?.value,
            dedicated_node_hour: self.dedicated_node_hour,
            low_priority_node_hour: self
                .low_priority_node_hour
                .unwrap_or(self.dedicated_node_hour),
        })
    }
}
