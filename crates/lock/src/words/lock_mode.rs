use std::{fmt, num::NonZeroU32};

/// How many may hold a name at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LockMode {
    /// One holder, with no other beside it.
    #[default]
    Exclusive,
    /// Any number of holders that all ask for this; one that asks for anything else waits for all of them.
    Shared,
    /// At most so many holders, who must all ask for the same number.
    Slots(NonZeroU32),
}

impl LockMode {
    /// Whether two holders of these modes may be in at the same time, as far as their number allows it.
    pub fn gets_on_with(self, other: Self) -> bool {
        self == other && self != Self::Exclusive
    }

    /// How many of this mode may be in at the same time; `None` is any number.
    pub fn capacity(self) -> Option<u32> {
        match self {
            Self::Exclusive => Some(1),
            Self::Shared => None,
            Self::Slots(slots) => Some(slots.get()),
        }
    }

    /// The number of slots that two modes disagree on: that of `other`.
    pub fn disagrees_on_slots(self, other: Self) -> Option<NonZeroU32> {
        match (self, other) {
            (Self::Slots(mine), Self::Slots(theirs)) if mine != theirs => Some(theirs),
            _ => None,
        }
    }

    /// The mode as it stands in a ticket's file name: nothing, `s`, or the number of slots.
    pub fn suffix(self) -> String {
        match self {
            Self::Exclusive => String::new(),
            Self::Shared => "s".to_owned(),
            Self::Slots(slots) => slots.to_string(),
        }
    }

    /// Reads what [`suffix`](Self::suffix) gave.
    pub fn from_suffix(text: &str) -> Option<Self> {
        match text {
            "" => Some(Self::Exclusive),
            "s" => Some(Self::Shared),
            // One way to write a number, so that a name that is read is the name that is written.
            digits => digits
                .parse()
                .ok()
                .filter(|slots: &NonZeroU32| slots.to_string() == digits)
                .map(Self::Slots),
        }
    }

    /// The word for the mode in records, events and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exclusive => "exclusive",
            Self::Shared => "shared",
            Self::Slots(_) => "slots",
        }
    }

    /// The number of slots, where the mode has one.
    pub const fn slots(self) -> Option<NonZeroU32> {
        match self {
            Self::Slots(slots) => Some(slots),
            _ => None,
        }
    }
}

impl fmt::Display for LockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slots(slots) => write!(f, "{slots} slots"),
            other => f.write_str(other.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(number: u32) -> LockMode {
        LockMode::Slots(NonZeroU32::new(number).unwrap())
    }

    #[test]
    fn the_table_of_company() {
        use LockMode::{Exclusive, Shared};
        for (one, other, together) in [
            (Exclusive, Exclusive, false),
            (Exclusive, Shared, false),
            (Shared, Shared, true),
            (Shared, slots(2), false),
            (slots(1), slots(1), true),
            (slots(2), slots(3), false),
            (Exclusive, slots(1), false),
        ] {
            assert_eq!(one.gets_on_with(other), together, "{one} and {other}");
            assert_eq!(other.gets_on_with(one), together, "company is mutual: {other} and {one}");
        }
        assert_eq!(slots(2).disagrees_on_slots(slots(3)), NonZeroU32::new(3));
        assert_eq!(slots(2).disagrees_on_slots(Shared), None);
    }

    #[test]
    fn a_suffix_is_read_back_and_nothing_else_is() {
        for mode in [LockMode::Exclusive, LockMode::Shared, slots(1), slots(u32::MAX)] {
            assert_eq!(LockMode::from_suffix(&mode.suffix()), Some(mode));
        }
        for bad in ["0", "x", "ss", "-1", "03", "+3", "4294967296"] {
            assert_eq!(LockMode::from_suffix(bad), None, "{bad}");
        }
    }
}
