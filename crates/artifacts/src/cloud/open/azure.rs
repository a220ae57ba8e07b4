//! Azure Blob Storage, under both of its names.

use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};

use super::{Bucket, Client, Variables, name, options, refused, retries, unreadable, unusable};
use crate::error::Result;
use crate::uri::Remote;

const CONNECTION: &str = "AZURE_STORAGE_CONNECTION_STRING";

/// Its fields that say what is known already, or are about what is no blob. The endpoint decides about http.
const WITHOUT_EFFECT: [&str; 8] = [
    "AccountName",
    "BlobSecondaryEndpoint",
    "DefaultEndpointsProtocol",
    "EndpointSuffix",
    "FileEndpoint",
    "QueueEndpoint",
    "TableEndpoint",
    "DfsEndpoint",
];

pub(super) fn unread(variables: &Variables) -> Vec<String> {
    variables.unread::<AzureConfigKey>(&["AZURE_"], &[CONNECTION])
}

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
    let fields = variables.get(CONNECTION).map(fields).transpose()?.unwrap_or_default();
    for (field, value) in fields {
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
            "EndpointSuffix" if value != "core.windows.net" => {
                return Err(refused(CONNECTION, "for another EndpointSuffix give a BlobEndpoint"));
            }
            name if WITHOUT_EFFECT.contains(&name) => builder,
            name => {
                return Err(refused(CONNECTION, &format!("its field {name} is not known here")));
            }
        };
    }
    let builder = builder.with_account(account).with_container_name(container);
    let client = builder.with_client_options(options).with_retry(retries()).build();
    Ok(Box::new(client.map_err(unusable("Azure Blob Storage", variables))?))
}

/// `Name=value;Name=value`; a value may hold `=`.
fn fields(text: &str) -> Result<Vec<(&str, &str)>> {
    let fields = text.split(';').map(str::trim).filter(|field| !field.is_empty());
    let wrong = || refused(CONNECTION, "write it as Name=value;Name=value");
    fields.map(|field| field.split_once('=').ok_or_else(wrong)).collect()
}
