/// Says why bytes are no lockfile that anything may run by.
#[derive(Debug, thiserror::Error)]
pub enum LockfileFlaw {
    /// It is no JSON.
    #[error("not JSON")]
    Json(#[source] serde_json::Error),
    /// It is of a format that this program does not know.
    #[error("lockfile version {0} not supported (max: 1); upgrade lokt")]
    Version(String),
    /// A field is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// A field has the wrong type or form.
    #[error("{field} must be {expected}")]
    Field {
        /// The field.
        field: String,
        /// What it must be.
        expected: String,
    },
    /// A hash was left out when it was written: it pins nothing.
    #[error("{0} is null: it pins nothing")]
    NullIntegrity(String),
    /// There is no element.
    #[error("resolved_chain is empty")]
    EmptyChain,
    /// The root is not the first element of the chain.
    #[error("root is not the first element of resolved_chain: {0} differs")]
    Root(&'static str),
    /// It is of another tool or version than its name says.
    #[error("it pins {inside}, but its name says {name}")]
    Name {
        /// What it says itself.
        inside: String,
        /// What its name says.
        name: String,
    },
    /// It is larger than any lockfile.
    #[error("it has more than {0} bytes")]
    TooLarge(u64),
    /// It is no file.
    #[error("it is not a regular file")]
    NotFile,
}
