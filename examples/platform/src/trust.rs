//! The master secrets of the platform and the id of its project, which are made once and kept.

use std::io;
use std::path::Path;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::mpin::authority::{Authority, Half};
use crate::{clock, folder, hex, random};

/// The platform as an authority.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Trust {
    /// A UUID.
    pub(crate) project_id: String,
    pub(crate) authority: Authority,
}

impl Trust {
    /// Reads it from `file`, or makes it and writes it there. Without a file it ends with the platform, and
    /// everything that was registered with it.
    pub(crate) fn open(file: Option<&Path>) -> io::Result<Self> {
        let Some(file) = file else {
            return Ok(Self::random());
        };
        if let Some(trust) = folder::read(file)? {
            return Ok(trust);
        }
        let trust = Self::random();
        folder::write_first(file, &trust)?;
        // Another process may have been faster: the file decides, for both.
        Ok(folder::read(file)?.unwrap_or(trust))
    }

    fn random() -> Self {
        Self {
            project_id: uuid(),
            authority: Authority::random(),
        }
    }

    /// Names both authorities. It says nothing about their secrets.
    pub(crate) fn node(&self, half: Half) -> String {
        let name = format!("{}/{}", self.project_id, half as usize);
        hex::encode(digest(&SHA256, name.as_bytes()).as_ref())
    }

    fn nodes(&self) -> Value {
        json!([self.node(Half::First), self.node(Half::Second)])
    }

    /// What clients keep as `dtas`: the names of both authorities.
    pub(crate) fn dtas(&self) -> String {
        base64_simd::STANDARD.encode_to_string(self.nodes().to_string())
    }

    /// Returns whether `dtas` names these authorities. Clients that put it together themselves leave out the padding.
    pub(crate) fn is_dtas(&self, dtas: &str) -> bool {
        let decoded = base64_simd::STANDARD_NO_PAD.decode_to_vec(dtas.trim_end_matches('='));
        let nodes = decoded
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok());
        nodes.is_some_and(|nodes: Value| nodes == self.nodes())
    }

    /// Makes the M-Pin id of a registration, as hexadecimal text.
    pub(crate) fn new_mpin_id(&self, user_id: &str) -> String {
        let plain = json!({
            "iat": clock::now(),
            "userID": user_id,
            "cID": self.project_id,
            "salt": hex::encode(&random::bytes::<16>()),
            "v": 5,
            "scope": ["dvs"],
            "dta": [],
            "vt": "dvs",
        });
        hex::encode(plain.to_string().as_bytes())
    }
}

/// Makes a random UUID (RFC 9562 §5.4).
fn uuid() -> String {
    let mut bytes = random::bytes::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(&bytes);
    let parts = [
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..],
    ];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_survives_a_restart_in_a_file_of_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mpin.json");
        let (first, second) = (
            Trust::open(Some(&file)).unwrap(),
            Trust::open(Some(&file)).unwrap(),
        );
        assert_eq!(first.project_id, second.project_id);
        assert_ne!(first.project_id, Trust::open(None).unwrap().project_id);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_project_has_a_random_uuid() {
        let id = uuid();
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
        assert_ne!(id, uuid());
    }

    #[test]
    fn its_dtas_are_known_with_and_without_padding() {
        let (trust, other) = (Trust::random(), Trust::random());
        let dtas = trust.dtas();
        assert!(trust.is_dtas(&dtas) && trust.is_dtas(dtas.trim_end_matches('=')));
        for bad in ["", "!", "W10=", &other.dtas(), &dtas[4..]] {
            assert!(!trust.is_dtas(bad), "{bad}");
        }
    }
}
