//! What machines an image is for.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// A platform, by its names in Go, which are those of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux on x86-64.
    LinuxAmd64,
    /// Linux on 64-bit ARM.
    LinuxArm64,
}

impl Platform {
    /// The operating system.
    pub const OS: &'static str = "linux";

    /// The architecture, as images name it.
    pub fn architecture(self) -> &'static str {
        match self {
            Self::LinuxAmd64 => "amd64",
            Self::LinuxArm64 => "arm64",
        }
    }

    /// The architecture, as Debian names folders of libraries.
    pub(crate) fn library_folder(self) -> &'static str {
        match self {
            Self::LinuxAmd64 => "x86_64-linux-gnu",
            Self::LinuxArm64 => "aarch64-linux-gnu",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", Self::OS, self.architecture())
    }
}

impl FromStr for Platform {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "linux/amd64" => Ok(Self::LinuxAmd64),
            "linux/arm64" | "linux/arm64/v8" => Ok(Self::LinuxArm64),
            other => Err(Error::Platform(other.to_owned())),
        }
    }
}
