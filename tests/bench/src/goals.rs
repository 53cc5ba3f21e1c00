//! The goals, and whether they hold.

/// The highest figure that is allowed, and the one that would be ideal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) what: &'static str,
    pub(crate) goal: f64,
    pub(crate) stretch: Option<f64>,
    /// How much a count may exceed it, because the runtime does something of its own now and then.
    allowance: f64,
}

/// Instructions of `GET /whoami` over `GET /health`, sessions in cookies.
pub(crate) const WHOAMI_COOKIE: Goal = Goal {
    what: "`/whoami` over `/health`, sessions in cookies: instructions",
    goal: 6_000.0,
    stretch: Some(5_200.0),
    allowance: 0.0,
};
/// That difference, with sessions in the memory of the process.
pub(crate) const WHOAMI_MEMORY: Goal = Goal {
    what: "`/whoami` over `/health`, sessions in memory: instructions",
    goal: 3_500.0,
    stretch: Some(2_500.0),
    allowance: 0.0,
};
/// That difference, with sessions in Redis: of axum alone, because each framework waits for an answer in its own
/// way.
pub(crate) const WHOAMI_REDIS: Goal = Goal {
    what: "`/whoami` over `/health`, sessions in Redis: instructions",
    goal: 36_000.0,
    stretch: None,
    allowance: 0.0,
};
/// Allocations of that request over the other.
pub(crate) const WHOAMI_REDIS_ALLOCATIONS: Goal = Goal {
    what: "`/whoami` over `/health`, sessions in Redis: allocations",
    goal: 24.0,
    stretch: None,
    allowance: A_TWENTIETH,
};
/// Instructions of `GET /admins`, which only admins see, over `GET /whoami`, of the same person.
pub(crate) const ADMIN: Goal = Goal {
    what: "`/admins` over `/whoami`: instructions",
    goal: 350.0,
    stretch: None,
    allowance: 0.0,
};

/// What a framework takes to pass over a route that does not match. actix-web and Rocket try one after the other, and
/// `/admins` stands directly before `/whoami`, so that it is cheaper by one. Measured by the two in the other order.
pub(crate) fn price_of_a_route(framework: &str) -> f64 {
    match framework {
        "actix" => 184.0,
        "rocket" => 155.0,
        _ => 0.0,
    }
}

/// Instructions of `GET /public` under our layer, over those under a layer that does nothing.
pub(crate) const PUBLIC: Goal = Goal {
    what: "`/public` under the layer over a no-op layer: instructions",
    goal: 1_000.0,
    stretch: Some(300.0),
    allowance: 0.0,
};
/// Allocations of the former over the latter.
pub(crate) const ALLOCATIONS: Goal = Goal {
    what: "`/public` under the layer over a no-op layer: allocations",
    goal: 0.0,
    stretch: None,
    allowance: A_TWENTIETH,
};

/// Instructions of a request with 64 KiB of cookies with our names, divided by those of one with as many other
/// cookies.
pub(crate) const FLOOD: Goal = Goal {
    what: "64 KiB of cookies of our names, by 64 KiB of others': instructions",
    goal: 3.0,
    stretch: None,
    allowance: 0.0,
};
/// Instructions of that request, divided by those of one with half as many. What grows in proportion is 2 at most,
/// whatever else a request costs; the rest is for what a login asks its provider now and then.
pub(crate) const GROWTH: Goal = Goal {
    what: "64 KiB of cookies of our names, by 32 KiB of them: instructions",
    goal: 2.2,
    stretch: None,
    allowance: 0.0,
};

/// What every request does counts one or more; anything below is the runtime's own doing now and then.
const A_TWENTIETH: f64 = 0.05;

/// A figure beside its goal.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// The framework, and the place of the layer where there are two.
    pub(crate) of: String,
    pub(crate) goal: Goal,
    pub(crate) measured: f64,
    /// What the framework itself charges for any layer that handlers can talk to, and beyond axum for a `Cookie`
    /// header and for a header of the response. It is added to the goal.
    pub(crate) own: f64,
}

impl Judged {
    /// Whether the goal holds.
    pub(crate) fn holds(&self) -> bool {
        // Not a number is no success.
        self.measured <= self.limit() + self.goal.allowance
    }

    /// Whether it is ideal; where no ideal is given, whether the goal holds.
    pub(crate) fn is_excellent(&self) -> bool {
        match self.goal.stretch {
            Some(stretch) => self.measured <= stretch + self.own,
            None => self.holds(),
        }
    }

    fn limit(&self) -> f64 {
        self.goal.goal + self.own
    }

    /// Its row in the table.
    pub(crate) fn row(&self) -> String {
        let Self {
            of,
            goal,
            measured,
            own,
        } = self;
        let stretch = goal
            .stretch
            .map_or_else(|| "–".to_owned(), |stretch| figure(stretch + own));
        let own = if *own == 0.0 {
            "–".to_owned()
        } else {
            figure(*own)
        };
        let verdict = match (self.holds(), self.is_excellent()) {
            (false, _) => "**no**",
            (true, false) => "yes",
            (true, true) => "yes, and the stretch",
        };
        format!(
            "| {of} | {} | {} | {} | {own} | {stretch} | {verdict} |",
            goal.what,
            figure(*measured),
            figure(self.limit()),
        )
    }
}

/// The table of all goals.
pub(crate) fn table(judged: &[Judged]) -> String {
    let mut lines = vec![
        "| framework | what | measured | goal | of it the framework's own | stretch | holds |"
            .to_owned(),
        "|---|---|--:|--:|--:|--:|---|".to_owned(),
    ];
    lines.extend(judged.iter().map(Judged::row));
    lines.join("\n")
}

/// Formats a count of instructions as a whole number with separated thousands, and a count of allocations with
/// decimals.
pub(crate) fn figure(value: f64) -> String {
    if value.abs() < 100.0 {
        let text = format!("{value:.2}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        return if text == "-0" { "0" } else { text }.to_owned();
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 {
        format!("-{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(goal: Goal, measured: f64, own: f64) -> Judged {
        Judged {
            of: "axum".to_owned(),
            goal,
            measured,
            own,
        }
    }

    #[test]
    fn a_goal_holds_up_to_itself_and_no_further() {
        for (measured, holds, excellent) in [
            (0.0, true, true),
            (5_200.0, true, true),
            (5_200.5, true, false),
            (6_000.0, true, false),
            (6_000.5, false, false),
            (f64::NAN, false, false),
        ] {
            let judged = judged(WHOAMI_COOKIE, measured, 0.0);
            assert_eq!(judged.holds(), holds, "{measured}");
            assert_eq!(judged.is_excellent(), excellent, "{measured}");
        }
    }

    #[test]
    fn what_the_framework_takes_for_itself_comes_on_top() {
        assert!(judged(PUBLIC, 1_400.0, 400.0).holds());
        assert!(!judged(PUBLIC, 1_401.0, 400.0).holds());
        assert!(judged(PUBLIC, 700.0, 400.0).is_excellent());
        assert!(!judged(PUBLIC, 701.0, 400.0).is_excellent());
    }

    #[test]
    fn no_allocation_means_none_in_any_request() {
        assert!(judged(ALLOCATIONS, 0.0, 0.0).holds());
        assert!(judged(ALLOCATIONS, 0.04, 0.0).holds());
        assert!(!judged(ALLOCATIONS, 1.0, 0.0).holds());
        assert!(!judged(ALLOCATIONS, f64::NAN, 0.0).holds());
        assert!(judged(ALLOCATIONS, 2.01, 2.0).holds());
        assert!(judged(WHOAMI_REDIS_ALLOCATIONS, 24.04, 0.0).holds());
        assert!(!judged(WHOAMI_REDIS_ALLOCATIONS, 25.0, 0.0).holds());
        assert!(!judged(WHOAMI_REDIS, 36_000.05, 0.0).holds());
        assert!(!judged(ALLOCATIONS, 3.0, 2.0).holds());
    }

    #[test]
    fn a_row_says_what_was_missed() {
        let row = judged(WHOAMI_MEMORY, 12_345.6, 0.0).row();
        assert!(
            row.contains("| 12,346 | 3,500 | – | 2,500 | **no** |"),
            "{row}"
        );
        let row = judged(PUBLIC, 350.0, 100.0).row();
        assert!(
            row.ends_with("| 350 | 1,100 | 100 | 400 | yes, and the stretch |"),
            "{row}"
        );
    }

    #[test]
    fn figures_are_easy_to_read() {
        for (value, text) in [
            (0.0, "0"),
            (-0.001, "0"),
            (1.5, "1.5"),
            (999.6, "1,000"),
            (1_234_567.0, "1,234,567"),
            (-4_321.0, "-4,321"),
        ] {
            assert_eq!(figure(value), text);
        }
    }
}
