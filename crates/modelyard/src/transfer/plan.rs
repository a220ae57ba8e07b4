//! What a download consists of: the store is asked, and every name it gives is checked before
//! anything is written.

use anyhow::{Context as _, bail};
use modelyard_artifacts::ArtifactPath;

use super::{Node, Tree};

/// Files and folders of one download; a listing without end must not fill the memory.
const NODES_MAX: usize = 1_000_000;

/// What is to be downloaded.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(super) files: Vec<Wanted>,
    /// Folders below the destination, so that empty ones come along.
    pub(super) folders: Vec<ArtifactPath>,
    /// The name below the destination of what was asked for; `None` for a whole tree.
    pub(crate) name: Option<ArtifactPath>,
}

/// One file.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// In the tree.
    pub(super) from: ArtifactPath,
    /// Below the destination.
    pub(super) to: ArtifactPath,
    /// Bytes, as the listing says.
    pub(super) size: u64,
}

impl Plan {
    /// Finds the file or folder at `path` (`None` is the whole tree). A folder comes with all that
    /// is in it, under its own name. `None` if there is nothing at `path`.
    ///
    /// # Errors
    /// If the store cannot be asked, or gives a name that could lead out of the destination.
    pub(crate) fn make(tree: &Tree, path: Option<&ArtifactPath>) -> anyhow::Result<Option<Self>> {
        let mut plan = Self::default();
        let Some(path) = path else {
            let nodes = tree.list(None)?;
            plan.add_all(tree, None, None, nodes)?;
            return Ok(Some(plan));
        };
        let name = ArtifactPath::parse(path.file_name())?;
        plan.name = Some(name.clone());
        // A listing of a file is empty; so is one of an empty folder, and of nothing at all.
        let nodes = tree.list(Some(path))?;
        if !nodes.is_empty() {
            plan.folders.push(name.clone());
            plan.add_all(tree, Some(path), Some(&name), nodes)?;
            return Ok(Some(plan));
        }
        let siblings = tree.list(path.parent().as_ref())?;
        match siblings.into_iter().find(|node| node.name == name.as_str()) {
            Some(Node { size: Some(size), .. }) => {
                plan.files.push(Wanted { from: path.clone(), to: name, size });
            }
            Some(Node { size: None, .. }) => plan.folders.push(name),
            None => return Ok(None),
        }
        Ok(Some(plan))
    }

    /// The same, in a folder of this name below the destination.
    ///
    /// # Errors
    /// If a path becomes too long.
    pub(crate) fn under(mut self, name: &ArtifactPath) -> anyhow::Result<Self> {
        for path in self.files.iter_mut().map(|file| &mut file.to).chain(&mut self.folders) {
            *path = path.below(Some(name))?;
        }
        self.folders.push(name.clone());
        self.name = Some(match self.name {
            Some(inner) => inner.below(Some(name))?,
            None => name.clone(),
        });
        Ok(self)
    }

    /// Adds what a folder holds, and what the folders in it hold.
    fn add_all(
        &mut self,
        tree: &Tree,
        from: Option<&ArtifactPath>,
        to: Option<&ArtifactPath>,
        nodes: Vec<Node>,
    ) -> anyhow::Result<()> {
        for Node { name, size } in nodes {
            if self.files.len() + self.folders.len() >= NODES_MAX {
                bail!("there are more than {NODES_MAX} files and folders; download them in parts");
            }
            let name = checked(&name)?;
            let (from, to) = (name.below(from)?, name.below(to)?);
            if let Some(size) = size {
                self.files.push(Wanted { from, to, size });
                continue;
            }
            let inside = tree.list(Some(&from))?;
            self.add_all(tree, Some(&from), Some(&to), inside)?;
            self.folders.push(to);
        }
        Ok(())
    }

    /// Bytes, as the listings say.
    pub(super) fn size(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.size))
    }
}

/// The name of a file or folder as a store gave it, if it is one, and only one.
fn checked(name: &str) -> anyhow::Result<ArtifactPath> {
    let why = || format!("the server lists a file under the name {name:?}; nothing is downloaded");
    let path = ArtifactPath::parse(name).with_context(why)?;
    if path.as_str() != name || path.parent().is_some() {
        bail!("{}: it is not the name of one file or folder", why());
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_name_of_one_thing() {
        for name in ["model.pkl", "ü 1%41.txt", "..."] {
            // Whatever the rules say, they are asked.
            assert_eq!(checked(name).is_ok(), ArtifactPath::parse(name).is_ok(), "{name}");
        }
        for name in
            ["..", ".", "", "../x", "/etc/passwd", "a/b", "a/", "./a", "a\\b", "C:\\x", "%2e%2e"]
        {
            let error = checked(name).expect_err(name).to_string();
            assert!(error.contains("nothing is downloaded"), "{error}");
        }
    }
}
