/// Which of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The standard output.
    Out,
    /// The standard error output.
    Err,
}

/// What the order of a recording tells, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordingOrderEntry {
    /// So many bytes more came on a stream.
    Bytes(Stream, u64),
    /// The run is over: the verdict, as JSON.
    End(Vec<u8>),
}

/// A letter, and a number with the lowest byte first.
const HEAD: usize = 9;

/// No verdict is longer.
const MOST_BYTES: u64 = 1 << 20;

impl RecordingOrderEntry {
    /// The frame as bytes: a letter, a length, and for the end the text.
    pub fn encode(&self) -> Vec<u8> {
        let (letter, length, text): (u8, u64, &[u8]) = match self {
            Self::Bytes(Stream::Out, length) => (b'o', *length, b""),
            Self::Bytes(Stream::Err, length) => (b'e', *length, b""),
            Self::End(text) => (b'z', text.len() as u64, text),
        };
        let mut bytes = vec![letter];
        bytes.extend(length.to_le_bytes());
        bytes.extend(text);
        bytes
    }

    /// Takes the first frame from some bytes; `None` where it is not complete yet.
    ///
    /// # Errors
    /// [`InvalidRecordingOrderEntry`] where no more bytes would make it one.
    pub fn take(bytes: &mut &[u8]) -> Result<Option<Self>, InvalidRecordingOrderEntry> {
        let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else { return Ok(None) };
        let [letter, length @ ..] = *head;
        let length = u64::from_le_bytes(length);
        let frame = match letter {
            b'o' => Self::Bytes(Stream::Out, length),
            b'e' => Self::Bytes(Stream::Err, length),
            b'z' if length <= MOST_BYTES => {
                let length = usize::try_from(length).map_err(|_| InvalidRecordingOrderEntry)?;
                let Some((text, rest)) = rest.split_at_checked(length) else { return Ok(None) };
                *bytes = rest;
                return Ok(Some(Self::End(text.to_vec())));
            }
            _ => return Err(InvalidRecordingOrderEntry),
        };
        *bytes = rest;
        Ok(Some(frame))
    }
}

/// Says that bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the order of the recording is damaged")]
pub struct InvalidRecordingOrderEntry;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn frame() -> impl Strategy<Value = RecordingOrderEntry> {
        prop_oneof![
            any::<u64>().prop_map(|length| RecordingOrderEntry::Bytes(Stream::Out, length)),
            any::<u64>().prop_map(|length| RecordingOrderEntry::Bytes(Stream::Err, length)),
            vec(any::<u8>(), 0..20).prop_map(RecordingOrderEntry::End),
        ]
    }

    proptest! {
        #[test]
        fn frames_are_read_back_however_they_are_cut(frames in vec(frame(), 0..5), cut in 0..100_usize) {
            let bytes: Vec<u8> = frames.iter().flat_map(RecordingOrderEntry::encode).collect();
            let (mut first, mut read) = (&bytes[..cut.min(bytes.len())], Vec::new());
            while let Some(frame) = RecordingOrderEntry::take(&mut first).unwrap() {
                read.push(frame);
            }
            let mut rest = &bytes[cut.min(bytes.len()) - first.len()..];
            while let Some(frame) = RecordingOrderEntry::take(&mut rest).unwrap() {
                read.push(frame);
            }
            prop_assert_eq!(read, frames);
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..40)) {
            let mut rest = bytes.as_slice();
            while let Ok(Some(_)) = RecordingOrderEntry::take(&mut rest) {}
        }
    }
}
