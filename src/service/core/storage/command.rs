//! What can be asked of the storage and what it answers.

use super::{Container, ContentHeaders, CopyRecord, Leasing, Metadata, Properties, Segment};
use crate::ids::{BlobName, ContainerName};
use crate::wire::blob::block::{BlockId, Source};
use crate::wire::blob::condition::Conditions;
use crate::wire::blob::lease::{Action, LeaseId};
use crate::wire::time::Time;

/// A blob by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::service) struct BlobRef {
    pub(in crate::service) container: ContainerName,
    pub(in crate::service) blob: BlobName,
}

/// Which part of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::service) struct Page {
    pub(in crate::service) prefix: String,
    /// The first name that may come.
    pub(in crate::service) from: Option<String>,
    pub(in crate::service) max_results: usize,
}

/// A blob written as a whole, from content (Put Blob) or from blocks (Put Block List).
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) struct Put<Content> {
    pub(in crate::service) blob: BlobRef,
    pub(in crate::service) content: Content,
    pub(in crate::service) headers: ContentHeaders,
    pub(in crate::service) metadata: Metadata,
    pub(in crate::service) conditions: Conditions,
    /// The caller may create a blob but not replace one.
    pub(in crate::service) create_only: bool,
    /// Only of copies.
    pub(in crate::service) copy: Option<CopyRecord>,
}

/// A blob made of another one of the account.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) struct Copy {
    pub(in crate::service) source: BlobRef,
    pub(in crate::service) source_conditions: Conditions,
    pub(in crate::service) blob: BlobRef,
    pub(in crate::service) kind: CopyKind,
    /// Empty to take the source's, where the kind takes any.
    pub(in crate::service) metadata: Metadata,
    pub(in crate::service) conditions: Conditions,
    pub(in crate::service) create_only: bool,
}

/// The two requests that copy.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) enum CopyKind {
    /// Copy Blob: takes headers, metadata and blocks along and remembers where from.
    Copy {
        id: String,
        /// The URL of the source without its query.
        from: String,
    },
    /// Put Blob From URL: a new blob with these headers, or the source's where one is absent and they are wanted.
    Put {
        headers: ContentHeaders,
        source_headers: bool,
    },
}

/// One request to the storage.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) enum BlobCommand {
    ListContainers {
        page: Page,
    },
    CreateContainer {
        container: ContainerName,
        metadata: Metadata,
    },
    GetContainer {
        container: ContainerName,
        lease: Option<LeaseId>,
    },
    /// Of the conditions, the lease is not one: the action names it.
    LeaseContainer {
        container: ContainerName,
        action: Action,
        conditions: Conditions,
    },
    /// As [`Self::LeaseContainer`].
    LeaseBlob {
        blob: BlobRef,
        action: Action,
        conditions: Conditions,
    },
    SetContainerMetadata {
        container: ContainerName,
        metadata: Metadata,
        conditions: Conditions,
    },
    /// The policy that is always there: only the ETag changes.
    SetContainerAcl {
        container: ContainerName,
        conditions: Conditions,
    },
    DeleteContainer {
        container: ContainerName,
        conditions: Conditions,
    },
    ListBlobs {
        container: ContainerName,
        /// Empty for a flat listing.
        delimiter: String,
        /// Whether to show blobs of which only blocks are there, as empty ones.
        uncommitted: bool,
        page: Page,
    },
    PutBlob(Box<Put<Segment>>),
    CopyBlob(Box<Copy>),
    GetBlob {
        blob: BlobRef,
        conditions: Conditions,
    },
    GetBlobProperties {
        blob: BlobRef,
        conditions: Conditions,
    },
    SetBlobMetadata {
        blob: BlobRef,
        metadata: Metadata,
        conditions: Conditions,
    },
    /// Sets all of the headers: what is not given is cleared.
    SetBlobProperties {
        blob: BlobRef,
        headers: ContentHeaders,
        conditions: Conditions,
    },
    DeleteBlob {
        blob: BlobRef,
        conditions: Conditions,
    },
    PutBlock {
        blob: BlobRef,
        block: BlockId,
        content: Segment,
        lease: Option<LeaseId>,
    },
    PutBlockList(Box<Put<Vec<(Source, BlockId)>>>),
    GetBlockList {
        blob: BlobRef,
        lease: Option<LeaseId>,
    },
}

/// The answer to a [`BlobCommand`]; which one belongs to which command is said at each.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) enum BlobReply {
    /// To deletions and Put Block.
    Done,
    /// To everything that writes a container or a blob: when, which is also its ETag.
    Written(Time),
    /// To LeaseContainer and LeaseBlob.
    Leasing(Leasing),
    /// To ListContainers.
    Containers(ContainerPage),
    /// To GetContainer.
    Container(Box<Container>),
    /// To ListBlobs.
    Blobs(BlobPage),
    /// To GetBlob.
    Blob(Box<super::Blob>),
    /// To GetBlobProperties.
    Properties(Box<Properties>),
    /// To GetBlockList.
    Blocks(Box<BlockLists>),
}

/// Some containers in the order of their names.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) struct ContainerPage {
    pub(in crate::service) containers: Vec<(String, Container)>,
    /// The first name of the next page.
    pub(in crate::service) next: Option<String>,
}

/// A blob, or all names up to a delimiter.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) enum ListedBlob {
    Blob {
        name: String,
        properties: Box<Properties>,
    },
    Prefix(String),
}

/// Some blobs in the order of their names.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) struct BlobPage {
    pub(in crate::service) blobs: Vec<ListedBlob>,
    /// The first name of the next page.
    pub(in crate::service) next: Option<String>,
}

/// The blocks of a blob with their lengths in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) struct BlockLists {
    pub(in crate::service) committed: Vec<(BlockId, u64)>,
    pub(in crate::service) uncommitted: Vec<(BlockId, u64)>,
    /// The blob itself, if anything was committed yet.
    pub(in crate::service) blob: Option<Properties>,
}
