//! Error codes of Blob Storage with their status and text, and the refusal that carries one.

use super::xml::Element;
use crate::wire::time::Time;

macro_rules! codes {
    ($($name:ident $status:literal $text:literal;)+) => {
        /// A code of the service's error body; the name is the code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($name,)+ }

        impl Code {
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// The HTTP status it comes with.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// The text of the service.
            pub fn message(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

codes! {
    NotModified 304 "The condition specified using HTTP conditional header(s) is not met.";
    BlockListTooLong 400 "The block list may not contain more than 50,000 blocks.";
    EmptyMetadataKey 400 "The key for one of the metadata key-value pairs is empty.";
    InvalidAuthenticationInfo 400 "Authentication information is not given in the correct format. Check the value of Authorization header.";
    InvalidBlobOrBlock 400 "The specified blob or block content is invalid.";
    InvalidBlockId 400 "The specified block ID is invalid. The block ID must be Base64-encoded.";
    InvalidBlockList 400 "The specified block list is invalid.";
    InvalidHeaderValue 400 "The value for one of the HTTP headers is not in the correct format.";
    InvalidInput 400 "One of the request inputs is not valid.";
    InvalidMd5 400 "The MD5 value specified in the request is invalid. The MD5 value must be 128 bits and Base64-encoded.";
    InvalidMetadata 400 "The metadata specified is invalid. It has characters that are not permitted.";
    InvalidQueryParameterValue 400 "Value for one of the query parameters specified in the request URI is invalid.";
    InvalidResourceName 400 "The specified resource name contains invalid characters.";
    InvalidUri 400 "The requested URI does not represent any resource on the server.";
    InvalidXmlDocument 400 "XML specified is not syntactically valid.";
    Md5Mismatch 400 "The MD5 value specified in the request did not match with the MD5 value calculated by the server.";
    MetadataTooLarge 400 "The size of the specified metadata exceeds the maximum size permitted.";
    MissingRequiredHeader 400 "An HTTP header that's mandatory for this request is not specified.";
    MissingRequiredQueryParameter 400 "A query parameter that's mandatory for this request is not specified.";
    MultipleConditionHeadersNotSupported 400 "Multiple condition headers are not supported.";
    OutOfRangeInput 400 "One of the request inputs is out of range.";
    OutOfRangeQueryParameterValue 400 "One of the query parameters specified in the request URI is outside the permissible range.";
    UnsatisfiableCondition 400 "The request includes an unsatisfiable condition for this operation.";
    UnsupportedHeader 400 "One of the HTTP headers specified in the request is not supported.";
    UnsupportedQueryParameter 400 "One of the query parameters specified in the request URI is not supported.";
    NoAuthenticationInformation 401 "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.";
    AuthenticationFailed 403 "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.";
    AuthorizationFailure 403 "This request is not authorized to perform this operation.";
    AuthorizationPermissionMismatch 403 "This request is not authorized to perform this operation using this permission.";
    AuthorizationProtocolMismatch 403 "This request is not authorized to perform this operation using this protocol.";
    AuthorizationResourceTypeMismatch 403 "This request is not authorized to perform this operation using this resource type.";
    AuthorizationServiceMismatch 403 "This request is not authorized to perform this operation using this service.";
    CannotVerifyCopySource 403 "The copy source cannot be read with what the request presents.";
    BlobNotFound 404 "The specified blob does not exist.";
    ContainerNotFound 404 "The specified container does not exist.";
    ResourceNotFound 404 "The specified resource does not exist.";
    UnsupportedHttpVerb 405 "The resource doesn't support specified Http Verb.";
    BlobAlreadyExists 409 "The specified blob already exists.";
    BlockCountExceedsLimit 409 "The uncommitted block count cannot exceed the maximum limit of 100,000 blocks.";
    ContainerAlreadyExists 409 "The specified container already exists.";
    LeaseAlreadyPresent 409 "There is already a lease present.";
    LeaseIdMismatchWithLeaseOperation 409 "The lease ID specified did not match the lease ID for the blob/container.";
    LeaseIsBreakingAndCannotBeAcquired 409 "The lease ID matched, but the lease is currently in breaking state and cannot be acquired until it is broken.";
    LeaseIsBreakingAndCannotBeChanged 409 "The lease ID matched, but the lease is currently in breaking state and cannot be changed.";
    LeaseIsBrokenAndCannotBeRenewed 409 "The lease ID matched, but the lease has been broken explicitly and cannot be renewed.";
    LeaseNotPresentWithLeaseOperation 409 "There is currently no lease on the blob/container.";
    NoPendingCopyOperation 409 "There is currently no pending copy operation.";
    ContainerBeingDeleted 409 "The specified container is being deleted. Try operation later.";
    InvalidBlobType 409 "The blob type is invalid for this operation.";
    PublicAccessNotPermitted 409 "Public access is not permitted on this storage account.";
    MissingContentLengthHeader 411 "The Content-Length header was not specified.";
    ConditionNotMet 412 "The condition specified using HTTP conditional header(s) is not met.";
    LeaseIdMismatchWithBlobOperation 412 "The lease ID specified did not match the lease ID for the blob.";
    LeaseIdMismatchWithContainerOperation 412 "The lease ID specified did not match the lease ID for the container.";
    LeaseIdMissing 412 "There is currently a lease on the blob/container and no lease ID was specified in the request.";
    LeaseLost 412 "A lease ID was specified, but the lease for the blob/container has expired.";
    LeaseNotPresentWithBlobOperation 412 "There is currently no lease on the blob.";
    LeaseNotPresentWithContainerOperation 412 "There is currently no lease on the container.";
    SourceConditionNotMet 412 "The source condition specified using HTTP conditional header(s) is not met.";
    RequestBodyTooLarge 413 "The request body is too large and exceeds the maximum permissible limit.";
    InvalidRange 416 "The range specified is invalid for the current size of the resource.";
    InternalError 500 "Server encountered an internal error. Please try again after some time.";
    NotImplemented 501 "The local service does not support this.";
}

/// A refusal before it becomes an answer: a code and the details that make it useful.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", .code.as_str(), .code.message())]
pub struct Refusal {
    pub code: Code,
    /// Further elements of the body, by name.
    pub details: Vec<(&'static str, String)>,
}

impl Refusal {
    pub fn new(code: Code) -> Self {
        Self {
            code,
            details: Vec::new(),
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// A header whose value is refused.
    pub fn header(name: &str, value: &str) -> Self {
        Self::new(Code::InvalidHeaderValue)
            .with("HeaderName", name)
            .with("HeaderValue", value)
    }

    /// A query parameter whose value is refused.
    pub fn parameter(name: &str, value: &str, reason: &str) -> Self {
        Self::new(Code::InvalidQueryParameterValue)
            .with("QueryParameterName", name)
            .with("QueryParameterValue", value)
            .with("Reason", reason)
    }

    /// Something the real service does and we do not.
    pub fn unsupported(what: &str) -> Self {
        Self::new(Code::NotImplemented).with("Reason", format!("not supported here: {what}"))
    }

    /// The body as the service sends it.
    pub fn to_xml(&self, request_id: &str, time: Time) -> String {
        let message = format!(
            "{}\nRequestId:{request_id}\nTime:{}",
            self.code.message(),
            time.to_seven_digits()
        );
        let mut error = Element::new("Error")
            .text("Code", self.code.as_str())
            .text("Message", &message);
        for (name, value) in &self.details {
            error = error.text(name, value);
        }
        error.document()
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body() {
        let refusal = Refusal::parameter("comp", "<x>", "unknown");
        let time = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(
            refusal.to_xml("id-1", time),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>InvalidQueryParameterValue</Code>\
             <Message>Value for one of the query parameters specified in the request URI is invalid.\n\
             RequestId:id-1\nTime:2026-01-02T03:04:05.0000000Z</Message>\
             <QueryParameterName>comp</QueryParameterName><QueryParameterValue>&lt;x&gt;</QueryParameterValue>\
             <Reason>unknown</Reason></Error>"
        );
    }
}
