#![expect(unsafe_code, reason = "nix takes a real-time signal in waitid(2)'s answer for an error")]

use super::SignalNumber;
use nix::libc;
use std::{io, mem::MaybeUninit};

/// What became of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChildState {
    /// It has not ended, nor stopped since that was last asked.
    Same,
    /// It ended by itself, with this exit code.
    Exited(i32),
    /// A signal ended it.
    Signaled(SignalNumber),
    /// A signal stopped it.
    Stopped(SignalNumber),
}

/// What became of a child, without collecting it.
pub(crate) fn child_state(pid: i32) -> io::Result<ChildState> {
    let flags = libc::WEXITED | libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT;
    let Some((_, code, status)) = wait_for(libc::P_PID, pid, flags)? else {
        return Ok(ChildState::Same);
    };
    let signal = SignalNumber::new(status);
    Ok(match (code, signal) {
        (libc::CLD_EXITED, _) => ChildState::Exited(status),
        (libc::CLD_KILLED | libc::CLD_DUMPED, Some(signal)) => ChildState::Signaled(signal),
        (libc::CLD_STOPPED, Some(signal)) => ChildState::Stopped(signal),
        _ => ChildState::Same,
    })
}

/// Takes note that a child has stopped: a stop that is not collected would be found again and again.
pub(crate) fn collect_stop(pid: i32) {
    let _ = wait_for(libc::P_PID, pid, libc::WSTOPPED | libc::WNOHANG);
}

/// Lets the kernel forget a child that has ended.
pub(crate) fn collect(pid: i32) {
    let _ = wait_for(libc::P_PID, pid, libc::WEXITED | libc::WNOHANG);
}

/// Kills a child, and waits for its end.
pub(crate) fn kill_child(pid: i32) {
    super::send(pid, nix::sys::signal::Signal::SIGKILL.into());
    while wait_for(libc::P_PID, pid, libc::WEXITED)
        .is_err_and(|it| it.kind() == io::ErrorKind::Interrupted)
    {}
}

/// Lets the kernel forget children that have ended, until no ended child is left, or the next is one of `kept`,
/// which is returned.
pub(crate) fn collect_all_but(kept: &[i32]) -> Option<i32> {
    loop {
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        let (pid, _, _) = wait_for(libc::P_ALL, 0, flags).ok()??;
        if kept.contains(&pid) {
            return Some(pid);
        }
        collect(pid);
    }
}

/// Which child changed its state, what that was (`CLD_EXITED` and so on), and its exit code or signal.
fn wait_for(
    kind: libc::idtype_t,
    id: i32,
    flags: libc::c_int,
) -> io::Result<Option<(i32, i32, i32)>> {
    let id = libc::id_t::try_from(id).map_err(io::Error::other)?;
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: the place for the answer is large enough. With WNOHANG it may be left as it is, all zeroes, which is a
    // valid value, and whose pid is 0 then; the two fields are those that waitid(2) sets.
    let (code, pid, status, failed) = unsafe {
        let failed = libc::waitid(kind, id, info.as_mut_ptr(), flags) != 0;
        let info = info.assume_init();
        (info.si_code, info.si_pid(), info.si_status(), failed)
    };
    match (failed, pid) {
        (true, _) => Err(io::Error::last_os_error()),
        (false, 0) => Ok(None),
        _ => Ok(Some((pid, code, status))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn ended(line: &str) -> ChildState {
        let mut child = Command::new("sh").args(["-c", line]).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let state = loop {
            match child_state(pid).unwrap() {
                ChildState::Same => std::thread::yield_now(),
                state => break state,
            }
        };
        assert_eq!(child_state(pid).unwrap(), state, "it is not collected by being looked at");
        child.kill().unwrap();
        child.wait().unwrap();
        state
    }

    #[test]
    fn every_end_is_told_as_it_was() {
        let signal = |number| SignalNumber::new(number).unwrap();
        assert_eq!(ended("exit 7"), ChildState::Exited(7));
        assert_eq!(ended("kill -TERM $$"), ChildState::Signaled(signal(15)));
        for number in [34, 35, 64] {
            let line = format!("kill -{number} $$");
            assert_eq!(ended(&line), ChildState::Signaled(signal(number)), "a real-time signal");
        }
        assert_eq!(ended("kill -STOP $$"), ChildState::Stopped(signal(19)));
    }
}
