//! Blocks that wait for a week.

use super::*;

const HOUR: i64 = 3600 * 10_000_000;
const WEEK: i64 = 7 * 24 * HOUR;

impl Driven {
    fn expire(&mut self) {
        let now = Time::from_ticks(self.clock);
        self.storage.expire(now, &mut self.effects);
        for (key, value) in self.storage.take_dirty() {
            match value {
                Some(value) => self.disk.insert(key, value),
                None => self.disk.remove(&key),
            };
        }
        assert_eq!(self.storage.uses, counted(&self.storage));
    }
}

#[test]
fn blocks_go_a_week_after_the_last_of_their_blob() {
    let mut s = Driven::default();
    assert_eq!(s.storage.next_deadline(), None);
    s.ok(create("in1"));
    s.ok(put(at("in1", "a"), extent("whole", 1)));
    s.ok(put_block(at("in1", "a"), "QQ==", extent("a1", 1)));
    s.ok(put_block(at("in1", "b"), "QQ==", extent("b1", 1)));
    assert_eq!(s.storage.next_deadline(), Some(Time::from_ticks(HOUR)));
    s.clock = WEEK - 1;
    s.ok(put_block(at("in1", "b"), "Qg==", extent("b2", 1)));
    s.expire();
    assert_eq!(s.deleted(), [""; 0]);
    s.clock = WEEK;
    s.expire();
    assert_eq!(s.deleted(), ["a1"], "of b another came since");
    assert_eq!(
        s.storage.next_deadline(),
        Some(Time::from_ticks(WEEK + HOUR))
    );
    s.assert_restartable();
    for restarted in s.restarted() {
        assert!(restarted.next_deadline() <= Some(Time::from_ticks(WEEK)));
    }
    s.clock = 2 * WEEK - 1;
    s.expire();
    assert_eq!(s.deleted(), ["b1", "b2"]);
    assert_eq!(s.storage.next_deadline(), None, "nothing waits");
    s.assert_restartable();
    assert_eq!(
        blob(s.ok(get(at("in1", "a")))).segments,
        [extent("whole", 1)]
    );
    let gone = commit(at("in1", "b"), &[(Source::Latest, "QQ==")]);
    assert_eq!(s.refused(gone), Code::InvalidBlockList);
}
