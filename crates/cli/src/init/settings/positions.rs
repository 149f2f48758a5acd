//! Where the hooks of one event stand in a text.

use super::{
    AgentSettingsError, HOOKS,
    members::{self, JsonContainerRange, JsonMember},
};

/// An object or a list with what is in it.
pub(super) struct JsonContainer {
    pub(super) range: JsonContainerRange,
    pub(super) members: Vec<JsonMember>,
}

/// The hooks of an event, and the containers around them.
pub(super) struct HookPositions {
    /// The whole file.
    pub(super) top: JsonContainer,
    /// What it has as `hooks`.
    pub(super) hooks: Option<JsonContainer>,
    /// The list of the event in that.
    pub(super) event: Option<JsonContainer>,
}

impl HookPositions {
    /// Finds them in a text without comments.
    pub(super) fn of(plain: &str, event: &str) -> Result<Self, AgentSettingsError> {
        let found = |it: &JsonContainer, key: &str| {
            it.members.iter().find(|it| it.key == key).map(|it| it.whole.clone())
        };
        let (range, members) = members::of_object(plain, 0..plain.len(), "the file")?;
        let top = JsonContainer { range, members };
        let Some(place) = found(&top, HOOKS) else {
            return Ok(Self { top, hooks: None, event: None });
        };
        let (range, members) = members::of_object(plain, place, "\"hooks\"")?;
        let hooks = JsonContainer { range, members };
        let list = found(&hooks, event)
            .map(|place| members::of_list(plain, place, &format!("\"{event}\"")))
            .transpose()?;
        let event = list.map(|(range, members)| JsonContainer { range, members });
        Ok(Self { top, hooks: Some(hooks), event })
    }

    /// The hooks of the event.
    pub(super) fn groups(&self) -> &[JsonMember] {
        self.event.as_ref().map(|it| it.members.as_slice()).unwrap_or_default()
    }
}
