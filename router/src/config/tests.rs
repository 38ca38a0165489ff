//! What the configuration takes, and the exact words for what it does not.

use super::*;

fn load(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
    load_with(text, environment, Overrides::default())
}

fn load_with(text: &str, environment: &[(&str, &str)], overrides: Overrides) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("switchboard.toml");
    std::fs::write(&path, text).unwrap();
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(Some(&path), environment, overrides)
        .map_err(|errors| errors.to_string().replace(&folder.path().display().to_string(), "."))
}

#[test]
fn nothing_at_all_is_a_good_configuration() {
    let config = Config::load(None, std::iter::empty(), Overrides::default()).unwrap();
    assert_eq!(config, Config::default());
    assert!(config.listen.ip().is_loopback());
    assert_eq!(config.level, "disk");
}

#[test]
fn what_is_written_out_is_read_back() {
    let mut config =
        Config { tls: Some(Tls { cert: "c.pem".into(), key: "k.pem".into() }), ..Config::default() };
    config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
    config.public_url = Some("https://chat.example.com".into());
    config.log.format = LogFormat::Json;
    assert_eq!(load(&toml::to_string(&config).unwrap(), &[]).unwrap(), config);
}

#[test]
fn later_places_win() {
    let text = "level = \"os\"\n[limits]\nframes_per_s = 3\nframes_burst = 9";
    let environment = [("SWITCHBOARD__LIMITS__FRAMES_PER_S", "7"), ("SWITCHBOARD__LEVEL", "memory")];
    let config = load(text, &environment).unwrap();
    assert_eq!((config.limits.frames_per_s, config.limits.frames_burst), (7, 9));
    assert_eq!(config.level, "memory");
    let overrides = Overrides { level: Some("disk".into()), ..Overrides::default() };
    assert_eq!(load_with(text, &environment, overrides).unwrap().level, "disk");
}

#[test]
fn the_environment_is_read_as_each_key_needs_it() {
    let config = load(
        "",
        &[
            ("SWITCHBOARD__DATA", "2026"),
            ("SWITCHBOARD__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
            ("SWITCHBOARD__PUBLIC_URL", "https://chat.example.com"),
            ("HOME", "/nowhere"),
        ],
    )
    .unwrap();
    assert_eq!(config.data, PathBuf::from("2026"), "a folder may look like a number");
    assert_eq!(config.trusted_proxies.len(), 2);
    assert_eq!(config.public_url.as_deref(), Some("https://chat.example.com"));
    let list = load("", &[("SWITCHBOARD__TRUSTED_PROXIES", "[\"10.0.0.0/8\"]")]).unwrap();
    assert_eq!(list.trusted_proxies.len(), 1);
}

#[test]
fn load_runs_raise_limits_and_lower_none() {
    let config = load("[limits]\nsessions = 900000", &[("SWITCHBOARD_LIMITS", "load")]).unwrap();
    assert_eq!((config.limits.sessions, config.limits.frames_per_s), (900_000, 1_000_000));
    assert_eq!(
        load("", &[("SWITCHBOARD_LIMITS", "none")]).unwrap_err(),
        "SWITCHBOARD_LIMITS: there is only `load`, not `none`"
    );
}

#[test]
fn every_unknown_key_is_told_with_its_place_and_the_nearest_name() {
    let error = load(
        "levle = \"os\"\nframes_per_s = 1\n[limits]\nframes_per_sec = 3\n\"a.b\" = 1\n[sesions]\n",
        &[("SWITCHBOARD__LIMTS__SESSIONS", "7"), ("SWITCHBOARD__COLOUR", "red")],
    );
    assert_eq!(
        error.unwrap_err(),
        "./switchboard.toml:1:1: unknown key `levle`: did you mean `level`?\n\
         ./switchboard.toml:2:1: unknown key `frames_per_s`: did you mean `limits.frames_per_s`?\n\
         ./switchboard.toml:4:1: unknown key `limits.frames_per_sec`: did you mean `limits.frames_per_s`?\n\
         ./switchboard.toml:5:1: unknown key `limits.\"a.b\"`\n\
         ./switchboard.toml:6:2: unknown key `sesions`: did you mean `sessions`?\n\
         SWITCHBOARD__LIMTS__SESSIONS: unknown key `limts.sessions`: did you mean `limits.sessions`?\n\
         SWITCHBOARD__COLOUR: unknown key `colour`"
    );
}

#[test]
fn wrong_forms_wrong_values_and_unknown_keys_are_told_together() {
    let error = load(
        "listen = 4\nlevel = \"paper\"\nlimits = { sessions = -1, colour = 2 }\nsessions = 5\n\
         trusted_proxies = [\"10.0.0.0/64\"]\npublic_url = \"https://a.example/chat\"\n",
        &[
            ("SWITCHBOARD__LIMITS__FRAMES_PER_S", "many"),
            ("SWITCHBOARD__SHARDS", "0"),
            ("SWITCHBOARD__LOG", "x"),
        ],
    )
    .unwrap_err();
    let lines: Vec<&str> = error.lines().collect();
    let starts = [
        "./switchboard.toml:1:10: `listen`: invalid type: integer `4`",
        "./switchboard.toml:3:23: `limits.sessions`: invalid value: integer `-1`",
        "./switchboard.toml:3:27: unknown key `limits.colour`",
        "./switchboard.toml:4:1: `sessions` is a section: write `[sessions]`",
        "./switchboard.toml:5:19: `trusted_proxies`: `10.0.0.0/64` is no address or range such as `10.0.0.0/8`",
        "SWITCHBOARD__LIMITS__FRAMES_PER_S: `limits.frames_per_s`: invalid type: string \"many\"",
        "SWITCHBOARD__LOG: `log` is a section: set its keys, as in SWITCHBOARD__LOG__KEY",
        "./switchboard.toml:2:9: `level` cannot be used: there is no level \"paper\"",
        "SWITCHBOARD__SHARDS: `shards` must be 1 to 1,024",
        "./switchboard.toml:6:14: `public_url` must be scheme and host",
    ];
    assert_eq!(lines.len(), starts.len(), "{error}");
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(start), "{line}\n{start}");
    }
}

#[test]
fn a_wrong_flag_is_told_as_a_flag() {
    let overrides = Overrides { level: Some("paper".into()), ..Overrides::default() };
    assert!(
        load_with("level = \"os\"", &[], overrides)
            .unwrap_err()
            .starts_with("--level: `level` cannot be used")
    );
}

#[test]
fn every_fault_of_form_is_told() {
    let error = load("listen = \nlevel = \"os\n", &[]).unwrap_err();
    let places: Vec<_> = error.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert!(places.iter().any(|it| it.starts_with("./switchboard.toml:1:")), "{error}");
    assert!(places.iter().any(|it| it.starts_with("./switchboard.toml:2:")), "{error}");
    assert!(load("shards = 99999999999999999999", &[]).unwrap_err().starts_with("./switchboard.toml:1:"));
}

#[test]
fn tls_needs_both_of_its_files() {
    for text in ["[tls]\n", "[tls]\ncert = \"c.pem\"\n"] {
        assert_eq!(load(text, &[]).unwrap_err(), "./switchboard.toml:1:2: `tls` needs both `cert` and `key`");
    }
    let halves = load("[tls]\ncert = \"c.pem\"", &[("SWITCHBOARD__TLS__KEY", "k.pem")]).unwrap();
    assert_eq!(halves.tls, Some(Tls { cert: "c.pem".into(), key: "k.pem".into() }));
    assert_eq!(
        load("", &[("SWITCHBOARD__TLS__KEY", "k.pem")]).unwrap_err(),
        "SWITCHBOARD__TLS__KEY: `tls` needs both `cert` and `key`"
    );
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let error = Config::load(Some(Path::new("/nowhere/s.toml")), std::iter::empty(), Overrides::default());
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/s.toml: the configuration cannot be read"), "{error}");
}

#[test]
fn only_an_origin_is_a_public_address() {
    for good in ["https://chat.example.com", "http://127.0.0.1:8080/", "https://[::1]:8443"] {
        assert!(check::is_origin(good), "{good}");
    }
    for bad in [
        "",
        "chat.example.com",
        "ftp://a",
        "https://",
        "https://a/b",
        "https://a b",
        "https://a;b",
        "https://*",
    ] {
        assert!(!check::is_origin(bad), "{bad}");
    }
}

#[test]
fn a_public_address_is_kept_as_browsers_write_it() {
    for (written, kept) in [
        ("https://Chat.Example.com:443/", "https://chat.example.com"),
        ("HTTP://chat.example.com:80", "http://chat.example.com"),
        ("https://chat.example.com:8443", "https://chat.example.com:8443"),
    ] {
        let config = load(&format!("public_url = {written:?}"), &[]).unwrap();
        assert_eq!(config.public_url.as_deref(), Some(kept));
    }
}

#[test]
fn a_sign_in_lasts_an_hour_to_a_month() {
    assert_eq!(load("", &[]).unwrap().sessions.sign_in_hours, 12);
    assert_eq!(load("[sessions]\nsign_in_hours = 720", &[]).unwrap().sessions.sign_in_hours, 720);
    for wrong in ["0", "721"] {
        let error = load(&format!("[sessions]\nsign_in_hours = {wrong}"), &[]).unwrap_err();
        assert!(error.contains("`sessions.sign_in_hours` must be 1 to 720"), "{error}");
    }
}

#[test]
fn ranges_hold_their_addresses() {
    let holds = |range: &str, ip: &str| range.parse::<Cidr>().unwrap().contains(ip.parse().unwrap());
    assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
    assert!(holds("0.0.0.0/0", "203.0.113.9") && !holds("0.0.0.0/0", "::1"));
    assert!(holds("2001:db8::/32", "2001:db8:1::1") && !holds("2001:db8::/32", "2001:db9::1"));
    assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.8"));
    assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"), "an IPv4 address as a dual socket shows it");
    for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8", "host"] {
        assert!(wrong.parse::<Cidr>().is_err(), "{wrong}");
    }
}

#[test]
fn origins_are_compared_in_the_form_that_browsers_write() {
    for (written, form) in [
        ("https://Shop.Example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80/", "http://shop.example"),
        ("http://shop.example:443", "http://shop.example:443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ] {
        assert_eq!(check::origin(written), form);
    }
}
