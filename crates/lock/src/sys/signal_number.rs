use nix::sys::signal::Signal;
use std::fmt;

/// The first of the signals that programs may use as they like (signal(7), "Real-time signals"); the C library
/// keeps two for itself.
const FIRST_REAL_TIME: i32 = 34;

/// The highest number that the kernel knows.
const LAST: i32 = 64;

/// A signal by its number. Unlike [`Signal`], it can be a real-time signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalNumber(i32);

impl SignalNumber {
    /// The signal of this number, where there is one.
    pub fn new(number: i32) -> Option<Self> {
        (1..=LAST).contains(&number).then_some(Self(number))
    }

    /// The number.
    pub fn get(self) -> i32 {
        self.0
    }

    /// The exit code of a program that the signal ended, as a shell gives it.
    pub fn code(self) -> u8 {
        u8::try_from(128 + self.0).unwrap_or(u8::MAX)
    }

    /// The signal, where it is not a real-time signal.
    pub fn standard(self) -> Option<Signal> {
        Signal::try_from(self.0).ok()
    }

    /// Whether it is one of some signals.
    pub fn is_any(self, signals: &[Signal]) -> bool {
        signals.iter().any(|signal| self == *signal)
    }

    /// Whether it ends a program that does nothing about it (signal(7), "Standard signals").
    pub fn ends_by_default(self) -> bool {
        let others = [Signal::SIGCHLD, Signal::SIGCONT, Signal::SIGURG, Signal::SIGWINCH];
        !self.is_any(&others) && !self.stops_by_default() && self != Signal::SIGSTOP
    }

    /// Whether it stops a program that does nothing about it, and that can do something about it.
    pub fn stops_by_default(self) -> bool {
        self.is_any(&[Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU])
    }

    /// Its place in a set of signals as the kernel prints them (proc(5), `SigPnd`).
    pub(crate) fn bit(self) -> u64 {
        1 << (self.0 - 1)
    }
}

impl From<Signal> for SignalNumber {
    fn from(signal: Signal) -> Self {
        Self(signal as i32)
    }
}

impl PartialEq<Signal> for SignalNumber {
    fn eq(&self, signal: &Signal) -> bool {
        self.0 == *signal as i32
    }
}

/// The name that shells give it: `SIGTERM`, `SIGRTMIN+1`.
impl fmt::Display for SignalNumber {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.standard(), self.0 - FIRST_REAL_TIME) {
            (Some(signal), _) => to.write_str(signal.as_str()),
            (None, 0) => to.write_str("SIGRTMIN"),
            (None, above @ 1..) => write!(to, "SIGRTMIN+{above}"),
            (None, _) => write!(to, "signal {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_name_and_a_code() {
        for (number, name, code) in [
            (1, "SIGHUP", 129),
            (15, "SIGTERM", 143),
            (32, "signal 32", 160),
            (34, "SIGRTMIN", 162),
            (35, "SIGRTMIN+1", 163),
            (64, "SIGRTMIN+30", 192),
        ] {
            let signal = SignalNumber::new(number).unwrap();
            assert_eq!((signal.to_string().as_str(), signal.code()), (name, code));
        }
        assert_eq!(SignalNumber::new(0), None, "0 only asks whether a process is there");
        assert_eq!(SignalNumber::new(65), None);
    }

    #[test]
    fn the_kernel_prints_a_set_with_signal_1_as_its_lowest_bit() {
        let bit = |number| SignalNumber::new(number).unwrap().bit();
        assert_eq!((bit(1), bit(15), bit(64)), (1, 0x4000, 1 << 63));
    }

    #[test]
    fn what_a_signal_does_by_default() {
        let of = |signal: Signal| SignalNumber::from(signal);
        assert!(of(Signal::SIGUSR1).ends_by_default() && of(Signal::SIGPIPE).ends_by_default());
        assert!(SignalNumber::new(35).unwrap().ends_by_default());
        for signal in [Signal::SIGCHLD, Signal::SIGCONT, Signal::SIGWINCH, Signal::SIGTSTP] {
            assert!(!of(signal).ends_by_default(), "{signal}");
        }
        assert!(of(Signal::SIGTTIN).stops_by_default() && !of(Signal::SIGSTOP).stops_by_default());
    }
}
