use crate::fixture::{client_of, committed, put};
use lokt_etcd::{
    Change, ClusterErrorKind, CommitOutcome, CompareTarget, Comparison, KeyRange, RangeContent,
    Relation, Transaction, WriteError,
};
use lokt_testkit::TestCluster;

#[test]
fn ranges_are_read_at_one_revision() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let first = committed(client.commit(&put(&[("a/1", "one"), ("a/2", "two"), ("b", "three")])));
    let second = committed(client.commit(&put(&[("a/1", "changed")])));
    let ranges = [KeyRange::prefix("a/"), KeyRange::key("b"), KeyRange::key("missing")];
    let now = client.read(&ranges).expect("a read");
    assert_eq!(now.revision, second, "a read has the revision of the last commit");
    let lengths: Vec<usize> = now.ranges.iter().map(Vec::len).collect();
    assert_eq!(lengths, [2, 1, 0], "each range has its place");
    let key = &now.ranges[0][0];
    assert_eq!((&key.key[..], &key.value[..]), (&b"a/1"[..], &b"changed"[..]));
    assert_eq!((key.create_revision, key.mod_revision, key.version), (first, second, 2));
    assert_eq!(key.lease, None);
    let then = client.read_at(first, &ranges).expect("a read of the past");
    assert_eq!(then.revision, first, "a read of the past has its revision");
    assert_eq!(then.ranges[0][0].value, b"one", "the past has the value of then");
}

#[test]
fn a_conflict_is_an_outcome_that_says_what_is_there() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let first = committed(client.commit(&put(&[("a", "one")])));
    let transaction = Transaction {
        comparisons: vec![Comparison::absent("a")],
        changes: vec![Change::put("a", "two")],
        reads_on_conflict: vec![KeyRange::key("b"), KeyRange::key("a")],
    };
    match client.commit(&transaction) {
        Ok(CommitOutcome::Conflict { revision, ranges }) => {
            assert_eq!(revision, first);
            assert_eq!(ranges[0], []);
            assert_eq!(ranges[1][0].value, b"one", "nothing was changed");
        }
        other => panic!("a conflict is no error: {other:?}"),
    }
}

#[test]
fn each_comparison_compares_what_it_says() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let created = committed(client.commit(&put(&[("a", "one")])));
    let changed = committed(client.commit(&put(&[("a", "two")])));
    let holds = |relation, target| {
        let comparison = Comparison { key: b"a".to_vec(), relation, target };
        let comparisons = vec![comparison];
        let outcome = client.commit(&Transaction { comparisons, ..Transaction::default() });
        matches!(outcome.expect("an outcome"), CommitOutcome::Committed { .. })
    };
    for (target, greater) in [
        (CompareTarget::CreateRevision(created), CompareTarget::CreateRevision(created.next())),
        (CompareTarget::ModRevision(changed), CompareTarget::ModRevision(changed.next())),
        (CompareTarget::Version(2), CompareTarget::Version(3)),
        (CompareTarget::Value(b"two".to_vec()), CompareTarget::Value(b"uuu".to_vec())),
    ] {
        assert!(holds(Relation::Equal, target.clone()), "{target:?}");
        assert!(!holds(Relation::NotEqual, target.clone()), "{target:?}");
        assert!(holds(Relation::Less, greater.clone()), "{greater:?}");
        assert!(!holds(Relation::Greater, greater.clone()), "{greater:?}");
    }
    assert!(holds(Relation::Equal, CompareTarget::Lease(None)), "the key has no lease");
}

#[test]
fn changes_delete_keys_and_ranges() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    committed(client.commit(&put(&[("a/1", ""), ("a/2", ""), ("b", ""), ("c", "")])));
    let changes = vec![Change::Delete(KeyRange::prefix("a/")), Change::delete("b")];
    committed(client.commit(&Transaction { changes, ..Transaction::default() }));
    let all = client.read(&[KeyRange::prefix("")]).expect("a read");
    let keys: Vec<&[u8]> = all.ranges[0].iter().map(|it| &it.key[..]).collect();
    assert_eq!(keys, [b"c"], "only what was named is gone");
}

#[test]
fn a_read_of_many_ranges_has_one_revision() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let revision = committed(client.commit(&put(&[("k/0", "0"), ("k/299", "299")])));
    let ranges: Vec<KeyRange> = (0..300).map(|it| KeyRange::key(format!("k/{it}"))).collect();
    let snapshot = client.read(&ranges).expect("more ranges than a transaction takes");
    assert_eq!(snapshot.revision, revision);
    assert_eq!(snapshot.ranges.len(), 300);
    assert_eq!((snapshot.ranges[0].len(), snapshot.ranges[299].len()), (1, 1));
}

#[test]
fn a_thousand_keys_are_read_in_pages_of_one_revision() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let names: Vec<String> = (0..1000).map(|it| format!("k/{it:04}")).collect();
    for chunk in names.chunks(100) {
        let pairs: Vec<(&str, &str)> = chunk.iter().map(|it| (it.as_str(), "value")).collect();
        committed(client.commit(&put(&pairs)));
    }
    let range = KeyRange::prefix("k/");
    let read = client.read_pages(&range, 64).expect("all pages");
    let keys: Vec<&str> = read.keys.iter().map(|it| str::from_utf8(&it.key).unwrap()).collect();
    assert_eq!(keys, names, "each key is there once, in its order");
    assert!(read.keys.iter().all(|it| it.value == b"value"));
    let exact = client.read_pages(&range, 1000).expect("one full page");
    assert_eq!(exact, read, "the size of a page changes nothing");
    let only_keys = client.read_pages(&range.with(RangeContent::KeysOnly), 300).expect("all pages");
    assert!(only_keys.keys.iter().all(|it| it.value.is_empty()), "no value was asked for");
    assert_eq!(only_keys.keys.len(), 1000);
}

#[test]
fn a_compacted_revision_and_a_future_one_are_told_apart() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let first = committed(client.commit(&put(&[("a", "one")])));
    let second = committed(client.commit(&put(&[("a", "two")])));
    client.compact(second).expect("a compaction");
    client.compact(second).expect("a compaction that was done already");
    client.compact(first).expect("a compaction of what is compacted");
    let kind = |revision| client.read_at(revision, &[KeyRange::key("a")]).map_err(|it| it.kind);
    assert_eq!(kind(first), Err(ClusterErrorKind::Compacted));
    assert_eq!(kind(second.next()), Err(ClusterErrorKind::FutureRevision));
    let error = client.compact(second.next()).expect_err("nothing to compact there");
    assert_eq!(error.kind, ClusterErrorKind::FutureRevision);
}

#[test]
fn a_transaction_that_is_too_large_changes_nothing() {
    let cluster = TestCluster::start(1);
    let client = client_of(&cluster);
    let names: Vec<String> = (0..129).map(|it| it.to_string()).collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(|it| (it.as_str(), "")).collect();
    let large = "x".repeat(2 << 20);
    for transaction in [put(&pairs), put(&[("a", &large)])] {
        match client.commit(&transaction) {
            Err(WriteError::NotApplied(error)) => {
                assert_eq!(error.kind, ClusterErrorKind::TooLarge, "{error}");
            }
            other => panic!("it must be refused: {other:?}"),
        }
    }
    match client.commit(&put(&[("a", "one"), ("a", "two")])) {
        Err(WriteError::NotApplied(error)) => {
            assert_eq!(error.kind, ClusterErrorKind::Refused);
            assert!(error.to_string().contains("duplicate key given in txn request"), "{error}");
        }
        other => panic!("one key twice must be refused: {other:?}"),
    }
    let all = client.read(&[KeyRange::prefix("")]).expect("a read");
    assert_eq!(all.ranges, [[]], "nothing was changed");
}
