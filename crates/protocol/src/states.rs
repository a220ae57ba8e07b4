//! The closed sets of MLflow's data model: statuses, life-cycle stages, views.

use std::borrow::Cow;

use serde::Deserialize;

/// How a state may be written in JSON.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum NameOrNumber<'a> {
    #[serde(borrow)]
    Name(Cow<'a, str>),
    Number(i16),
}

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant = $number,)* }

        impl $name {
            /// Every value, by number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The number in MLflow's protobuf definition; also a compact form to store.
            pub const fn number(self) -> i16 {
                self as i16
            }

            /// Names and numbers, for reading requests.
            pub const NAMES: &'static [(&'static str, i16)] = &[$(($text, $number),)*];

            /// The value with this name on the wire.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.name() == name)
            }

            /// The value with this number.
            pub fn from_number(number: i16) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.number() == number)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(
                &self,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                use $crate::states::NameOrNumber;
                let found = match NameOrNumber::deserialize(deserializer)? {
                    NameOrNumber::Name(name) => Self::from_name(&name),
                    NameOrNumber::Number(number) => Self::from_number(number),
                };
                found.ok_or_else(|| {
                    serde::de::Error::custom(concat!("unknown ", stringify!($name)))
                })
            }
        }
    };
}

pub(crate) use states;

states! {
    /// What a run is doing.
    RunStatus {
        /// Started and not finished.
        Running = 1 "RUNNING",
        /// To be started later.
        Scheduled = 2 "SCHEDULED",
        /// Ended well.
        Finished = 3 "FINISHED",
        /// Ended with an error.
        Failed = 4 "FAILED",
        /// Ended by its user.
        Killed = 5 "KILLED",
    }
}

states! {
    /// Whether an experiment, run or model is in use or in the bin.
    LifecycleStage {
        /// In use.
        Active = 1 "active",
        /// In the bin; can be restored.
        Deleted = 2 "deleted",
    }
}

states! {
    /// Which life-cycle stages a search shows.
    ViewType {
        /// Only what is in use.
        ActiveOnly = 1 "ACTIVE_ONLY",
        /// Only what is in the bin.
        DeletedOnly = 2 "DELETED_ONLY",
        /// Both.
        All = 3 "ALL",
    }
}

states! {
    /// How far a logged model's files are.
    LoggedModelStatus {
        /// Never said.
        Unspecified = 0 "LOGGED_MODEL_STATUS_UNSPECIFIED",
        /// Files are being uploaded.
        Pending = 1 "LOGGED_MODEL_PENDING",
        /// All files are there.
        Ready = 2 "LOGGED_MODEL_READY",
        /// The upload failed.
        UploadFailed = 3 "LOGGED_MODEL_UPLOAD_FAILED",
    }
}

states! {
    /// How far a version of a registered model has come, in MLflow's fixed stages.
    ModelStage {
        /// In no stage.
        None = 0 "None",
        /// Being tried.
        Staging = 1 "Staging",
        /// In use.
        Production = 2 "Production",
        /// No longer in use.
        Archived = 3 "Archived",
    }
}

impl ModelStage {
    /// Whether versions in the stage give way to a new one: `Staging` and `Production`.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Staging | Self::Production)
    }
}

states! {
    /// How far the files of a version of a registered model are.
    ModelVersionStatus {
        /// They are being copied.
        PendingRegistration = 1 "PENDING_REGISTRATION",
        /// They could not be copied.
        FailedRegistration = 2 "FAILED_REGISTRATION",
        /// They are there.
        Ready = 3 "READY",
    }
}

states! {
    /// A change of the model registry. Not MLflow's: the audit trail keeps them.
    RegistryAction {
        /// A registered model was made.
        ModelCreated = 1 "MODEL_CREATED",
        /// Its description was changed.
        ModelUpdated = 2 "MODEL_UPDATED",
        /// It got another name.
        ModelRenamed = 3 "MODEL_RENAMED",
        /// It was deleted with all of its versions.
        ModelDeleted = 4 "MODEL_DELETED",
        /// A tag of it was set.
        ModelTagSet = 5 "MODEL_TAG_SET",
        /// A tag of it was removed.
        ModelTagDeleted = 6 "MODEL_TAG_DELETED",
        /// A version was made.
        VersionCreated = 7 "VERSION_CREATED",
        /// A version's description was changed.
        VersionUpdated = 8 "VERSION_UPDATED",
        /// A version was deleted.
        VersionDeleted = 9 "VERSION_DELETED",
        /// A version went to another stage.
        StageChanged = 10 "STAGE_CHANGED",
        /// A tag of a version was set.
        VersionTagSet = 11 "VERSION_TAG_SET",
        /// A tag of a version was removed.
        VersionTagDeleted = 12 "VERSION_TAG_DELETED",
        /// An alias was made or moved.
        AliasSet = 13 "ALIAS_SET",
        /// An alias was removed.
        AliasDeleted = 14 "ALIAS_DELETED",
        /// The outcome of a check of a version was noted.
        CheckRecorded = 15 "CHECK_RECORDED",
        /// The checks that protect an alias were set.
        PolicySet = 16 "POLICY_SET",
    }
}

impl LoggedModelStatus {
    /// The name used in search filters, which is the Python client's.
    pub const fn short_name(self) -> &'static str {
        match self {
            Self::Unspecified => "UNSPECIFIED",
            Self::Pending => "PENDING",
            Self::Ready => "READY",
            Self::UploadFailed => "FAILED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back() {
        for status in RunStatus::ALL {
            assert_eq!(RunStatus::from_name(status.name()), Some(*status));
            assert_eq!(RunStatus::from_number(status.number()), Some(*status));
        }
        assert_eq!(LoggedModelStatus::from_number(3), Some(LoggedModelStatus::UploadFailed));
        assert_eq!(RunStatus::from_name("running"), None);
    }
}
