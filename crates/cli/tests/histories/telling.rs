//! What commands tell that change nothing.

use super::{
    expected::{Entry, Expected, Told},
    model::{Broken, Freeze, Grip, Holder, Model, Verdict, process_of},
    step::{End, Name, Owner},
};

impl Model {
    /// `lokt exists NAME`
    pub(crate) fn exists(&self, name: Name) -> Expected {
        let state = self.at(name);
        match state.broken() {
            Some(broken) => Expected::fails(1, broken.told()),
            None if state.holders.iter().any(|it| it.is_held() || it.is_inside()) => {
                Expected::default()
            }
            None => Expected { code: 3, ..Expected::default() },
        }
    }

    /// `lokt get-meta NAME k`
    pub(crate) fn get_meta(&self, name: Name) -> Expected {
        let state = self.at(name);
        let Some(record) = state.record() else { return Expected::fails(3, "is not held") };
        match (record.broken(), record.lease().and_then(|lease| lease.meta)) {
            (Some(broken), _) => Expected::fails(1, broken.told()),
            (None, _) if !record.is_held() => Expected::fails(3, "has expired"),
            (None, Some(value)) => Expected::line(value),
            (None, None) => Expected::fails(3, "has no metadata key \"k\""),
        }
    }

    /// `lokt status NAME --json`
    pub(crate) fn status(&self, name: Name) -> Expected {
        let state = self.at(name);
        let is_free = |entry: &Entry| entry.state == "expired" || entry.state == "dead";
        let lock = lock_entry(self, name).filter(|entry| !is_free(entry));
        let freeze = freeze_entry(self, name).filter(|entry| !is_free(entry));
        let Some(mut entry) = lock.or(freeze) else {
            return Expected::fails(3, "is not held");
        };
        let error = match (entry.freeze, state.broken()) {
            (true, _) if state.freeze == Some(Freeze::Broken) => Some("is corrupted"),
            (false, Some(broken)) => Some(broken.told()),
            _ => None,
        };
        if !entry.freeze {
            entry.frozen = state.frozen_by().map(text);
        }
        let expected = Expected::told(Told::One(entry));
        match error {
            Some(error) => Expected { code: 1, ..expected }.saying(error),
            None => expected,
        }
    }

    /// `lokt status --json`
    pub(crate) fn list(&mut self, by: Owner) -> Expected {
        let buried = self.bury_guards(by);
        let locks = Name::ALL.into_iter().filter_map(|name| lock_entry(self, name));
        let freezes = Name::ALL.into_iter().filter_map(|name| freeze_entry(self, name));
        let entries: Vec<Entry> = locks.chain(freezes).collect();
        let is_broken = |it: &&Entry| it.state == "corrupted" || it.state == "unsupported";
        let says = |it: &Entry| format!("the record of {:?} is unreadable", it.name);
        let says = entries.iter().filter(is_broken).map(says).collect();
        Expected { says, ..Expected::told(Told::List(entries)) }.and(buried)
    }

    /// `lokt status --prune-expired --json`
    pub(crate) fn prune(&mut self, by: Owner) -> Expected {
        let buried = self.bury_guards(by);
        let pruned = self.tidy(by);
        let listed = self.list(by);
        Expected { events: [buried, pruned].concat(), ..listed }
    }

    /// `lokt why NAME --json`
    pub(crate) fn why(&self, by: Owner, name: Name) -> Expected {
        let state = self.at(name);
        if state.freeze == Some(Freeze::Broken) {
            return Expected::fails(1, format!("freeze {:?} is corrupted", name.as_str()));
        }
        if state.broken() == Some(Broken::Newer) {
            return Expected::fails(1, Broken::Newer.told());
        }
        let frozen = state.frozen_by().map(|_| ("frozen", true));
        let record = state.record().map(|record| match (record.broken(), record.verdict()) {
            (Some(broken), _) => ("corrupted", !broken.is_free()),
            (_, Some(Verdict::Expired)) => ("expired", false),
            (_, Some(Verdict::Dead)) => ("dead_pid", false),
            _ if record.owner == Some(by) => ("self_held", true),
            _ => ("held", true),
        });
        let inside = state.unrecorded().next().map(|_| ("held", true));
        let queued = state.line.first().map(|_| ("queued", true));
        let reasons: Vec<_> = [frozen, record, inside, queued].into_iter().flatten().collect();
        let blocked = reasons.iter().any(|(_, blocks)| *blocks);
        let status = if blocked { "blocked" } else { "free" }.to_owned();
        let reasons = reasons.into_iter().map(|(kind, _)| kind.to_owned()).collect();
        let told = Told::Why { status, reasons };
        Expected { code: if blocked { 2 } else { 0 }, ..Expected::told(told) }
    }
}

/// A lock as `status` tells of it, where there is anything to tell.
fn lock_entry(model: &Model, name: Name) -> Option<Entry> {
    let state = model.at(name);
    let inside: Vec<String> =
        state.unrecorded().filter_map(|holder| holder.owner).map(text).collect();
    let queue: Vec<String> = state.line.iter().map(|waiter| text(waiter.owner)).collect();
    let record = state.record();
    let word = match (record.and_then(Holder::broken), record.and_then(Holder::verdict)) {
        (Some(Broken::Newer), _) => "unsupported",
        (Some(_), _) => "corrupted",
        (_, Some(Verdict::Held(how))) => how,
        // Nothing stands there, or what is over; but somebody may be in, or in the queue.
        _ if !inside.is_empty() => "held",
        _ if !queue.is_empty() => "queued",
        (_, verdict) => verdict?.word(),
    };
    let entry = record.map_or_else(|| nothing_of(name), |record| of_record(name, record));
    Some(Entry { state: word.to_owned(), inside, queue, ..entry })
}

fn nothing_of(name: Name) -> Entry {
    let process = Some("unknown".to_owned());
    Entry { name: name.as_str().to_owned(), process, ..Entry::default() }
}

/// What a record says by itself.
fn of_record(name: Name, record: &Holder) -> Entry {
    let (version, end, process, meta) = match &record.grip {
        Grip::Lease(lease) => (lease.version, lease.end, lease.process, lease.meta),
        Grip::Guard(guard) => (1, guard.end, process_of(guard), None),
        Grip::Broken(_) => return nothing_of(name),
    };
    Entry {
        owner: record.owner.map(text),
        version: Some(version),
        expired: Some(end == End::Past),
        process: Some(process.as_str().to_owned()),
        meta: meta.map(str::to_owned),
        ..nothing_of(name)
    }
}

/// A freeze as `status` tells of it.
fn freeze_entry(model: &Model, name: Name) -> Option<Entry> {
    let entry = Entry { freeze: true, process: None, ..nothing_of(name) };
    Some(match model.at(name).freeze? {
        Freeze::Broken => Entry { state: "corrupted".to_owned(), ..entry },
        Freeze::Order { by, over } => Entry {
            state: if over { "expired" } else { "frozen" }.to_owned(),
            owner: Some(text(by)),
            version: Some(1),
            expired: Some(over),
            ..entry
        },
    })
}

fn text(owner: Owner) -> String {
    owner.as_str().to_owned()
}
