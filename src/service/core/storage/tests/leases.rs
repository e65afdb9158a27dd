//! Who may change what while somebody holds a lease, by the clock of the caller.

use super::*;
use crate::wire::blob::lease::{Action, LeaseId, State};
use crate::wire::time::Duration;

const SECOND: i64 = 10_000_000;

fn lease_id(letter: &str) -> LeaseId {
    LeaseId::new(&format!("{}-0000-0000-0000-000000000000", letter.repeat(8))).unwrap()
}

fn seconds(seconds: i64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

fn acquire(letter: &str, duration: Option<Duration>) -> Action {
    Action::Acquire {
        duration,
        id: lease_id(letter),
    }
}

fn renew(letter: &str) -> Action {
    Action::Renew {
        id: lease_id(letter),
    }
}

fn change(from: &str, to: &str) -> Action {
    Action::Change {
        id: lease_id(from),
        proposed: lease_id(to),
    }
}

fn release(letter: &str) -> Action {
    Action::Release {
        id: lease_id(letter),
    }
}

fn on_blob(action: Action) -> BlobCommand {
    BlobCommand::LeaseBlob {
        blob: at("in1", "a"),
        action,
        conditions: Conditions::default(),
    }
}

fn on_container(action: Action) -> BlobCommand {
    BlobCommand::LeaseContainer {
        container: container("in1"),
        action,
        conditions: Conditions::default(),
    }
}

fn holding(letter: Option<&str>) -> Conditions {
    Conditions {
        lease: letter.map(lease_id),
        ..Conditions::default()
    }
}

fn leasing(reply: BlobReply) -> Leasing {
    match reply {
        BlobReply::Leasing(leasing) => leasing,
        other => panic!("{other:?}"),
    }
}

impl Driven {
    fn lease_state(&mut self) -> State {
        let now = Time::from_ticks(self.clock);
        shown(
            blob(self.ok(get(at("in1", "a")))).properties.lease.as_ref(),
            now,
        )
        .state
    }

    fn pass(&mut self, seconds: i64) {
        self.clock += seconds * SECOND;
    }

    /// With a blob whose lease, if it has one, is held by A and in this state.
    fn with_lease(state: State) -> Self {
        let mut s = Self {
            clock: 1_000 * SECOND,
            ..Self::default()
        };
        s.ok(create("in1"));
        s.ok(put(at("in1", "a"), extent("e1", 1)));
        if state != State::Available {
            s.ok(on_blob(acquire("a", seconds(30))));
        }
        match state {
            State::Available | State::Leased => {}
            State::Expired => s.pass(30),
            State::Breaking => {
                s.ok(on_blob(Action::Break {
                    period: seconds(10),
                }));
            }
            State::Broken => {
                s.ok(on_blob(Action::Break { period: seconds(0) }));
            }
        }
        assert_eq!(s.lease_state(), state);
        s
    }
}

#[test]
fn each_action_in_each_state() {
    use Code as C;
    use State::{Available, Breaking, Broken, Expired, Leased};
    let break_now = Action::Break { period: seconds(0) };
    let break_slowly = Action::Break { period: seconds(5) };
    let ended = Action::Break { period: None };
    let states = [Available, Leased, Breaking, Broken, Expired];
    let mismatch = Err(C::LeaseIdMismatchWithLeaseOperation);
    let absent = Err(C::LeaseNotPresentWithLeaseOperation);
    let present = Err(C::LeaseAlreadyPresent);
    let cannot_acquire = Err(C::LeaseIsBreakingAndCannotBeAcquired);
    let cannot_renew = Err(C::LeaseIsBrokenAndCannotBeRenewed);
    let cannot_change = Err(C::LeaseIsBreakingAndCannotBeChanged);
    for (action, outcomes) in [
        (
            acquire("a", None),
            [
                Ok(Leased),
                Ok(Leased),
                cannot_acquire,
                Ok(Leased),
                Ok(Leased),
            ],
        ),
        (
            acquire("b", None),
            [Ok(Leased), present, present, Ok(Leased), Ok(Leased)],
        ),
        (
            renew("a"),
            [mismatch, Ok(Leased), cannot_renew, cannot_renew, Ok(Leased)],
        ),
        (renew("b"), [mismatch; 5]),
        (
            change("a", "b"),
            [absent, Ok(Leased), cannot_change, absent, absent],
        ),
        (
            change("b", "a"),
            [absent, Ok(Leased), cannot_change, absent, absent],
        ),
        (
            change("b", "c"),
            [absent, mismatch, mismatch, absent, absent],
        ),
        (
            release("a"),
            [
                mismatch,
                Ok(Available),
                Ok(Available),
                Ok(Available),
                Ok(Available),
            ],
        ),
        (release("b"), [mismatch; 5]),
        (
            break_now,
            [absent, Ok(Broken), Ok(Broken), Ok(Broken), Ok(Broken)],
        ),
        (
            break_slowly,
            [absent, Ok(Breaking), Ok(Breaking), Ok(Broken), Ok(Broken)],
        ),
        (
            ended,
            [absent, Ok(Breaking), Ok(Breaking), Ok(Broken), Ok(Broken)],
        ),
    ] {
        for (state, expected) in states.into_iter().zip(outcomes) {
            let mut s = Driven::with_lease(state);
            let before = blob(s.ok(get(at("in1", "a")))).properties;
            let got = s.send(on_blob(action.clone()));
            let got = got.map_err(|refusal| refusal.code).map(|_| s.lease_state());
            assert_eq!(got, expected, "{action:?} when {state:?}");
            let after = blob(s.ok(get(at("in1", "a")))).properties;
            assert_eq!(before.modified, after.modified, "leasing changes no ETag");
            if got.is_err() {
                assert_eq!(before, after);
            }
            s.assert_restartable();
        }
    }
}

#[test]
fn each_use_in_each_state() {
    use Code::{
        LeaseIdMismatchWithBlobOperation as Mismatch, LeaseIdMissing as Missing, LeaseLost as Lost,
        LeaseNotPresentWithBlobOperation as Absent,
    };
    use State::{Available, Breaking, Broken, Expired, Leased};
    for (state, given, read, write) in [
        (Available, None, Ok(()), Ok(())),
        (Available, Some("a"), Err(Absent), Err(Absent)),
        (Leased, None, Ok(()), Err(Missing)),
        (Leased, Some("a"), Ok(()), Ok(())),
        (Leased, Some("b"), Err(Mismatch), Err(Mismatch)),
        (Breaking, None, Ok(()), Err(Missing)),
        (Breaking, Some("a"), Ok(()), Ok(())),
        (Breaking, Some("b"), Err(Mismatch), Err(Mismatch)),
        (Broken, None, Ok(()), Ok(())),
        (Broken, Some("a"), Err(Lost), Err(Lost)),
        (Expired, None, Ok(()), Ok(())),
        (Expired, Some("a"), Err(Lost), Err(Lost)),
    ] {
        let a = || at("in1", "a");
        let conditions = || holding(given);
        let reads = [
            BlobCommand::GetBlob {
                blob: a(),
                conditions: conditions(),
            },
            BlobCommand::GetBlobProperties {
                blob: a(),
                conditions: conditions(),
            },
            BlobCommand::GetBlockList {
                blob: a(),
                lease: given.map(lease_id),
            },
            BlobCommand::CopyBlob(Box::new(Copy {
                source: a(),
                source_conditions: conditions(),
                blob: at("in1", "copy"),
                kind: CopyKind::Put {
                    headers: ContentHeaders::default(),
                    source_headers: true,
                },
                metadata: Metadata::new(),
                conditions: Conditions::default(),
                create_only: false,
            })),
        ];
        let content = || extent("e2", 1);
        let block = extent("e1", 1);
        let writes = [
            BlobCommand::PutBlob(Box::new(Put {
                conditions: conditions(),
                ..put_of(a(), content())
            })),
            BlobCommand::PutBlockList(Box::new(Put {
                conditions: conditions(),
                ..put_of(a(), Vec::new())
            })),
            BlobCommand::PutBlock {
                blob: a(),
                block: id("QQ=="),
                content: block,
                lease: given.map(lease_id),
            },
            BlobCommand::SetBlobMetadata {
                blob: a(),
                metadata: Metadata::new(),
                conditions: conditions(),
            },
            BlobCommand::SetBlobProperties {
                blob: a(),
                headers: ContentHeaders::default(),
                conditions: conditions(),
            },
            BlobCommand::DeleteBlob {
                blob: a(),
                conditions: conditions(),
            },
        ];
        let all = reads.map(|c| (c, read)).into_iter();
        for (command, expected) in all.chain(writes.map(|c| (c, write))) {
            let mut s = Driven::with_lease(state);
            let got = s.send(command.clone()).map(|_| ());
            let got = got.map_err(|refusal| refusal.code);
            assert_eq!(got, expected, "{state:?} {given:?} {command:?}");
        }
    }
}

#[test]
fn a_lease_outlives_changes_by_its_holder_and_no_others() {
    let mut s = Driven::with_lease(State::Leased);
    let by_holder = BlobCommand::PutBlob(Box::new(Put {
        conditions: holding(Some("a")),
        ..put_of(at("in1", "a"), extent("e2", 1))
    }));
    s.ok(by_holder);
    assert_eq!(s.deleted(), ["e1"]);
    assert_eq!(s.lease_state(), State::Leased);
    s.pass(30);
    assert_eq!(s.lease_state(), State::Expired);
    s.ok(put(at("in1", "a"), extent("e3", 1)));
    assert_eq!(s.deleted(), ["e2"]);
    assert_eq!(s.lease_state(), State::Available);
    let late = on_blob(renew("a"));
    assert_eq!(s.refused(late), Code::LeaseIdMismatchWithLeaseOperation);
    s.assert_restartable();
}

#[test]
fn how_long_breaking_takes() {
    for (duration, period, left) in [
        (None, None, 0),
        (None, seconds(7), 7),
        (seconds(30), None, 30),
        (seconds(30), seconds(7), 7),
        (seconds(30), seconds(60), 30),
        (seconds(30), seconds(0), 0),
    ] {
        let mut s = Driven::with_lease(State::Available);
        s.ok(on_blob(acquire("a", duration)));
        let broken = leasing(s.ok(on_blob(Action::Break { period })));
        assert_eq!(broken.left, seconds(left), "{duration:?} {period:?}");
        if left > 0 {
            s.pass(left - 1);
            assert_eq!(s.lease_state(), State::Breaking);
            s.pass(1);
        }
        assert_eq!(s.lease_state(), State::Broken);
    }
}

#[test]
fn containers() {
    let mut s = Driven::with_lease(State::Available);
    let held = leasing(s.ok(on_container(acquire("a", None))));
    assert_eq!(held.id, Some(lease_id("a")));
    let get = |letter: &str| BlobCommand::GetContainer {
        container: container("in1"),
        lease: Some(lease_id(letter)),
    };
    let set = |letter: Option<&str>| BlobCommand::SetContainerMetadata {
        container: container("in1"),
        metadata: Metadata::new(),
        conditions: holding(letter),
    };
    let delete = |letter| BlobCommand::DeleteContainer {
        container: container("in1"),
        conditions: holding(letter),
    };
    let mismatch = Code::LeaseIdMismatchWithContainerOperation;
    s.ok(get("a"));
    assert_eq!(s.refused(get("b")), mismatch);
    s.ok(set(None));
    s.ok(set(Some("a")));
    assert_eq!(s.refused(set(Some("b"))), mismatch);
    assert_eq!(s.refused(delete(None)), Code::LeaseIdMissing);
    assert_eq!(s.refused(delete(Some("b"))), mismatch);
    s.ok(put(at("in1", "new"), extent("e9", 1)));
    s.assert_restartable();
    s.ok(on_container(release("a")));
    let absent = Code::LeaseNotPresentWithContainerOperation;
    assert_eq!(s.refused(delete(Some("a"))), absent);
    s.ok(on_container(acquire("b", seconds(15))));
    s.pass(15);
    assert_eq!(s.refused(delete(Some("b"))), Code::LeaseLost);
    s.ok(delete(None));
    s.deleted();
    assert_eq!(s.refused(on_container(renew("b"))), Code::ContainerNotFound);
}
