//! Azure Blob Storage, under both of its names.

use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};

use super::{Bucket, Client, Variables, name, options, refused, retries, unreadable, unusable};
use crate::error::Result;
use crate::uri::Remote;

const CONNECTION: &str = "AZURE_STORAGE_CONNECTION_STRING";

/// `wasbs://CONTAINER@ACCOUNT.blob.core.windows.net`, `abfss://CONTAINER@ACCOUNT.dfs.core.windows.net`
pub(super) fn container(remote: &Remote) -> Result<Bucket> {
    let domain = match remote.scheme.as_str() {
        "abfss" => ".dfs.core.windows.net",
        _ => ".blob.core.windows.net",
    };
    let parts = remote
        .authority
        .split_once('@')
        .and_then(|(container, host)| Some((container, host.strip_suffix(domain)?)));
    let Some((container, account)) = parts else {
        let form = format!("write {}://CONTAINER@ACCOUNT{domain}/path", remote.scheme);
        return Err(unreadable(remote, &form));
    };
    if account.contains('.') {
        return Err(unreadable(remote, "the name of the account holds a dot"));
    }
    Ok(Bucket::Azure { account: name(remote, account)?, container: name(remote, container)? })
}

pub(super) fn client(
    account: &str,
    container: &str,
    variables: &Variables,
) -> Result<Box<dyn Client>> {
    let mut builder = MicrosoftAzureBuilder::new();
    for (key, value) in variables.known::<AzureConfigKey>("AZURE_") {
        builder = builder.with_config(key, value);
    }
    let mut options = options(variables)?;
    for (field, value) in variables.get(CONNECTION).into_iter().flat_map(fields) {
        builder = match field {
            "AccountKey" => builder.with_access_key(value),
            "SharedAccessSignature" => {
                builder.with_config(AzureConfigKey::SasKey, value.trim_start_matches('?'))
            }
            "BlobEndpoint" => {
                options = options.with_allow_http(value.starts_with("http://"));
                builder.with_endpoint(value.trim_end_matches('/').to_owned())
            }
            "AccountName" if value != account => {
                return Err(refused(CONNECTION, &format!("it is not of the account {account}")));
            }
            _ => builder,
        };
    }
    let builder = builder.with_account(account).with_container_name(container);
    let client = builder.with_client_options(options).with_retry(retries()).build();
    Ok(Box::new(client.map_err(unusable("Azure Blob Storage"))?))
}

/// `Name=value;Name=value`; a value may hold `=`.
fn fields(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(';').filter_map(|field| field.split_once('='))
}
