/// The kinds of files that can be items, by the ending of their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ToolFileExtension {
    /// `.py`
    Py,
    /// `.yaml`
    Yaml,
    /// `.yml`
    Yml,
    /// `.json`, which cannot carry a signature and is read only from what is built in.
    Json,
    /// `.js`
    Js,
    /// `.ts`
    Ts,
    /// `.mjs`
    Mjs,
    /// `.cjs`
    Cjs,
    /// `.sh`
    Sh,
    /// `.toml`
    Toml,
}

impl ToolFileExtension {
    /// All of them, in the order in which they are looked for.
    pub const ALL: [Self; 10] = [
        Self::Py,
        Self::Yaml,
        Self::Yml,
        Self::Json,
        Self::Js,
        Self::Ts,
        Self::Mjs,
        Self::Cjs,
        Self::Sh,
        Self::Toml,
    ];

    /// The ending, with its dot.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Py => ".py",
            Self::Yaml => ".yaml",
            Self::Yml => ".yml",
            Self::Json => ".json",
            Self::Js => ".js",
            Self::Ts => ".ts",
            Self::Mjs => ".mjs",
            Self::Cjs => ".cjs",
            Self::Sh => ".sh",
            Self::Toml => ".toml",
        }
    }

    /// The kind of a file, by its name; `None` for a file that is no item.
    pub fn of_file_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|it| name.len() > it.as_str().len() && name.ends_with(it.as_str()))
    }

    /// What a line that is a comment begins with.
    pub const fn comment_prefix(self) -> &'static str {
        match self {
            Self::Js | Self::Ts | Self::Mjs | Self::Cjs => "//",
            _ => "#",
        }
    }
}
