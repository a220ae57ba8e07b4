//! What can be said of a transfer: whose checksums were compared.

/// Of how many files of a transfer the checksums were compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compared {
    /// Files that were transferred.
    pub(super) files: usize,
    /// Those whose checksum was compared.
    pub(super) by_checksum: usize,
    /// They did not leave this machine, so there was nothing to compare with.
    pub(super) is_local: bool,
}

impl Compared {
    /// What follows the sentence about an upload; begins with `;` unless there is nothing to say.
    pub(crate) fn after_upload(self) -> String {
        match (self.by_checksum, self.files) {
            _ if self.is_local => String::new(),
            (_, 0) => String::new(),
            (0, _) => "; the server does not say that it compares checksums".to_owned(),
            (1, 1) => "; its checksum was compared on arrival".to_owned(),
            (some, all) if some == all => "; all checksums were compared on arrival".to_owned(),
            (some, _) => format!(
                "; the checksums of {some} were compared on arrival, of the others the server does not say so"
            ),
        }
    }

    /// The same about a download.
    pub(crate) fn after_download(self) -> String {
        match (self.by_checksum, self.files) {
            _ if self.is_local => String::new(),
            (_, 0) => String::new(),
            (0, _) => "; complete, but the server gave no checksum to compare".to_owned(),
            (1, 1) => "; its checksum was compared".to_owned(),
            (some, all) if some == all => "; all checksums were compared".to_owned(),
            (some, _) => {
                format!(
                    "; the checksums of {some} were compared, the server gave none of the others"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(by_checksum: usize, files: usize) -> [String; 2] {
        let compared = Compared { files, by_checksum, is_local: false };
        [compared.after_upload(), compared.after_download()]
    }

    #[test]
    fn nothing_is_said_to_be_compared_that_was_not() {
        for text in said(0, 3).into_iter().chain(said(0, 1)) {
            assert!(!text.contains("compared"), "{text}");
        }
        for text in said(2, 3) {
            assert!(text.contains("of 2 were compared") && text.contains("others"), "{text}");
        }
        for text in said(3, 3) {
            assert!(text.contains("all checksums were compared"), "{text}");
        }
        assert_eq!(said(0, 0), ["", ""]);
        let local = Compared { files: 2, by_checksum: 0, is_local: true };
        assert_eq!([local.after_upload(), local.after_download()], ["", ""]);
    }
}
