//! Checks on bodies that several resources share. What the local service cannot do is refused by name.

use super::limits;
use crate::ids::check_batch_id;
use crate::wire::batch::command::{
    ApplicationPackageReference, EnvironmentSetting, MetadataItem, OutputFile, ResourceFile,
    StartTask, UserIdentity,
};
use crate::wire::batch::error::{Code, Refusal};

type Checked = Result<(), Refusal>;

/// A property that the local service does not support yet.
pub(super) fn unsupported(property: &str, what: &str) -> Refusal {
    Refusal::new(Code::UnsupportedProperty)
        .with("PropertyName", property)
        .with(
            "Reason",
            format!("the local service does not support {what} yet"),
        )
}

pub(super) fn missing(property: &str) -> Refusal {
    Refusal::new(Code::MissingRequiredProperty).with("PropertyName", property)
}

/// Refuses a property that is there.
pub(super) fn refuse_if(present: bool, property: &str, what: &str) -> Checked {
    if present {
        return Err(unsupported(property, what));
    }
    Ok(())
}

pub(super) fn id(id: &str) -> Checked {
    check_batch_id(id).map_err(|e| Refusal::property("id", id, e.to_string()))
}

pub(super) fn display_name(name: Option<&str>) -> Checked {
    match name {
        Some(n) if n.chars().count() > limits::MAX_DISPLAY_NAME => Err(Refusal::property(
            "displayName",
            format!("{} characters", n.chars().count()),
            "A display name has at most 1024 characters",
        )),
        _ => Ok(()),
    }
}

pub(super) fn command_line(at: &str, text: &str) -> Checked {
    if text.trim().is_empty() {
        return Err(Refusal::property(at, text, "The command line is empty"));
    }
    if text.len() > limits::MAX_COMMAND_LINE {
        return Err(Refusal::property(
            at,
            format!("{} bytes", text.len()),
            "A command line has at most 32768 bytes",
        ));
    }
    if text.contains('\0') {
        return Err(Refusal::property(at, "", "The command line contains NUL"));
    }
    Ok(())
}

/// -1 retries without limit.
pub(super) fn retry_count(at: &str, count: Option<i32>) -> Checked {
    match count {
        Some(n) if n < -1 => Err(Refusal::property(
            at,
            n.to_string(),
            "The retry count is -1 or more",
        )),
        _ => Ok(()),
    }
}

pub(super) fn environment(at: &str, settings: &[EnvironmentSetting]) -> Checked {
    for setting in settings {
        let name = &setting.name;
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(Refusal::property(
                &format!("{at}.name"),
                name.clone(),
                "The name of an environment variable is not empty and has no `=`",
            ));
        }
        if name.to_ascii_uppercase().starts_with("AZ_BATCH_") {
            return Err(Refusal::property(
                &format!("{at}.name"),
                name.clone(),
                "Names that start with AZ_BATCH_ are reserved",
            ));
        }
        if setting.value.as_deref().is_some_and(|v| v.contains('\0')) {
            return Err(Refusal::property(
                &format!("{at}.value"),
                name.clone(),
                "The value contains NUL",
            ));
        }
    }
    Ok(())
}

pub(super) fn metadata(items: &[MetadataItem]) -> Checked {
    if items.iter().any(|i| i.name.is_empty()) {
        return Err(Code::EmptyMetadataKey.into());
    }
    Ok(())
}

pub(super) fn application_packages(list: &[ApplicationPackageReference]) -> Checked {
    if list.len() > limits::MAX_APPLICATION_PACKAGES {
        return Err(Refusal::property(
            "applicationPackageReferences",
            format!("{} packages", list.len()),
            "A pool or task has at most 10 application packages",
        ));
    }
    // The account has no applications, so no reference can be satisfied.
    match list.first() {
        Some(first) => Err(Refusal::new(Code::InvalidApplicationPackageReferences)
            .with("ApplicationId", first.application_id.clone())
            .with("Reason", "The local service has no applications")),
        None => Ok(()),
    }
}

pub(super) fn resource_files(at: &str, files: &[ResourceFile]) -> Checked {
    for file in files {
        refuse_if(
            file.auto_storage_container_name.is_some(),
            &format!("{at}.autoStorageContainerName"),
            "auto storage",
        )?;
        refuse_if(
            file.identity_reference.is_some(),
            &format!("{at}.identityReference"),
            "managed identities",
        )?;
        match (&file.http_url, &file.storage_container_url) {
            (Some(url), None) => {
                if file.file_path.as_deref().unwrap_or_default().is_empty() {
                    return Err(missing(&format!("{at}.filePath")));
                }
                if file.blob_prefix.is_some() {
                    return Err(Refusal::property(
                        &format!("{at}.blobPrefix"),
                        file.blob_prefix.clone().unwrap_or_default(),
                        "A blob prefix goes with a container, not with httpUrl",
                    ));
                }
                web_address(&format!("{at}.httpUrl"), url)?;
            }
            (None, Some(url)) => web_address(&format!("{at}.storageContainerUrl"), url)?,
            _ => {
                return Err(Refusal::property(
                    at,
                    file.file_path.clone().unwrap_or_default(),
                    "A resource file has exactly one of httpUrl and storageContainerUrl",
                ));
            }
        }
        relative_path(&format!("{at}.filePath"), file.file_path.as_deref())?;
        let mode = file.file_mode.as_deref();
        if mode.is_some_and(|m| !u32::from_str_radix(m, 8).is_ok_and(|m| m <= 0o7777)) {
            return Err(Refusal::property(
                &format!("{at}.fileMode"),
                file.file_mode.clone().unwrap_or_default(),
                "A file mode is octal, such as 0770",
            ));
        }
    }
    Ok(())
}

pub(super) fn output_files(files: &[OutputFile]) -> Checked {
    const AT: &str = "outputFiles";
    for file in files {
        let Some(container) = &file.destination.container else {
            return Err(missing(&format!("{AT}.destination.container")));
        };
        refuse_if(
            container.identity_reference.is_some(),
            &format!("{AT}.destination.container.identityReference"),
            "managed identities",
        )?;
        if file.file_pattern.is_empty() {
            return Err(Refusal::property(
                &format!("{AT}.filePattern"),
                "",
                "The pattern is empty",
            ));
        }
        web_address(
            &format!("{AT}.destination.container.containerUrl"),
            &container.container_url,
        )?;
    }
    Ok(())
}

/// Who it names is not looked at: everything runs as the user of the service.
pub(super) fn user_identity(at: &str, identity: Option<&UserIdentity>) -> Checked {
    match identity {
        Some(user) if user.username.is_some() == user.auto_user.is_some() => {
            Err(Refusal::property(
                at,
                user.username.clone().unwrap_or_default(),
                "A user identity has either the name of a user or an auto user",
            ))
        }
        _ => Ok(()),
    }
}

pub(super) fn start_task(task: &StartTask) -> Checked {
    command_line("startTask.commandLine", &task.command_line)?;
    refuse_if(
        task.container_settings.is_some(),
        "startTask.containerSettings",
        "container tasks",
    )?;
    user_identity("startTask.userIdentity", task.user_identity.as_ref())?;
    resource_files("startTask.resourceFiles", &task.resource_files)?;
    environment("startTask.environmentSettings", &task.environment_settings)?;
    retry_count("startTask.maxTaskRetryCount", task.max_task_retry_count)
}

/// The value is left out of the refusal: it may carry a signature.
pub(super) fn web_address(at: &str, url: &str) -> Checked {
    let known = ["http://", "https://"].iter().any(|scheme| {
        url.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    if known {
        return Ok(());
    }
    Err(Refusal::property(
        at,
        "",
        "The value is not an http or https URL",
    ))
}

fn relative_path(at: &str, path: Option<&str>) -> Checked {
    let Some(path) = path else { return Ok(()) };
    if path.starts_with('/') || path.contains('\0') || path.split('/').any(|s| s == "..") {
        return Err(Refusal::property(
            at,
            path,
            "The path leaves the working directory of the task",
        ));
    }
    Ok(())
}
