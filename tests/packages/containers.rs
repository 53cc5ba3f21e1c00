//! The files for containers name settings that exist, and a page that every demo has.

use std::path::Path;

use crate::outside::ROOT;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_containers_set_variables_that_exist() {
    let settings = read("miracl-core/src/config/load/settings.rs");
    let own = ["CONFIG", "HOST", "PORT", "PLATFORM_DATA"];
    let mut count = 0;
    for file in ["compose.yaml", "compose.keycloak.yaml"] {
        let text = read(&format!("examples/docker/{file}"));
        for line in text.lines() {
            let Some((name, _)) = line
                .trim()
                .strip_prefix("MIRACL_")
                .and_then(|rest| rest.split_once(':'))
            else {
                continue;
            };
            count += 1;
            let known = own.contains(&name) || settings.contains(&format!("\"{name}\""));
            assert!(known, "{file} sets MIRACL_{name}, which nothing reads");
        }
    }
    assert!(count > 10, "{count} variables");
}

#[test]
fn the_image_runs_without_rights_and_its_health_check_asks_for_no_session() {
    let text = read("examples/docker/Dockerfile");
    let last = text.split("\nFROM ").last().expect("the last stage");
    let user = last.lines().find_map(|line| line.strip_prefix("USER "));
    assert!(
        user.is_some_and(|user| user != "root" && user != "0"),
        "{user:?}"
    );
    let check = last.split("HEALTHCHECK").nth(1).expect("a health check");
    let path = check
        .split("${PORT}")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    assert_eq!(path, Some("/health"));
    for framework in ["axum", "actix", "rocket"] {
        let app = read(&format!("examples/{framework}/src/app.rs"));
        let pages = read(&format!("examples/{framework}/src/pages.rs"));
        assert!(format!("{app}{pages}").contains("/health"), "{framework}");
    }
}
