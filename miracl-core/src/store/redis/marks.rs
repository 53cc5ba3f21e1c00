//! Marks in Redis: used names and leases are strings, and the two lists are streams. Each of them expires.

use std::time::Duration;

use ::redis::{Value, from_redis_value};

use crate::{
    base::hex::hex_after,
    error::store::StoreError,
    store::{
        marks::{Lease, LeaseOwner, MarkKey, MarkStore, NoteList, Notes},
        redis::{
            RedisStore,
            commands::{command, millis, script},
        },
    },
};

/// How many notes one command asks for.
const PAGE: usize = 1000;
/// The field of an entry that has the note.
const FIELD: &str = "n";

/// Adds a note, removes those whose time has passed, and lets the list live as long as its last note.
const NOTE: &str = "\
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'n', ARGV[1])
local old = redis.call('XRANGE', KEYS[1], '-', string.format('%.0f', math.max(now - ARGV[2] - 1, 0)), 'COUNT', 100)
for _, entry in ipairs(old) do redis.call('XDEL', KEYS[1], entry[1]) end
local left = redis.call('PTTL', KEYS[1])
if left < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end";

/// Takes a lease that is free or the owner's own. A lease is stored as `C` and its owner, a result as `S` and its
/// value.
const LEASE: &str = "\
local found = redis.call('GET', KEYS[1])
if found and found ~= 'C' .. ARGV[1] then
  if string.sub(found, 1, 1) == 'C' then return 'C' end
  return found
end
redis.call('SET', KEYS[1], 'C' .. ARGV[1], 'PX', ARGV[2])
return ''";

/// Replaces the owner's lease by a value.
const SETTLE: &str = "\
if redis.call('GET', KEYS[1]) ~= 'C' .. ARGV[1] then return 0 end
redis.call('SET', KEYS[1], 'S' .. ARGV[2], 'PX', ARGV[3])
return 1";

/// Gives up the owner's lease.
const RELEASE: &str = "\
if redis.call('GET', KEYS[1]) == 'C' .. ARGV[1] then redis.call('DEL', KEYS[1]) end";

impl RedisStore {
    fn used(&self, key: &MarkKey) -> String {
        hex_after([&self.prefix, "used:"], &key.0)
    }

    fn leased(&self, key: &MarkKey) -> String {
        hex_after([&self.prefix, "claim:"], &key.0)
    }

    fn list(&self, list: NoteList) -> String {
        let name = match list {
            NoteList::Proven => "ended",
            NoteList::Unproven => "ended-unproven",
        };
        format!("{}{name}", self.prefix)
    }

    /// One page of a list, from an entry on: each with its id.
    async fn page(&self, list: NoteList, from: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut range = command("XRANGE", 5);
        range.arg(self.list(list)).arg(from).arg("+");
        range.arg("COUNT").arg(PAGE);
        let entries: Vec<(String, Value)> = self.ask(&range).await?;
        let entries = entries.into_iter().map(|(id, fields)| {
            let fields: Vec<(String, Vec<u8>)> = from_redis_value(fields).unwrap_or_default();
            let note = fields.into_iter().find(|(name, _)| name == FIELD);
            (id, note.map(|(_, note)| note).unwrap_or_default())
        });
        Ok(entries.collect())
    }
}

impl MarkStore for RedisStore {
    const PLACE: &'static str = "Redis";

    async fn use_once(&self, key: &MarkKey, ttl: Duration) -> Result<bool, StoreError> {
        let mut set = command("SET", 5);
        set.arg(self.used(key)).arg(1).arg("NX");
        set.arg("PX").arg(millis(ttl));
        let set: Option<String> = self.ask(&set).await?;
        Ok(set.is_some())
    }

    async fn forget(&self, key: &MarkKey) -> Result<(), StoreError> {
        let mut forget = command("DEL", 1);
        forget.arg(self.used(key));
        self.ask(&forget).await
    }

    async fn note(&self, list: NoteList, note: &[u8], ttl: Duration) -> Result<(), StoreError> {
        let mut add = script(NOTE, &self.list(list));
        add.arg(note).arg(millis(ttl)).arg(list.capacity());
        self.ask(&add).await
    }

    async fn notes_since(
        &self,
        list: NoteList,
        position: Option<&[u8]>,
    ) -> Result<Notes, StoreError> {
        let known = position.and_then(|position| std::str::from_utf8(position).ok());
        // The id of the last entry that was read. If it is gone, Redis may have lost its last changes, and all of the
        // list is read.
        let mut last = known.unwrap_or_default().to_owned();
        let mut page = Vec::new();
        if !last.is_empty() {
            page = self.page(list, &last).await?;
        }
        if page.first().is_none_or(|(first, _)| *first != last) {
            last.clear();
            page = self.page(list, "-").await?;
        }
        let mut notes = Vec::new();
        loop {
            let full = page.len() >= PAGE;
            for (id, note) in page {
                // Each page begins with the last entry of the one before.
                if id != last {
                    notes.push(note);
                    last = id;
                }
            }
            if !full {
                return Ok(Notes::new(notes, last.into_bytes()));
            }
            page = self.page(list, &last).await?;
        }
    }

    async fn lease(
        &self,
        key: &MarkKey,
        owner: &LeaseOwner,
        ttl: Duration,
    ) -> Result<Lease, StoreError> {
        let mut lease = script(LEASE, &self.leased(key));
        lease.arg(&owner.0).arg(millis(ttl));
        let found: Vec<u8> = self.ask(&lease).await?;
        Ok(match found.split_first() {
            None => Lease::Taken,
            Some((b'S', value)) => Lease::Settled(value.to_owned()),
            Some(_) => Lease::Held,
        })
    }

    async fn settle(
        &self,
        key: &MarkKey,
        owner: &LeaseOwner,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        let mut settle = script(SETTLE, &self.leased(key));
        settle.arg(&owner.0).arg(value).arg(millis(ttl));
        self.ask(&settle).await
    }

    async fn release(&self, key: &MarkKey, owner: &LeaseOwner) -> Result<(), StoreError> {
        let mut release = script(RELEASE, &self.leased(key));
        release.arg(&owner.0);
        self.ask(&release).await
    }
}
