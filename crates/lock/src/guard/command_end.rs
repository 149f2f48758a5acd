use crate::sys::SignalNumber;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandEnd {
    /// It ended by itself, with this exit code.
    Exited(i32),
    /// A signal ended it.
    Signaled(SignalNumber),
}

impl CommandEnd {
    /// The exit code as a shell gives it: the command's own, or 128 plus the signal's number.
    pub fn code(self) -> u8 {
        match self {
            // wait(2) gives eight bits.
            Self::Exited(code) => u8::try_from(code & 0xff).unwrap_or(u8::MAX),
            Self::Signaled(signal) => signal.code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_a_shell() {
        let signaled = |number| CommandEnd::Signaled(SignalNumber::new(number).unwrap());
        assert_eq!(CommandEnd::Exited(0).code(), 0);
        assert_eq!(CommandEnd::Exited(255).code(), 255);
        assert_eq!(signaled(15).code(), 143);
        assert_eq!(signaled(64).code(), 192);
    }
}
