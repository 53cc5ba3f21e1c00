//! What the project promises, which scenarios show it, and which parts no scenario can show yet.

use miracl_tests::{Pending, Promise};

/// Every promise, in the order of their numbers.
pub(crate) const PROMISES: &[Promise] = &[
    Promise {
        number: 1,
        about: "state, nonce and PKCE are made for every login",
        shown_by: &[
            "requests::the_provider_is_asked_with_state_nonce_and_pkce_made_for_this_login",
            "requests::the_state_of_two_logins_differs",
            "requests::login_works_where_pkce_is_switched_off",
            "callback::a_callback_url_opened_again_after_a_log_out_is_refused",
        ],
        pending: &[],
    },
    Promise {
        number: 2,
        about: "a pending login is a sealed cookie of this browser",
        shown_by: &[
            "tabs",
            "memory_tabs",
            "redis_tabs",
            "double_click",
            "memory_double_click",
            "redis_double_click",
            "replicas::a_login_begun_at_one_ends_at_the_next_and_greets_at_the_third",
            "sealed::a_login_under_way_survives_a_restart",
            "challenge::a_challenge_needs_no_provider_and_sets_no_cookie",
        ],
        pending: &[],
    },
    Promise {
        number: 3,
        about: "the callback is checked in one order, and looking changes nothing",
        shown_by: &[
            "callback",
            "person::a_head_and_a_prefetch_of_the_callback_do_not_use_it",
            "logout::a_head_and_a_prefetch_of_the_log_out_end_nothing",
            "prefetch",
            "server::a_head_is_a_get_without_its_body",
            "form_post",
        ],
        pending: &[],
    },
    Promise {
        number: 4,
        about: "the ID token is verified in full",
        shown_by: &["id_token"],
        pending: &[],
    },
    Promise {
        number: 5,
        about: "a new signing key is found within the login",
        shown_by: &[
            "id_token::a_new_signing_key_is_found_within_the_login",
            "backchannel::a_storm_of_unknown_keys_leaves_a_login_its_own_fetch",
        ],
        pending: &[],
    },
    Promise {
        number: 6,
        about: "the way back is a path of our own",
        shown_by: &[
            "person::the_way_back_leads_to_the_page_the_login_began_at",
            "person::a_way_back_that_is_too_long_leads_home",
            "return_to",
            "public_path::a_way_back_is_below_the_public_path_or_home",
            "nested::a_challenge_in_a_nested_router_comes_back_to_the_whole_path",
            "server::a_target_with_another_host_leads_to_ours",
        ],
        pending: &[],
    },
    Promise {
        number: 7,
        about: "the app starts without the provider",
        shown_by: &["outage"],
        pending: &[],
    },
    Promise {
        number: 8,
        about: "sessions are sealed in the browser, or kept on the server",
        shown_by: &[
            "sealed",
            "kept",
            "replicas",
            "rotation",
            "memory",
            "redis",
            "sessions",
            "devices",
            "memory_devices",
            "redis_devices",
        ],
        pending: &[],
    },
    Promise {
        number: 9,
        about: "a new session for every login, with deadlines of its own",
        shown_by: &[
            "person::a_login_while_logged_in_makes_a_new_session",
            "kept::a_login_lasts_as_long_as_it_says_and_so_does_each_cookie_after_it",
            "kept::the_setting_decides_for_logins_that_say_nothing",
            "pages::the_benchmark_page_of_a_user_is_their_address",
            "visits::a_page_that_looks_without_activity_lets_the_session_run_out",
        ],
        pending: &[Pending {
            what: "the idle deadline moves, the absolute one does not",
            reason: "a scenario cannot move a demo's clock; the engine's own tests do",
        }],
    },
    Promise {
        number: 10,
        about: "cookies are closed, bound, small, and deleted as they were made",
        shown_by: &[
            "cookies",
            "secrets",
            "settings",
            "flood",
            "junk",
            "memory_junk",
            "redis_junk",
        ],
        pending: &[],
    },
    Promise {
        number: 11,
        about: "two sealed values, bound to each other",
        shown_by: &[
            "sealed::cookies_of_two_sessions_do_not_mix",
            "sealed::a_cookie_under_the_name_of_another_logs_nobody_in",
        ],
        pending: &[],
    },
    Promise {
        number: 12,
        about: "log-out kills the session wherever it can be seen",
        shown_by: &[
            "logout",
            "backchannel",
            "logout_during_login",
            "frontchannel",
            "flood",
            "marks",
        ],
        pending: &[],
    },
    Promise {
        number: 13,
        about: "what knows the session is never stored, and nothing else is forbidden to be",
        shown_by: &[
            "pages::no_page_that_knows_the_session_may_be_stored",
            "pages::the_public_page_and_the_health_check_cost_nothing",
            "visits::an_apps_own_private_stays_unless_a_cookie_is_set",
        ],
        pending: &[],
    },
    Promise {
        number: 14,
        about: "tokens are refreshed once per session, and no outage logs anybody out",
        shown_by: &[
            "refresh",
            "tokens",
            "marks::a_hundred_requests_all_over_the_fleet_make_one_refresh",
            "marks::a_replica_killed_after_its_lease_leaves_the_refresh_to_another_and_nobody_is_logged_out",
        ],
        pending: &[],
    },
    Promise {
        number: 15,
        about: "everybody is told about the login in a way they understand",
        shown_by: &["challenge", "nested", "scripts", "uploads"],
        pending: &[],
    },
    Promise {
        number: 16,
        about: "loops end, and visitors by another name come to ours",
        shown_by: &[
            "person::a_visitor_by_another_host_name_is_sent_to_ours_first",
            "person::a_callback_on_another_host_name_is_refused_and_both_are_named",
            "loops",
            "differing::logins_that_go_round_are_found_where_each_request_comes_to_the_other_replica",
        ],
        pending: &[],
    },
    Promise {
        number: 17,
        about: "other sites cannot act in the user's name",
        shown_by: &[
            "cross_origin",
            "initiate",
            "logout::a_form_field_that_names_a_method_ends_nothing_from_another_site",
        ],
        pending: &[],
    },
    Promise {
        number: 18,
        about: "the browser sees a sentence and a number, the log the rest; every failure reaches a hook",
        shown_by: &[
            "failure",
            "provider_errors",
            "secrets",
            "hooks",
            "differing",
            "nginx::much_userinfo_in_cookies_is_warned_of_once",
        ],
        pending: &[],
    },
    Promise {
        number: 19,
        about: "who does not ask pays nothing",
        shown_by: &["pages::the_public_page_and_the_health_check_cost_nothing"],
        pending: &[Pending {
            what: "what a request costs, measured",
            reason: "no scenario counts instructions: `tests/bench/run` does, \
                     and `tests/run` holds the counts to goals",
        }],
    },
];
