//! What is in a folder of a bucket.

use super::CloudRepository;
use crate::error::Result;
use crate::path::ArtifactPath;
use crate::repository::Entry;

impl CloudRepository {
    /// The files and folders directly in a folder, sorted by name.
    pub(crate) async fn list(&self, folder: Option<&ArtifactPath>) -> Result<Vec<Entry>> {
        let prefix = self.folder_key(folder)?;
        let listing = self.0.client.list_with_delimiter(prefix.as_ref());
        let listed = self.request("listing a folder", listing).await?;
        let folders = listed.common_prefixes.iter().map(|folder| (folder, None));
        let files = listed.objects.iter().map(|object| (&object.location, Some(object.size)));
        let mut entries: Vec<Entry> = folders
            .chain(files)
            // Some programs mark a folder by an empty object of its name.
            .filter(|(key, _)| Some(*key) != prefix.as_ref())
            .filter_map(|(key, size_bytes)| {
                let name = key.filename().filter(|name| is_fetchable(name))?.to_owned();
                Some(Entry { name, size_bytes })
            })
            .collect();
        entries.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }
}

/// Other programs may have stored what no path can name.
fn is_fetchable(name: &str) -> bool {
    ArtifactPath::parse(name).is_ok_and(|path| path.as_str() == name)
}
