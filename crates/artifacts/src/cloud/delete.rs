//! Taking files and folders out of a bucket.

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};

use super::{CloudRepository, Key, REQUEST};
use crate::error::{Error, Result};
use crate::path::ArtifactPath;

const REMOVING: &str = "removing artifacts";

impl CloudRepository {
    /// Removes a file, and all that is below its name, file by file. What is not there is removed
    /// already.
    pub(crate) async fn delete(&self, path: &ArtifactPath) -> Result<()> {
        let key = self.key(path)?;
        let below = self.0.client.list(Some(&key)).map_ok(|object| object.location);
        let itself = stream::once(async move { Ok::<Key, object_store::Error>(key) });
        let mut removed = self.0.client.delete_stream(below.chain(itself).boxed());
        while let Some(outcome) = self.next(&mut removed).await? {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(self.failed(REMOVING)(error)),
            }
        }
        Ok(())
    }

    async fn next<T>(&self, stream: &mut (impl Stream<Item = T> + Unpin)) -> Result<Option<T>> {
        let waited = tokio::time::timeout(REQUEST, stream.next()).await;
        waited.map_err(|_elapsed| -> Error { self.silent(REMOVING) })
    }
}
