//! Google Cloud Storage.

use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};

use super::{Client, Variables, options, retries, unusable};
use crate::error::Result;

/// The address of an emulator, as Google's own libraries read it.
const EMULATOR: &str = "STORAGE_EMULATOR_HOST";

pub(super) fn unread(variables: &Variables) -> Vec<String> {
    variables.unread::<GoogleConfigKey>(&["GOOGLE_"], &[])
}

pub(super) fn client(bucket: &str, variables: &Variables) -> Result<Box<dyn Client>> {
    let mut builder = GoogleCloudStorageBuilder::new();
    for (key, value) in variables.known::<GoogleConfigKey>("GOOGLE_") {
        builder = builder.with_config(key, value);
    }
    let mut options = options(variables)?;
    if let Some(url) = variables.get(EMULATOR) {
        options = options.with_allow_http(url.starts_with("http://"));
        builder = builder.with_base_url(url.trim_end_matches('/')).with_skip_signature(true);
    }
    let builder = builder.with_bucket_name(bucket).with_client_options(options);
    let client = builder.with_retry(retries()).build();
    Ok(Box::new(client.map_err(unusable("Google Cloud Storage", variables))?))
}
