//! The S3 operations over a [`Store`]; `s3s` does the protocol and verifies the signatures.

use super::listing::Query;
use super::sigv4::encode;
use super::store::{Attributes, Missing, Object, Refused, Store};
use super::uploads::UploadError;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use hyper::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, Bucket, CommonPrefix,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput,
    CopyObjectResult, CopySource, CreateBucketInput, CreateBucketOutput,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput,
    DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag, ETagCondition, GetObjectInput,
    GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput,
    ListBucketsInput, ListBucketsOutput, ListObjectsV2Input, ListObjectsV2Output,
    MetadataDirective, PutObjectInput, PutObjectOutput, StreamingBlob, Timestamp, UploadPartInput,
    UploadPartOutput,
};
use s3s::{Body, S3, S3Error, S3Request, S3Response, S3Result, s3_error};
use std::sync::Arc;

/// The largest page of a listing, and the usual one.
const PAGE: i32 = 1000;

/// One server's view on the store.
pub(crate) struct Service {
    pub(crate) store: Store,
}

#[expect(clippy::unnecessary_wraps, reason = "the operations end with it")]
fn done<T>(output: T) -> S3Result<S3Response<T>> {
    Ok(S3Response::new(output))
}

impl From<Missing> for S3Error {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Bucket => s3_error!(NoSuchBucket),
            Missing::Key => s3_error!(NoSuchKey),
        }
    }
}

impl From<Refused> for S3Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoSuchBucket => s3_error!(NoSuchBucket),
            Refused::Condition => s3_error!(PreconditionFailed),
        }
    }
}

impl From<UploadError> for S3Error {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Unknown => s3_error!(NoSuchUpload),
            UploadError::Part => s3_error!(InvalidPart),
            UploadError::Order => s3_error!(InvalidPartOrder),
        }
    }
}

/// The whole body, once its length and its SHA-256 are what the request's head says.
async fn whole(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let Some(body) = body else {
        return Ok(Bytes::new());
    };
    let pieces = body.try_fold(BytesMut::new(), |mut all, piece| async move {
        all.extend_from_slice(&piece);
        Ok(all)
    });
    let bytes = pieces.await.map_err(|error| {
        if error.to_string().contains("Sha256Mismatch") {
            s3_error!(
                BadDigest,
                "the body has another SHA-256 than x-amz-content-sha256"
            )
        } else {
            s3_error!(IncompleteBody, "{error}")
        }
    })?;
    Ok(bytes.freeze())
}

fn length(body: &Bytes) -> i64 {
    i64::try_from(body.len()).unwrap_or(i64::MAX)
}

fn strong(etag: &str) -> ETag {
    ETag::Strong(etag.to_owned())
}

fn names(condition: &ETagCondition, etag: &str) -> bool {
    condition
        .as_etag()
        .is_none_or(|named| named.value() == etag)
}

/// A reader's or copier's conditions on an object, in the order of RFC 9110 section 13.2.2.
fn judge(
    object: &Object,
    (if_match, if_unmodified_since): (Option<&ETagCondition>, Option<&Timestamp>),
    (if_none_match, if_modified_since): (Option<&ETagCondition>, Option<&Timestamp>),
) -> S3Result<()> {
    let modified = Timestamp::from(object.last_modified);
    let failed = match (if_match, if_unmodified_since) {
        (Some(condition), _) => !names(condition, &object.etag),
        (None, Some(since)) => modified > *since,
        (None, None) => false,
    };
    let known = match (if_none_match, if_modified_since) {
        (Some(condition), _) => names(condition, &object.etag),
        (None, Some(since)) => modified <= *since,
        (None, None) => false,
    };
    match (failed, known) {
        (true, _) => Err(s3_error!(PreconditionFailed)),
        (false, true) => Err(not_modified(object)),
        (false, false) => Ok(()),
    }
}

/// To `s3s` a 304 is an error; it carries the fields that a 200 would, RFC 9110 section 15.4.5.
fn not_modified(object: &Object) -> S3Error {
    let etag = format!("\"{}\"", object.etag);
    let cache_control = object.attributes.cache_control.as_deref();
    let mut fields = HeaderMap::new();
    for (name, value) in [(ETAG, Some(etag.as_str())), (CACHE_CONTROL, cache_control)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            fields.insert(name, value);
        }
    }
    let mut error = s3_error!(NotModified);
    error.set_headers(fields);
    error
}

/// A writer's conditions on the object that is there already.
fn may_replace(
    present: Option<&Object>,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> bool {
    let names_present = |condition| present.is_some_and(|object| names(condition, &object.etag));
    if_match.is_none_or(names_present) && !if_none_match.is_some_and(names_present)
}

macro_rules! attributes_of {
    ($input:expr) => {
        Attributes {
            cache_control: $input.cache_control,
            content_disposition: $input.content_disposition,
            content_encoding: $input.content_encoding,
            content_language: $input.content_language,
            content_type: $input.content_type,
            metadata: $input.metadata.unwrap_or_default(),
        }
    };
}

/// The output of a GET or a HEAD: the same fields, two types.
macro_rules! output_of {
    ($output:ident, $object:expr) => {{
        let attributes = $object.attributes.clone();
        $output {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: attributes.cache_control,
            content_disposition: attributes.content_disposition,
            content_encoding: attributes.content_encoding,
            content_language: attributes.content_language,
            content_type: attributes.content_type,
            e_tag: Some(strong(&$object.etag)),
            last_modified: Some($object.last_modified.into()),
            metadata: Some(attributes.metadata),
            ..Default::default()
        }
    }};
}

/// The part of the object that was asked for, and its `Content-Range` if it is only a part.
fn slice(object: &Object, range: Option<s3s::dto::Range>) -> S3Result<(Bytes, Option<String>)> {
    let size = object.body.len();
    let Some(range) = range else {
        return Ok((object.body.clone(), None));
    };
    let range = range.check(size as u64)?;
    let content_range = format!(
        "bytes {}-{}/{size}",
        range.start,
        range.end.saturating_sub(1)
    );
    Ok((
        object.body.slice(range.start as usize..range.end as usize),
        Some(content_range),
    ))
}

#[async_trait::async_trait]
impl S3 for Service {
    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        if !self.store.create_bucket(&request.input.bucket) {
            return Err(s3_error!(BucketAlreadyOwnedByYou));
        }
        let location = Some(format!("/{}", request.input.bucket));
        done(CreateBucketOutput { location })
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        if !self.store.has_bucket(&request.input.bucket) {
            return Err(s3_error!(NoSuchBucket));
        }
        done(HeadBucketOutput::default())
    }

    async fn list_buckets(
        &self,
        _: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let named = |name| Bucket {
            name: Some(name),
            ..Bucket::default()
        };
        let buckets = self.store.buckets().into_iter().map(named).collect();
        done(ListBucketsOutput {
            buckets: Some(buckets),
            ..ListBucketsOutput::default()
        })
    }

    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let object = Object::new(whole(input.body).await?, attributes_of!(input));
        let object = self
            .store
            .put(&input.bucket, &input.key, object, |present| {
                may_replace(
                    present,
                    input.if_match.as_ref(),
                    input.if_none_match.as_ref(),
                )
            })?;
        done(PutObjectOutput {
            e_tag: Some(strong(&object.etag)),
            ..PutObjectOutput::default()
        })
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let object = self.store.get(&input.bucket, &input.key)?;
        let output = output_of!(GetObjectOutput, object);
        judge(
            &object,
            (input.if_match.as_ref(), input.if_unmodified_since.as_ref()),
            (
                input.if_none_match.as_ref(),
                input.if_modified_since.as_ref(),
            ),
        )?;
        let (body, content_range) = slice(&object, input.range)?;
        done(GetObjectOutput {
            content_length: Some(length(&body)),
            content_range,
            body: Some(StreamingBlob::from(Body::from(body))),
            ..output
        })
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        let object = self.store.get(&input.bucket, &input.key)?;
        let output = output_of!(HeadObjectOutput, object);
        judge(
            &object,
            (input.if_match.as_ref(), input.if_unmodified_since.as_ref()),
            (
                input.if_none_match.as_ref(),
                input.if_modified_since.as_ref(),
            ),
        )?;
        done(HeadObjectOutput {
            content_length: Some(length(&object.body)),
            ..output
        })
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let max_keys = input.max_keys.unwrap_or(PAGE).clamp(0, PAGE);
        let after = input
            .continuation_token
            .as_ref()
            .or(input.start_after.as_ref());
        let query = Query {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after: after.map(String::as_str).unwrap_or_default(),
            max_keys: max_keys as usize,
        };
        let listing = self.store.list(&input.bucket, &query)?;
        let as_url = input.encoding_type.is_some();
        let written = |text: String| if as_url { encode(&text, true) } else { text };
        let key_count = listing.objects.len() + listing.common_prefixes.len();
        let contents = listing
            .objects
            .into_iter()
            .map(|(key, object)| s3s::dto::Object {
                e_tag: Some(strong(&object.etag)),
                key: Some(written(key)),
                last_modified: Some(object.last_modified.into()),
                size: Some(length(&object.body)),
                ..s3s::dto::Object::default()
            });
        let common_prefixes = listing.common_prefixes.into_iter();
        done(ListObjectsV2Output {
            name: Some(input.bucket),
            contents: Some(contents.collect()),
            common_prefixes: Some(
                common_prefixes
                    .map(|prefix| CommonPrefix {
                        prefix: Some(written(prefix)),
                    })
                    .collect(),
            ),
            prefix: input.prefix.map(written),
            delimiter: input.delimiter.map(written),
            start_after: input.start_after.map(written),
            max_keys: Some(max_keys),
            key_count: Some(i32::try_from(key_count).unwrap_or(PAGE)),
            is_truncated: Some(listing.next.is_some()),
            continuation_token: input.continuation_token,
            next_continuation_token: listing.next,
            encoding_type: input.encoding_type,
            ..ListObjectsV2Output::default()
        })
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.store
            .remove(&request.input.bucket, &request.input.key)?;
        done(DeleteObjectOutput::default())
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let mut deleted = Vec::new();
        for object in request.input.delete.objects {
            self.store.remove(&request.input.bucket, &object.key)?;
            deleted.push(DeletedObject {
                key: Some(object.key),
                ..DeletedObject::default()
            });
        }
        done(DeleteObjectsOutput {
            deleted: Some(deleted),
            ..DeleteObjectsOutput::default()
        })
    }

    async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = request.input;
        let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
            return Err(s3_error!(NotImplemented));
        };
        let source = self.store.get(bucket, key)?;
        judge(
            &source,
            (
                input.copy_source_if_match.as_ref(),
                input.copy_source_if_unmodified_since.as_ref(),
            ),
            (
                input.copy_source_if_none_match.as_ref(),
                input.copy_source_if_modified_since.as_ref(),
            ),
        )
        .map_err(|_| s3_error!(PreconditionFailed))?;
        let replaced = input.metadata_directive.as_ref();
        let attributes = if replaced.is_some_and(|d| d.as_str() == MetadataDirective::REPLACE) {
            attributes_of!(input)
        } else {
            source.attributes.clone()
        };
        let copy = Object::new(source.body.clone(), attributes);
        let copy = self.store.put(&input.bucket, &input.key, copy, |_| true)?;
        let result = CopyObjectResult {
            e_tag: Some(strong(&copy.etag)),
            last_modified: Some(copy.last_modified.into()),
            ..CopyObjectResult::default()
        };
        done(CopyObjectOutput {
            copy_object_result: Some(result),
            ..CopyObjectOutput::default()
        })
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = request.input;
        if !self.store.has_bucket(&input.bucket) {
            return Err(s3_error!(NoSuchBucket));
        }
        let attributes = attributes_of!(input);
        let id = self
            .store
            .with_uploads(|all| all.begin(&input.bucket, &input.key, attributes));
        done(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            ..CreateMultipartUploadOutput::default()
        })
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        let body = whole(input.body).await?;
        let place = (input.bucket.as_str(), input.key.as_str());
        let etag = self
            .store
            .with_uploads(|all| all.put_part(&input.upload_id, place, input.part_number, body))?;
        done(UploadPartOutput {
            e_tag: Some(strong(&etag)),
            ..UploadPartOutput::default()
        })
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        let parts = input
            .multipart_upload
            .and_then(|upload| upload.parts)
            .unwrap_or_default();
        let parts: Option<Vec<(i32, String)>> = parts
            .into_iter()
            .map(|part| Some((part.part_number?, part.e_tag?.value().to_owned())))
            .collect();
        let parts = parts.ok_or_else(|| s3_error!(MalformedXML))?;
        let place = (input.bucket.as_str(), input.key.as_str());
        let object = self
            .store
            .with_uploads(|all| all.complete(&input.upload_id, place, &parts))?;
        let object: Arc<Object> = self.store.put(place.0, place.1, object, |present| {
            may_replace(
                present,
                input.if_match.as_ref(),
                input.if_none_match.as_ref(),
            )
        })?;
        done(CompleteMultipartUploadOutput {
            e_tag: Some(strong(&object.etag)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            ..CompleteMultipartUploadOutput::default()
        })
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        let place = (input.bucket.as_str(), input.key.as_str());
        self.store
            .with_uploads(|all| all.abort(&input.upload_id, place))?;
        done(AbortMultipartUploadOutput::default())
    }
}
