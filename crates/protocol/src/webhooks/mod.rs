//! Webhooks: what they can be told of, what they are told, and how they are described.

mod payload;
mod target;

pub use payload::{Data, example, payload};
pub use target::{Target, check_events, check_name, python_repr};

use crate::error::Error;
use crate::states::states;

states! {
    /// Whether a webhook is sent anything.
    WebhookStatus {
        /// It is.
        Active = 1 "ACTIVE",
        /// It is not.
        Disabled = 2 "DISABLED",
    }
}

states! {
    /// What something happened to.
    WebhookEntity {
        /// Never said.
        Unspecified = 0 "ENTITY_UNSPECIFIED",
        /// A registered model.
        RegisteredModel = 1 "REGISTERED_MODEL",
        /// A version of one.
        ModelVersion = 2 "MODEL_VERSION",
        /// A tag of such a version.
        ModelVersionTag = 3 "MODEL_VERSION_TAG",
        /// An alias of one.
        ModelVersionAlias = 4 "MODEL_VERSION_ALIAS",
        /// A prompt.
        Prompt = 5 "PROMPT",
        /// A version of one.
        PromptVersion = 6 "PROMPT_VERSION",
        /// A tag of a prompt.
        PromptTag = 7 "PROMPT_TAG",
        /// A tag of a prompt's version.
        PromptVersionTag = 8 "PROMPT_VERSION_TAG",
        /// An alias of a prompt's version.
        PromptAlias = 9 "PROMPT_ALIAS",
        /// A budget of MLflow's gateway, which is not here: nothing ever happens to one.
        BudgetPolicy = 10 "BUDGET_POLICY",
    }
}

states! {
    /// What happened.
    WebhookAction {
        /// Never said.
        Unspecified = 0 "ACTION_UNSPECIFIED",
        /// It was made.
        Created = 1 "CREATED",
        /// It was changed.
        Updated = 2 "UPDATED",
        /// It was removed.
        Deleted = 3 "DELETED",
        /// It got a value.
        Set = 4 "SET",
        /// It was not enough.
        Exceeded = 5 "EXCEEDED",
    }
}

/// Something a webhook can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WebhookEvent {
    /// What it happened to.
    pub entity: WebhookEntity,
    /// What happened.
    pub action: WebhookAction,
}

impl WebhookEvent {
    /// A pair, whether it exists or not.
    pub const fn new(entity: WebhookEntity, action: WebhookAction) -> Self {
        Self { entity, action }
    }

    /// Every event that exists, as [`Self::name`]s are sorted.
    pub fn all() -> impl Iterator<Item = Self> {
        let mut all: Vec<Self> = WebhookEntity::ALL
            .iter()
            .flat_map(|&entity| actions(entity).iter().map(move |&action| Self { entity, action }))
            .collect();
        all.sort_by_key(|event| event.sort_key());
        all.into_iter()
    }

    /// Checks that such a thing can happen.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE`.
    pub fn check(self) -> Result<(), Error> {
        let valid = actions(self.entity);
        if valid.contains(&self.action) {
            return Ok(());
        }
        if self.entity == WebhookEntity::Unspecified || self.action == WebhookAction::Unspecified {
            // MLflow answers 500.
            return Err(Error::invalid(
                "A webhook event needs an entity and an action, such as {\"entity\": \
                 \"MODEL_VERSION\", \"action\": \"CREATED\"}.",
            ));
        }
        let mut names: Vec<String> = valid.iter().map(|it| format!("'{}'", it.word())).collect();
        names.sort_unstable();
        Err(Error::invalid(format!(
            "Invalid action '{}' for entity '{}'. Valid actions are: [{}]",
            self.action.word(),
            self.entity.word(),
            names.join(", ")
        )))
    }

    /// Such as `model_version.created`.
    pub fn name(self) -> String {
        format!("{}.{}", self.entity.word(), self.action.word())
    }

    /// The event of a [`Self::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|event| event.name() == name)
    }

    /// The number that is stored for it.
    pub const fn number(self) -> i64 {
        self.entity.number() as i64 * 100 + self.action.number() as i64
    }

    /// The event of a stored number.
    pub fn from_number(number: i64) -> Option<Self> {
        let part = |number| i16::try_from(number).ok();
        let entity = WebhookEntity::from_number(part(number / 100)?)?;
        let action = WebhookAction::from_number(part(number % 100)?)?;
        actions(entity).contains(&action).then_some(Self { entity, action })
    }

    /// MLflow lists events in the order of their words.
    pub fn sort_key(self) -> (String, String) {
        (self.entity.word(), self.action.word())
    }
}

impl WebhookEntity {
    /// The word in payloads, such as `model_version`.
    pub fn word(self) -> String {
        self.name().to_ascii_lowercase()
    }
}

impl WebhookAction {
    /// The word in payloads, such as `created`.
    pub fn word(self) -> String {
        self.name().to_ascii_lowercase()
    }
}

/// What can happen to an entity.
const fn actions(entity: WebhookEntity) -> &'static [WebhookAction] {
    use WebhookAction::{Created, Deleted, Exceeded, Set};
    use WebhookEntity as Entity;
    match entity {
        Entity::Unspecified => &[],
        Entity::RegisteredModel | Entity::ModelVersion | Entity::Prompt | Entity::PromptVersion => {
            &[Created]
        }
        Entity::ModelVersionTag | Entity::PromptTag | Entity::PromptVersionTag => &[Set, Deleted],
        Entity::ModelVersionAlias | Entity::PromptAlias => &[Created, Deleted],
        Entity::BudgetPolicy => &[Exceeded],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_mlflows_fifteen_events() {
        let names: Vec<String> = WebhookEvent::all().map(WebhookEvent::name).collect();
        assert_eq!(names.len(), 15);
        assert_eq!(names[0], "budget_policy.exceeded");
        for event in WebhookEvent::all() {
            assert_eq!(WebhookEvent::from_number(event.number()), Some(event));
            assert_eq!(WebhookEvent::from_name(&event.name()), Some(event));
            assert_eq!(event.check(), Ok(()));
        }
    }

    #[test]
    fn pairs_that_do_not_exist_are_refused_in_mlflows_words() {
        let event = WebhookEvent::new(WebhookEntity::ModelVersionTag, WebhookAction::Created);
        assert_eq!(
            event.check().expect_err("no such event").message,
            "Invalid action 'created' for entity 'model_version_tag'. Valid actions are: \
             ['deleted', 'set']"
        );
    }
}
