//! Random changes to the cookies of sessions: every header opens as one whole session, or as none.

mod browser;
mod change;

use std::collections::BTreeMap;

use base64_simd::URL_SAFE_NO_PAD as BASE64;

use crate::{
    CookieKey, Miracl,
    probes::{
        fuzz::tests::Dice,
        mutations::{
            browser::{FLASH, Original, Pair, engine, join, visit},
            change::{Change, change_alphabet, change_headers, rename},
        },
    },
};

/// How many headers an ordinary run makes, in a few seconds. `COOKIE_MUTATIONS=1000000` in the environment makes it a
/// million.
const COUNT: u64 = 10_000;

#[tokio::test]
async fn whatever_is_made_of_the_cookies_of_sessions_opens_as_one_of_them_or_as_nobody() {
    let count = std::env::var("COOKIE_MUTATIONS").map_or(COUNT, |count| count.parse().unwrap());
    let browsers = Browsers::new().await;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut outcomes = BTreeMap::<(Change, Outcome), u64>::new();
    for number in 0..count {
        let (original, changes, headers) = browsers.mutate(&mut dice);
        let outcome = browsers.judge(&headers).await.unwrap_or_else(|wrong| {
            let printed: Vec<_> = headers.iter().map(|h| h.escape_ascii()).collect();
            panic!("header {number}, made by {changes:?}: {wrong}: {printed:?}")
        });
        // What several changes did together says little of each.
        if let ([change], true) = (&changes[..], original.counts) {
            *outcomes.entry((*change, outcome)).or_default() += 1;
        }
    }
    let total = |outcome| {
        let seen = outcomes.iter().filter(|((_, found), _)| *found == outcome);
        seen.map(|(_, number)| number).sum::<u64>()
    };
    let totals = [Outcome::Whole, Outcome::Small, Outcome::Nobody].map(total);
    println!("{count} headers; of those with one change whole, small, nobody: {totals:?}");
    // The changes are neither all harmless nor all so coarse that nothing is left to be mistaken for a session.
    assert!(
        totals.iter().all(|total| *total > count / 100),
        "{totals:?}"
    );
    for change in Change::ALL {
        let seen = |outcome| outcomes.contains_key(&(change, outcome));
        let harms = seen(Outcome::Small) || seen(Outcome::Nobody);
        assert!(seen(Outcome::Whole), "no session survives {change:?}");
        assert_eq!(harms, !change.keeps_the_meaning(), "{change:?}");
    }
}

/// What a header turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// A session with its tokens and user data.
    Whole,
    /// A session until its tokens or user data were asked for, and then nobody's.
    Small,
    /// Nobody's.
    Nobody,
}

struct Browsers {
    miracl: Miracl,
    originals: Vec<Original>,
}

impl Browsers {
    /// Sessions of one cookie and of several, before and after a change, of another client, and of an unknown key.
    async fn new() -> Self {
        let key = CookieKey::generate();
        let miracl = engine("client", &key);
        let mut originals = vec![Original::new(&miracl, "small", 0, true).await];
        for subject in ["large", "other"] {
            let before = Original::new(&miracl, subject, 4000, true).await;
            let after = before.changed(&miracl).await;
            originals.extend([before, after]);
        }
        let strangers = [("client2", key), ("client", CookieKey::generate())];
        for (client_id, key) in strangers {
            originals.push(Original::new(&engine(client_id, &key), "stranger", 4000, false).await);
        }
        let browsers = Self { miracl, originals };
        for original in &browsers.originals {
            let outcome = browsers.judge(&[join(&original.jar)]).await;
            let expected = if original.counts {
                Outcome::Whole
            } else {
                Outcome::Nobody
            };
            assert_eq!(outcome, Ok(expected), "{}", original.subject);
        }
        browsers
    }

    /// Asks the engine for everything that a header may hold.
    async fn judge(&self, headers: &[Vec<u8>]) -> Result<Outcome, String> {
        let visit = visit(&self.miracl, headers);
        let user = visit.user().await.map_err(|error| error.to_string())?;
        let data = visit.user_data().await.map_err(|error| error.to_string())?;
        let tokens = visit.tokens().await.map_err(|error| error.to_string())?;
        let flashes = visit.take_flashes().await;
        if flashes.iter().any(|flash| flash.text != FLASH) || flashes.len() > 1 {
            return Err(format!("has the messages {flashes:?}"));
        }
        if let Some(line) = visit
            .finish()
            .set_cookies
            .iter()
            .find(|line| !line.contains("=; "))
        {
            return Err(format!("sets {line}"));
        }
        let Some(user) = user else {
            let nothing = data.is_none() && tokens.is_none();
            return nothing
                .then_some(Outcome::Nobody)
                .ok_or_else(|| "has data of nobody".into());
        };
        let (Some(data), Some(tokens)) = (&data, &tokens) else {
            let known = self
                .originals
                .iter()
                .any(|original| original.counts && original.subject == user.id());
            let nothing = data.is_none() && tokens.is_none();
            return (known && nothing)
                .then_some(Outcome::Small)
                .ok_or_else(|| format!("is {:?}", user.id()));
        };
        let found = self.originals.iter().find(|original| {
            original.counts
                && original.subject == user.id()
                && data.get("data") == Some(&original.data)
                && tokens.access_token().expose() == original.subject
        });
        let Some(original) = found else {
            return Err(format!("is {:?} with {:?}", user.id(), data.get("data")));
        };
        // Nobody is let in by anything but the very values that were sealed.
        let whole = headers.join(&b"; "[..]);
        let sealed = String::from_utf8_lossy(&original.jar[0].1);
        if !String::from_utf8_lossy(&whole).contains(&*sealed) {
            return Err(format!("is {:?} without the cookie", user.id()));
        }
        Ok(Outcome::Whole)
    }

    /// Makes a header of one browser's cookies by one to three changes.
    fn mutate(&self, dice: &mut Dice) -> (&Original, Vec<Change>, Vec<Vec<u8>>) {
        let original = dice.pick(&self.originals);
        let mut jar = original.jar.clone();
        let mut changes: Vec<Change> = (0..=dice.below(3))
            .map(|_| *dice.pick(&Change::ALL))
            .collect();
        // Cookies change first, and the header that they come in last.
        changes.sort();
        for change in &changes {
            self.change_jar(*change, &mut jar, dice);
        }
        let mut headers = vec![join(&jar)];
        for change in &changes {
            change_headers(*change, &mut headers, dice);
        }
        (original, changes, headers)
    }

    fn change_jar(&self, change: Change, jar: &mut Vec<Pair>, dice: &mut Dice) {
        if jar.is_empty() {
            return;
        }
        let place = dice.below(jar.len());
        let other = dice.pick(&self.originals);
        let others = dice.pick(&other.jar).clone();
        let (name, value) = &mut jar[place];
        let at = dice.below(value.len());
        match change {
            Change::Flip if !value.is_empty() => value[at] ^= 1 << dice.below(8),
            Change::CutValue => value.truncate(at),
            Change::Reorder => {
                for last in (1..jar.len()).rev() {
                    jar.swap(last, dice.below(last + 1));
                }
            }
            Change::Repeat => {
                let again = jar[place].clone();
                jar.insert(dice.below(jar.len() + 1), again);
            }
            Change::Drop => drop(jar.remove(place)),
            Change::Graft => {
                if let Some((_, grafted)) = other.jar.iter().find(|(found, _)| found == name) {
                    value.clone_from(grafted);
                }
            }
            Change::Add => jar.insert(dice.below(jar.len() + 1), others),
            Change::Splice => {
                value.truncate(at);
                value.extend(others.1.iter().skip(at));
            }
            Change::Swap => {
                let to = dice.below(jar.len());
                let (from, value) = (place.min(to), place.max(to));
                let (head, tail) = jar.split_at_mut(value);
                if let Some((_, value)) = tail.first_mut().filter(|_| from < head.len()) {
                    std::mem::swap(&mut head[from].1, value);
                }
            }
            Change::MoveCut => {
                let moved = value.split_off(at);
                if let Some((_, next)) = jar.get_mut(place + 1) {
                    next.splice(..0, moved);
                }
            }
            Change::Rename => rename(name, dice),
            Change::Alphabet => change_alphabet(value, at, dice),
            Change::Quote => match dice.below(3) {
                0 => *value = [b"\"", &value[..], b"\""].concat(),
                1 => value.insert(at, b'"'),
                _ => value.push(b'"'),
            },
            Change::Preface => {
                // Version, number of parts, key id, nonce: 18 bytes in 24 characters.
                let preface = value
                    .get(..24)
                    .and_then(|chars| BASE64.decode_to_vec(chars).ok());
                if let Some(mut preface) = preface {
                    preface[dice.below(18)] = *dice.pick(&[0, 1, 2, 3, 4, 255]);
                    value.splice(..24, BASE64.encode_to_string(&preface).into_bytes());
                }
            }
            _ => {}
        }
    }
}
