use nix::sys::signal::Signal;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It ended by itself, with this exit code.
    Exited(i32),
    /// A signal ended it.
    Signaled(Signal),
}

impl Ending {
    /// The exit code as a shell gives it: the command's own, or 128 plus the signal's number.
    pub fn code(self) -> u8 {
        let code = match self {
            Self::Exited(code) => code,
            Self::Signaled(signal) => 128 + signal as i32,
        };
        // wait(2) gives eight bits.
        u8::try_from(code & 0xff).unwrap_or(u8::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_a_shell() {
        assert_eq!(Ending::Exited(0).code(), 0);
        assert_eq!(Ending::Exited(255).code(), 255);
        assert_eq!(Ending::Signaled(Signal::SIGTERM).code(), 143);
    }
}
