//! Keys that people bring along: from older versions of Azure Batch, or by their REST name where a manifest says
//! the same otherwise.

/// The place (`*`: anywhere below a resource of Azure Batch), the key, and what to write instead.
const RETIRED: &[(&str, &str, &str)] = &[
    (
        "pool",
        "certificate_references",
        "certificates left Azure Batch with version 2025-06-01: let the Key Vault extension install them (`pool.extensions`)",
    ),
    (
        "pool",
        "cloud_service_configuration",
        "cloud services left Azure Batch with version 2024-07-01: name an image of virtual machines in `pool.image`",
    ),
    (
        "pool",
        "target_node_communication_mode",
        "version 2025-06-01 knows only simplified communication: leave it out",
    ),
    ("pool", "resource_tags", "use `pool.metadata`"),
    (
        "pool",
        "application_licenses",
        "they left Azure Batch with version 2024-07-01: use an image that carries the licence",
    ),
    (
        "pool",
        "max_tasks_per_node",
        "use `pool.task_slots_per_node`",
    ),
    (
        "pool",
        "virtual_machine_configuration",
        "its properties stand in `[pool]` itself: `image`, `node_agent_sku_id`",
    ),
    ("pool", "image_reference", "use `pool.image`"),
    (
        "pool",
        "enable_auto_scale",
        "it follows from `pool.auto_scale_formula`",
    ),
    ("job", "pool_info", "the job runs on the pool of `[pool]`"),
    (
        "*",
        "authentication_token_settings",
        "they are not part of version 2025-06-01: give the task a managed identity of the pool",
    ),
    (
        "*",
        "blob_source",
        "use `http_url`, or `container` and `blob`",
    ),
    (
        "*",
        "storage_container_url",
        "use `container`: the URL and its signature are made from it",
    ),
    (
        "*",
        "auto_storage_container_name",
        "use `container`, with a container of this manifest",
    ),
];

/// What to write instead of a key that stands in the table at `path`.
pub(super) fn replacement(path: &str, key: &str) -> Option<&'static str> {
    RETIRED
        .iter()
        .find(|(place, name, _)| *name == key && (*place == "*" || *place == path))
        .map(|(.., help)| *help)
}
