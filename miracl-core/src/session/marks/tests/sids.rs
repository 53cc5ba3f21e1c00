//! Front-channel log-outs, which prove nothing: what they end, and what they cannot push out.

use super::*;

/// A name that nobody has.
fn made_up(number: usize) -> IndexKey {
    let mut mark = IndexKey([0; 16]);
    mark.0[..8].copy_from_slice(&(number as u64 + 1).to_le_bytes());
    mark
}

/// A session of this sid.
fn of_sid(sid: IndexKey) -> Session {
    let mut session = session();
    session.marked_by.sid = Some(sid);
    session
}

#[tokio::test]
async fn sids_that_are_made_up_bring_no_session_back_and_hide_no_log_out_of_a_login() {
    const REAL: [IndexKey; 4] = [
        IndexKey([0xa1; 16]),
        IndexKey([0xa2; 16]),
        IndexKey([0xa3; 16]),
        IndexKey([0xa4; 16]),
    ];
    let store = Common::default();
    let alone = Marks::new(&Config::default(), Duration::from_secs(60));
    for (here, there) in [(alone, None), (marks(&store), Some(marks(&store)))] {
        let login = there.as_ref().unwrap_or(&here);
        let end = async |sid| here.end_sid_unproven(sid, until_now(), false).await;
        for sid in &REAL[..3] {
            login.has_session(*sid).await.unwrap();
        }
        assert!(end(REAL[0]).await.unwrap(), "before the flood");
        for number in 0..12_000 {
            let is_kept = number < NoteList::Unproven.capacity();
            assert_eq!(end(made_up(number)).await.unwrap(), is_kept, "{number}");
            // Again, it costs nothing more.
            assert!(!end(made_up(number)).await.unwrap(), "{number}");
        }
        assert!(end(REAL[1]).await.unwrap(), "after the flood");
        login.has_session(REAL[3]).await.unwrap();
        assert!(end(REAL[3]).await.unwrap(), "of a login after the flood");
        for marks in [Some(&here), there.as_ref()].into_iter().flatten() {
            age(marks);
            marks.catch_up().await.unwrap();
            for sid in [REAL[0], REAL[1], REAL[3], made_up(0), made_up(9_999)] {
                assert!(marks.is_ended(&of_sid(sid)));
            }
            for sid in [REAL[2], made_up(10_000), made_up(11_999)] {
                assert!(!marks.is_ended(&of_sid(sid)));
            }
        }
    }
    // A process that starts now reads the same.
    let late = marks(&store);
    late.catch_up().await.unwrap();
    for sid in [REAL[0], REAL[1], REAL[3], made_up(0), made_up(9_999)] {
        assert!(late.is_ended(&of_sid(sid)));
    }
}

#[tokio::test]
async fn a_front_channel_log_out_that_is_believed_costs_a_login_each_time() {
    let store = Common::default();
    let marks = marks(&store);
    let noted = async || {
        let notes = MarkStore::notes_since(&*store.store, NoteList::Proven, None).await;
        notes.unwrap().notes.len()
    };
    for round in 1..=3 {
        marks.has_session(IndexKey([7; 16])).await.unwrap();
        for _ in 0..5 {
            marks
                .end_sid_unproven(IndexKey([7; 16]), until_now(), false)
                .await
                .unwrap();
        }
        assert_eq!(noted().await, round);
    }
}
