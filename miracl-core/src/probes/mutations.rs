//! Whatever somebody makes of the cookies of sessions: a header opens as one of them, whole, or as nobody's.

use crate::flow::confirm;
use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use base64_simd::URL_SAFE_NO_PAD as BASE64;
use serde_json::Value;

use crate::{
    Category, Clock, Config, CookieKey, Miracl, RequestView, Visit,
    flow::callback::tests::cookies as header_of,
    probes::fuzz::tests::Dice,
    provider::tokens::Tokens,
    session::{
        data::SessionData,
        identity::{Session, SessionId},
        marked_by::MarkedBy,
        person::Person,
    },
};

/// How many headers an ordinary run makes, in a few seconds. With `COOKIE_MUTATIONS=1000000` in the environment it makes as
/// many as that.
const COUNT: u64 = 10_000;
const NOW: u64 = 1_800_000_000;
const FLASH: &str = "a message";

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

/// One way to change a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// A bit of a value is another.
    Flip,
    /// A value ends early.
    CutValue,
    /// The header ends early.
    CutHeader,
    /// The cookies come in another order.
    Reorder,
    /// A cookie comes twice, somewhere.
    Repeat,
    /// A cookie is missing.
    Drop,
    /// A value is that of the same cookie in another browser, or at another time.
    Graft,
    /// Another browser's cookie is there too.
    Add,
    /// A value begins as one and ends as another browser's.
    Splice,
    /// Two values change places.
    Swap,
    /// The parts of a value are cut at another place.
    MoveCut,
    /// A cookie has another name: of ours, or nearly.
    Rename,
    /// A character is of another alphabet, or there is padding.
    Alphabet,
    /// A value is in quotes, or has one in it.
    Quote,
    /// What a value says of itself is another: version, number of parts, key, nonce.
    Preface,
    /// Bytes of the header are others, more, or fewer.
    Bytes,
    /// The cookies come in several headers.
    Split,
    /// Another separator than a semicolon and a space.
    Separate,
}

impl Change {
    const ALL: [Self; 18] = [
        Self::Flip,
        Self::CutValue,
        Self::CutHeader,
        Self::Reorder,
        Self::Repeat,
        Self::Drop,
        Self::Graft,
        Self::Add,
        Self::Splice,
        Self::Swap,
        Self::MoveCut,
        Self::Rename,
        Self::Alphabet,
        Self::Quote,
        Self::Preface,
        Self::Bytes,
        Self::Split,
        Self::Separate,
    ];

    /// Whether the header says the same as before.
    fn keeps_the_meaning(self) -> bool {
        matches!(self, Self::Reorder | Self::Repeat | Self::Add | Self::Split)
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

type Pair = (Vec<u8>, Vec<u8>);

/// A session as its browser has it.
struct Original {
    jar: Vec<Pair>,
    subject: &'static str,
    /// What tells it from every other, and from itself at another time.
    data: Value,
    /// Whether it counts for the engine that is asked.
    counts: bool,
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

/// Names that are ours, and names that look like it.
fn rename(name: &mut Vec<u8>, dice: &mut Dice) {
    let renamed: &[&[u8]] = &[
        b"miracl-session",
        b"miracl-data",
        b"miracl-data-1",
        b"miracl-data-2",
        b"miracl-flash",
        b"miracl-login-AAAAAAAA",
        b"",
    ];
    match dice.below(6) {
        0 => name.splice(..0, *b"__Host-").for_each(drop),
        1 => name.extend(b"-1"),
        2 => name.make_ascii_uppercase(),
        3 => name.extend(b" "),
        4 => name.extend(b"-0"),
        _ => *name = dice.pick(renamed).to_vec(),
    }
}

fn change_alphabet(value: &mut Vec<u8>, at: usize, dice: &mut Dice) {
    let replace = |value: &mut Vec<u8>, from: u8, to: &[u8]| {
        *value = value
            .iter()
            .flat_map(|byte| {
                if *byte == from {
                    to.to_vec()
                } else {
                    vec![*byte]
                }
            })
            .collect();
    };
    match dice.below(8) {
        0 => replace(value, b'-', b"+"),
        1 => replace(value, b'_', b"/"),
        2 => replace(value, b'-', b"%2D"),
        3 => value.extend(b"="),
        4 => value.extend(b"=="),
        // The bits of the last character that belong to no byte, and a character that ends none.
        5 => value
            .iter_mut()
            .last()
            .into_iter()
            .for_each(|last| *last = last.wrapping_add(1)),
        6 => value.push(b'A'),
        _ => value.insert(at, *dice.pick(b" \t\n\r\0%+/=,.")),
    }
}

fn change_headers(change: Change, headers: &mut Vec<Vec<u8>>, dice: &mut Dice) {
    let which = dice.below(headers.len());
    let header = &mut headers[which];
    let at = dice.below(header.len());
    match change {
        Change::CutHeader => header.truncate(at),
        Change::Bytes => {
            let end = (at + dice.below(8)).min(header.len());
            let bytes: Vec<u8> = (0..dice.below(4))
                .map(|_| u8::try_from(dice.below(256)).unwrap())
                .collect();
            header.splice(at..end, bytes);
        }
        Change::Split => {
            let header = header.clone();
            let cookies: Vec<&[u8]> = header.split(|byte| *byte == b';').collect();
            let cut = dice.below(cookies.len() + 1);
            headers.splice(
                which..=which,
                [cookies[..cut].join(&b';'), cookies[cut..].join(&b';')],
            );
        }
        Change::Separate => {
            let separators: [&[u8]; 7] = [b",", b" ", b"&", b"\0", b"\n", b"; ;", b"%3B"];
            let separator = *dice.pick(&separators);
            let cookies: Vec<&[u8]> = header.split(|byte| *byte == b';').collect();
            *header = cookies.join(separator);
        }
        _ => {}
    }
}

impl Original {
    /// A session with about so many bytes of user data.
    async fn new(miracl: &Miracl, subject: &'static str, bytes: usize, counts: bool) -> Self {
        let data = Value::from("x".repeat(bytes));
        let session = Session {
            id: SessionId(crate::base::random::random()),
            generation: 0,
            data: Default::default(),
            created_ms: NOW * 1000,
            seen: NOW,
            issued_at: NOW,
            person: Person::new(
                &miracl.config().issuer,
                subject,
                Some(&format!("{subject}@example.com")),
            ),
            email_verified: true,
            is_doubtful: false,
            marked_by: MarkedBy::new(&miracl.config().issuer, subject, None),
        };
        let tokens = Tokens {
            access_token: subject.into(),
            id_token: "a.e30.c".into(),
            refresh_token: None,
            expires_at: None,
            renew_at: None,
            scope: None,
        };
        let kept = SessionData {
            tokens,
            userinfo: [("data".to_owned(), data.clone())].into_iter().collect(),
            user_agent: None,
        };
        let visit = visit(miracl, &[]);
        let proposed = confirm::propose(visit.exchange(), Arc::new(session), Arc::new(kept), None);
        proposed.await.unwrap();
        visit.confirm_login().await.unwrap();
        visit.flash(Category::Info, FLASH);
        let jar = pairs(&header_of(&visit));
        // The session, its parts, and the message.
        assert_eq!(jar.len(), if bytes > 3000 { 4 } else { 3 }, "{subject}");
        Self {
            jar,
            subject,
            data,
            counts,
        }
    }

    /// The same session after its user data changed.
    async fn changed(&self, miracl: &Miracl) -> Self {
        let data = Value::from("y".repeat(self.data.as_str().map_or(0, str::len)));
        let visit = visit(miracl, &[join(&self.jar)]);
        let change = |before: &SessionData| {
            let mut changed = before.clone();
            changed.userinfo.insert("data".to_owned(), data.clone());
            Some(changed)
        };
        visit.exchange().change_data(change).await.unwrap();
        let mut jar = pairs(&header_of(&visit));
        jar.extend(self.jar.last().cloned());
        assert_eq!(jar.len(), self.jar.len());
        Self { jar, data, ..*self }
    }
}

fn engine(client_id: &str, key: &CookieKey) -> Miracl {
    Miracl::new(Config {
        issuer: "https://issuer.example".into(),
        client_id: client_id.into(),
        client_secret: "secret".into(),
        redirect_uri: "http://127.0.0.1:5000/login".into(),
        cookie_keys: vec![key.clone()],
        clock: Clock::from_fn(|| UNIX_EPOCH + Duration::from_secs(NOW)),
        ..Config::default()
    })
    .unwrap()
}

fn pairs(header: &str) -> Vec<Pair> {
    let pairs = header.split("; ").map(|pair| pair.split_once('=').unwrap());
    pairs
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn join(jar: &[Pair]) -> Vec<u8> {
    let cookies: Vec<Vec<u8>> = jar
        .iter()
        .map(|(name, value)| [&name[..], b"=", value].concat())
        .collect();
    cookies.join(&b"; "[..])
}

fn visit(miracl: &Miracl, headers: &[Vec<u8>]) -> Visit {
    miracl.visit(&Request(headers))
}

/// A request with these `Cookie` headers.
struct Request<'h>(&'h [Vec<u8>]);

impl RequestView for Request<'_> {
    fn method(&self) -> &'static str {
        "GET"
    }

    fn path_and_query(&self) -> Cow<'_, str> {
        Cow::Borrowed("/")
    }

    fn host(&self) -> Option<&str> {
        Some("127.0.0.1:5000")
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let values = (name == "cookie").then_some(self.0);
        values.into_iter().flatten().map(Vec::as_slice)
    }
}
