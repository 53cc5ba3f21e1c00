//! The QR code of a login: what it holds, and how it is drawn.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use qrcode::{Color, EcLevel, QrCode};

use crate::shared::Shared;

/// The white border around a code, in modules (ISO/IEC 18004 §9.1).
const BORDER: usize = 4;

/// A QR code, as a page shows it.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    /// The address that it holds.
    pub(crate) address: String,
    /// Its width and height in modules, with the border.
    pub(crate) size: usize,
    /// The dark modules, as the `d` of an SVG path.
    pub(crate) path: String,
}

impl Picture {
    /// Draws an address. There is no picture of one that is too long for a code.
    pub(crate) fn of(address: String) -> Option<Self> {
        let code = QrCode::with_error_correction_level(&address, EcLevel::M).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (y, row) in code.to_colors().chunks(width).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|one, other| one == other) {
                if run.first() == Some(&Color::Dark) {
                    let (left, top, length) = (x + BORDER, y + BORDER, run.len());
                    path += &format!("M{left} {top}h{length}v1h-{length}z");
                }
                x += run.len();
            }
        }
        Some(Self {
            address,
            size: width + 2 * BORDER,
            path,
        })
    }
}

/// Returns the address that another device opens to finish a session. Whatever stands after `#` is in no request.
pub(crate) fn address(shared: &Shared, access_id: &str) -> String {
    let base = network_origin(shared).unwrap_or_else(|| shared.issuer().to_owned());
    format!("{base}/qr#{access_id}")
}

/// Returns the origin by which other machines reach the platform, if it listens elsewhere than on loopback.
pub(crate) fn network_origin(shared: &Shared) -> Option<String> {
    let port = shared.address.port();
    let ip = match shared.address.ip() {
        ip if ip.is_loopback() => return None,
        ip if ip.is_unspecified() => machine_address()?,
        ip => ip,
    };
    Some(format!("http://{}", SocketAddr::new(ip, port)))
}

/// Returns the address that this machine has in its network: the one that it would send from. A connection of UDP
/// sends nothing, and the address asked for is one of documentation (RFC 5737).
fn machine_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws the path again, as rows of dark and light modules.
    fn modules(picture: &Picture) -> Vec<Vec<bool>> {
        let mut rows = vec![vec![false; picture.size]; picture.size];
        for part in picture.path.split('M').skip(1) {
            let (corner, length) = part.split_once('h').unwrap();
            let (x, y) = corner.split_once(' ').unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            let length: usize = length.split_once('v').unwrap().0.parse().unwrap();
            rows[y][x..x + length].fill(true);
        }
        rows
    }

    #[test]
    fn the_path_has_every_dark_module_of_the_code_and_a_white_border() {
        let address = "http://127.0.0.1:5050/qr#abc".to_owned();
        let picture = Picture::of(address.clone()).unwrap();
        let code = QrCode::with_error_correction_level(&address, EcLevel::M).unwrap();
        let rows = modules(&picture);
        for (y, row) in rows.iter().enumerate() {
            for (x, dark) in row.iter().enumerate() {
                let inside = [x, y]
                    .iter()
                    .all(|at| (BORDER..picture.size - BORDER).contains(at));
                let expected = inside && code[(x - BORDER, y - BORDER)] == Color::Dark;
                assert_eq!(*dark, expected, "{x} {y}");
            }
        }
        assert_eq!(picture.address, address);
    }

    #[test]
    fn an_address_that_is_too_long_has_no_picture() {
        assert!(Picture::of("x".repeat(5000)).is_none());
    }
}
