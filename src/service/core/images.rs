//! The images the local service claims to have: current ones of the real service. Nodes run on this machine
//! whatever the image says; the table is here so that a wrong one is noticed before it is paid for.

use crate::wire::batch::error::Refusal;
use crate::wire::batch::machine::{
    ImageReference, ImageVerificationType, OSType, SupportedImage, VirtualMachineConfiguration,
};

struct Image {
    publisher: &'static str,
    offer: &'static str,
    sku: &'static str,
    agent: &'static str,
    os: OSType,
}

const fn linux(
    publisher: &'static str,
    offer: &'static str,
    sku: &'static str,
    agent: &'static str,
) -> Image {
    Image {
        publisher,
        offer,
        sku,
        agent,
        os: OSType::Linux,
    }
}

const fn windows(offer: &'static str, sku: &'static str) -> Image {
    Image {
        publisher: "microsoftwindowsserver",
        offer,
        sku,
        agent: "batch.node.windows amd64",
        os: OSType::Windows,
    }
}

const IMAGES: &[Image] = &[
    linux("almalinux", "almalinux-x86_64", "9-gen2", "batch.node.el 9"),
    linux(
        "canonical",
        "0001-com-ubuntu-server-jammy",
        "22_04-lts",
        "batch.node.ubuntu 22.04",
    ),
    linux(
        "canonical",
        "ubuntu-24_04-lts",
        "server",
        "batch.node.ubuntu 24.04",
    ),
    linux("debian", "debian-12", "12", "batch.node.debian 12"),
    linux("debian", "debian-12", "12-gen2", "batch.node.debian 12"),
    linux(
        "microsoft-dsvm",
        "ubuntu-hpc",
        "2204",
        "batch.node.ubuntu 22.04",
    ),
    windows("windowsserver", "2022-datacenter"),
    windows("windowsserver", "2022-datacenter-core"),
];

/// The table as the service lists it.
pub(super) fn supported() -> Vec<SupportedImage> {
    IMAGES
        .iter()
        .map(|i| SupportedImage {
            node_agent_sku_id: i.agent.to_owned(),
            image_reference: ImageReference {
                publisher: Some(i.publisher.to_owned()),
                offer: Some(i.offer.to_owned()),
                sku: Some(i.sku.to_owned()),
                version: Some("latest".to_owned()),
                ..ImageReference::default()
            },
            os_type: i.os,
            capabilities: Vec::new(),
            batch_support_end_of_life: None,
            verification_type: ImageVerificationType::Verified,
        })
        .collect()
}

/// Refuses an image that is not in the table, an agent that does not go with it, and Windows.
pub(super) fn check(machine: &VirtualMachineConfiguration) -> Result<(), Refusal> {
    const IMAGE: &str = "virtualMachineConfiguration.imageReference";
    let image = &machine.image_reference;
    for (name, given) in [
        ("virtualMachineImageId", &image.virtual_machine_image_id),
        ("sharedGalleryImageId", &image.shared_gallery_image_id),
        ("communityGalleryImageId", &image.community_gallery_image_id),
    ] {
        if given.is_some() {
            return Err(super::check::unsupported(
                &format!("{IMAGE}.{name}"),
                "custom and gallery images",
            ));
        }
    }
    let is = |given: &Option<String>, wanted: &str| {
        given
            .as_deref()
            .is_some_and(|g| g.eq_ignore_ascii_case(wanted))
    };
    let text = |given: &Option<String>| given.clone().unwrap_or_default();
    let Some(known) = IMAGES.iter().find(|i| {
        is(&image.publisher, i.publisher) && is(&image.offer, i.offer) && is(&image.sku, i.sku)
    }) else {
        let value = [&image.publisher, &image.offer, &image.sku]
            .map(text)
            .join(":");
        return Err(Refusal::property(
            IMAGE,
            value,
            "The image is not among the supported images of the local service",
        ));
    };
    if known.os == OSType::Windows {
        return Err(Refusal::property(
            IMAGE,
            known.offer,
            "The local service runs Linux tasks only",
        ));
    }
    if !machine.node_agent_sku_id.eq_ignore_ascii_case(known.agent) {
        return Err(Refusal::property(
            "virtualMachineConfiguration.nodeAgentSKUId",
            machine.node_agent_sku_id.clone(),
            format!("The image needs the node agent `{}`", known.agent),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(
        publisher: &str,
        offer: &str,
        sku: &str,
        agent: &str,
    ) -> VirtualMachineConfiguration {
        let json = serde_json::json!({
            "imageReference": {"publisher": publisher, "offer": offer, "sku": sku},
            "nodeAgentSKUId": agent,
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn images_and_agents_must_fit() {
        let reason =
            |m| check(&m).map_err(|r: Refusal| r.values.last().map(|(_, reason)| reason.clone()));
        let ubuntu = machine(
            "Canonical",
            "ubuntu-24_04-lts",
            "server",
            "batch.node.ubuntu 24.04",
        );
        assert_eq!(reason(ubuntu), Ok(()));
        let other = machine(
            "canonical",
            "ubuntu-24_04-lts",
            "server",
            "batch.node.ubuntu 22.04",
        );
        let why = "The image needs the node agent `batch.node.ubuntu 24.04`".to_owned();
        assert_eq!(reason(other), Err(Some(why)));
        let windows = machine(
            "microsoftwindowsserver",
            "windowsserver",
            "2022-datacenter",
            "batch.node.windows amd64",
        );
        let why = "The local service runs Linux tasks only".to_owned();
        assert_eq!(reason(windows), Err(Some(why)));
        assert!(reason(machine("nobody", "nothing", "x", "y")).is_err());
    }
}
